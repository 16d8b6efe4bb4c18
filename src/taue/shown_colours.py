"""The colours that the composite shows of a subject, in place of those that a key tinted.

What is grown on a key takes some of its hue towards the rim, and details of it are drawn anew. The
composite has no key: where it shows the object for certain its colours are the object's, and what
they change there goes on to the rim, where it shows both the object and what is behind.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from taue.arrays import Array
from taue.coarse import SIDE, coarse, fine
from taue.shown import closed, scaled
from taue.sight import Sight
from taue.stack.mixing import Floats

WHOLE = 0.95
"""Alpha from which on nothing behind is in a layer's colours."""

SOFT = 1.0
"""Standard deviation in pixels with which the one's colours pass into the other's."""

RIM = 2.5, 6.0
"""Pixels (at :data:`taue.coarse.SIDE`) inside the object from which on a composite shows some of
its colours, and nothing else."""

SLIT = 4
"""Pixels that a gap in what is certain is wide at most to be certain, too."""

CARRIED = 4.0
"""Standard deviation in pixels with which a change of colour goes on to the rim ..."""

TINT, LEAST = 0.15, 0.25
"""... the distance of colours that is a tint rather than another detail, which stays where it is;
and the share of the colours nearby that have to be such."""


def in_shown_colours(layer: Floats, composite: Array, sight: Sight) -> Floats:
    """A subject's layer RGBA [H, W, 4] in [0, 1] in the colours of the composite [H, W, 3]."""
    unit = min(composite.shape[:2]) / SIDE
    change = composite - layer[..., :3]
    share = _share(layer, sight, unit)
    full = (share > 0.99).astype(np.float32)
    if not full.any():
        return layer
    beside = fine(_carried(coarse(change), coarse(full)), layer.shape)
    share = share[..., None]
    colours = layer[..., :3] + share * change + (1 - share) * beside
    return np.concatenate([colours.clip(0, 1), layer[..., 3:]], axis=-1).astype(np.float32)


def _carried(change: Array, full: Array) -> Array:
    """What the changes of colour [H, W, 3] nearby have in common, where they are known [H, W]."""
    spread = CARRIED * min(full.shape) / SIDE
    alike = full * np.exp(-((np.linalg.norm(change, axis=-1) / TINT) ** 2))
    near, weight, sums = (
        ndimage.gaussian_filter(values, spread, axes=(0, 1))
        for values in (full, alike, change * alike[..., None])
    )
    return sums / np.maximum(np.maximum(weight, LEAST * near), 1e-4)[..., None]


def _share(layer: Floats, sight: Sight, unit: float) -> Floats:
    """How far the composite's colours are the object's own [H, W] in [0, 1]."""
    sure = closed(sight.region & sight.draft, scaled(SLIT / 2, layer)) & (layer[..., 3] >= WHOLE)
    # Beyond the canvas the object goes on.
    inside = np.pad(sure, 1, mode="edge")
    depth = np.asarray(ndimage.distance_transform_edt(inside))[1:-1, 1:-1] / unit
    first, last = RIM
    share = ((depth - first) / (last - first)).clip(0, 1)
    return ndimage.gaussian_filter(share, SOFT * unit).astype(np.float32)
