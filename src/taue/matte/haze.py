"""What is broad and faint beyond an object: an uneven key."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from taue.arrays import Array
from taue.matte.measures import BRINK, INVISIBLE
from taue.matte.trimap import narrowed, widened
from taue.ramp import falling
from taue.shapes import Alpha


def without_haze(alpha: Alpha, edge: int) -> Array:
    """Alpha [H, W] without what is broad and faint beyond the object's soft edge: an uneven key.

    It fades away from what is half as opaque as the most opaque pixel. Thin parts, such as spokes
    that a decoder has blurred, are no haze.

    Args:
        alpha: [H, W] in [0, 1].
        edge: pixels over which an edge may be soft.
    """
    solid = alpha >= alpha.max() / 2
    away = np.asarray(ndimage.distance_transform_edt(~solid)) / edge
    faint = (alpha > INVISIBLE) & (away > BRINK[0])
    broad = widened(narrowed(faint, edge // 2), edge // 2 + 1)
    return np.where(broad, alpha * falling(away, BRINK), alpha).astype(np.float32)
