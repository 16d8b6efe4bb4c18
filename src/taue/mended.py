"""What a key ate of an object, given back: narrow bites that the composite shows as object.

On its fresh key a white stripe takes the key's hue, and passes for a hole; a mast between two sails
does. Whether it is one, the composite tells, which has no key.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from taue.arrays import Array, Region
from taue.coarse import SIDE
from taue.shown import IN_GAPS, UNEXPLAINED, away_from, certainly, closed, scaled, unlikeness
from taue.sight import Sight
from taue.stack.mixing import Floats

NARROW = 8
"""Pixels (at :data:`taue.coarse.SIDE`) that a bite is wide at most."""

WITHIN = 1.5
"""Pixels inside what the composite shows of the object from which on it is certain."""

WHOLE = 0.95
"""Alpha from which on nothing is missing."""

SOFT = 0.8
"""Standard deviation in pixels of the edge between what is given back and what is not."""


def mended(cut: Floats, composite: Array, sight: Sight) -> Floats:
    """A cut-out [H, W, 4] in [0, 1] with its narrow bites filled from the composite [H, W, 3]."""
    fill = bites(cut[..., 3], composite, sight)
    if not fill.any():
        return cut
    unit = min(fill.shape) * SOFT / SIDE
    there = (fill | (cut[..., 3] >= WHOLE)).astype(np.float32)
    soft = (2 * ndimage.gaussian_filter(there, unit) - 1).clip(0, 1)
    near = ndimage.binary_dilation(fill, iterations=scaled(1, composite))
    alpha = np.maximum(cut[..., 3], np.where(near, soft, 0))
    given = ((alpha - cut[..., 3]) / np.maximum(alpha, 1e-4))[..., None]
    colours = cut[..., :3] + given * (composite - cut[..., :3])
    return np.concatenate([colours, alpha[..., None]], axis=-1).astype(np.float32)


def bites(alpha: Floats, composite: Array, sight: Sight) -> Region:
    """Where a cut-out lacks what the composite shows of the object, in narrow places that the rest
    of it encloses, bool [H, W]: there its colours are rather the object's own than the ground's.

    Args:
        alpha: the cut-out's [H, W] in [0, 1].
        composite: [H, W, 3] in [0, 1].
        sight: of the subject.
    """
    solid = alpha >= 0.5
    core = certainly(sight.region & sight.draft)
    far = away_from(sight.region | sight.draft | solid)
    depth = np.asarray(ndimage.distance_transform_edt(sight.region))
    lacking = closed(solid, scaled(NARROW / 2, composite)) & (alpha < WHOLE)
    lacking &= depth >= WITHIN * min(alpha.shape) / SIDE
    if not (lacking.any() and core.any() and far.any()):
        return np.zeros_like(solid)
    own, other = unlikeness(composite, lacking, core, far)
    return lacking & (own < UNEXPLAINED) & (own < IN_GAPS * other)
