"""What arrays hold, in annotations of what needs no torch; :mod:`taue.shapes` tells lengths too."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]
"""Numbers of any precision: a picture [H, W, 3], an alpha [H, W], distances."""

Bytes = NDArray[np.uint8]
"""A picture in 0..255 [H, W, 3] or [H, W, 4], or one of its channels."""

Region = NDArray[np.bool_]
"""Where something is in a picture [H, W]."""
