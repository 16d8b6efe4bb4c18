"""What of its surroundings a composite draws its subjects over, for it draws them larger.

A background repeats the surroundings that were harvested of the composite. Where an object came out
beyond its mask, a crown's top or a chimney would stand in the background without it, and the layer
would lack it.
"""

from __future__ import annotations

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from taue.masks import cells, grow
from taue.placing import HALF
from taue.shown import most_alike

FARTHEST = 2
"""Cells (at :data:`taue.masks.CELLS` a side) by which an object comes out larger at most."""

NEARER = 0.6
"""A cell belongs to the object if its distance to what is inside is at most so much of its distance
to what lies beyond, the most alike of either nearby."""


def without_outgrowth(surroundings: Tensor, denoised: Tensor) -> Tensor:
    """Surroundings without what of them shows an object rather than what lies beyond [h, w].

    Args:
        surroundings: 1 where no object was planted [h, w].
        denoised: the composite's estimate at its harvest [1, C, h, w].
    """
    outside = surroundings.numpy() > HALF
    inside = ~outside
    height, width = surroundings.shape
    near = grow(1 - surroundings, cells(FARTHEST, (height, width))).numpy() >= HALF
    ring = outside & near
    if not ring.any() or near.all():
        return surroundings
    latents = denoised[0].permute(1, 2, 0).numpy()
    own, other = (most_alike(latents, known, ring) for known in (inside, ~near))
    mask = inside | (ring & (own < NEARER * other))
    reached = ndimage.binary_propagation(inside, mask=mask, structure=np.ones((3, 3), bool))
    return surroundings * torch.from_numpy(inside | ~np.asarray(reached, bool))
