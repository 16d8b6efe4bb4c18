"""What a scene shows in a subject's place where it drew that smaller, or elsewhere.

A subject that was brought has its shape already, and a composite need not keep to it: where the
crown of a tree was there are windows, where its trunk was there is grass. No light comes from them.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from taue.arrays import Array, Region
from taue.hue import FLOOR
from taue.shown import ALIKE, CERTAIN, UNEXPLAINED, box_means, scaled, unlikeness
from taue.stack.mixing import Floats


def without_intruders(subject: Floats, composite: Array, sure: Region, beyond: Region) -> Region:
    """What of a region is the subject's, bool [H, W]; all of it if nothing would be left.

    An intruder is not what the subject would be in one light for all of it, is more like what lies
    beyond nearby, and what of the one hangs on to such a part of it.

    Args:
        subject: RGBA [H, W, 4] in [0, 1].
        composite: [H, W, 3] in [0, 1].
        sure: where the composite should show it and nothing else, bool [H, W].
        beyond: where no subject is, bool [H, W].
    """
    if not sure.any():
        return sure
    has, shows = subject[..., :3] + FLOOR, composite + FLOOR
    light = np.median(shows[sure] / has[sure], axis=0)
    (unlike,) = box_means(1, shows - light * has)
    off = np.linalg.norm(unlike, axis=-1)
    odd = sure & (off > UNEXPLAINED)
    (other,) = unlikeness(composite, odd, beyond)
    intruding = ndimage.binary_propagation(odd & (off > ALIKE * other), mask=odd)
    near = ndimage.binary_dilation(intruding, iterations=scaled(CERTAIN, composite))
    left = sure & ~np.asarray(near, bool)
    return left if left.any() else sure
