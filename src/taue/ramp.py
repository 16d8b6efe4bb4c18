"""A soft threshold."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def falling(values: NDArray[np.floating[Any]], ends: tuple[float, float]) -> NDArray[Any]:
    """1 up to the first of the ends, 0 from the second on, a line between."""
    low, high = ends
    return ((high - values) / (high - low)).clip(0, 1)
