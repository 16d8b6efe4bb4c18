"""The object's own colour under and beyond its soft edge."""

from __future__ import annotations

import math

import numpy as np

from taue.arrays import Array
from taue.matte.measures import HARDLY, LEAST, NEARLY
from taue.shapes import Alpha, Picture

SMOOTHNESS = LEAST * HARDLY**2
"""How strongly neighbours agree where alpha is flat; only there does the picture decide alone. The
published one, far below any difference of alpha that is seen."""


def own_colour(picture: Picture, alpha: Alpha, key: Picture) -> Picture:
    r"""The object's colour F over the whole canvas [H, W, 3] in [0, 1].

    Multi-level foreground estimation (Germer, Uelwer, Conrad and Harmeling 2020), with the
    background known. From one pixel up to the full picture, each level minimises

    .. math:: \sum_i \lVert \alpha_i F_i + (1 - \alpha_i) K_i - I_i \rVert^2
              + \sum_{ij} (\epsilon + |\alpha_i - \alpha_j|) \lVert F_i - F_j \rVert^2

    by Jacobi steps that begin at the level below. Where alpha is 0 what is nearest flows out, so
    no scaling of the layer meets another colour.

    Args:
        picture: I [H, W, 3] in [0, 1].
        alpha: [H, W] in [0, 1].
        key: K [H, W, 3].
    """
    height, width = alpha.shape
    levels = max(1, math.ceil(math.log2(max(height, width))))
    weighted = alpha[..., None] * (picture - (1 - alpha[..., None]) * key)
    opaque = alpha > NEARLY
    mean = picture[opaque].mean(axis=0) if opaque.any() else picture.mean(axis=(0, 1))
    colour = np.broadcast_to(mean, (1, 1, 3)).astype(np.float32)
    for level in range(levels + 1):
        rows = round(height ** (level / levels))
        columns = round(width ** (level / levels))
        down = np.arange(rows) * height // rows
        across = np.arange(columns) * width // columns
        small, a = weighted[down][:, across], alpha[down][:, across]
        colour = colour[np.arange(rows) * colour.shape[0] // rows]
        colour = colour[:, np.arange(columns) * colour.shape[1] // columns]
        for _ in range(10 if max(rows, columns) <= 32 else 3):
            colour = _step(colour, small, a)
    return colour


def _step(colour: Picture, weighted: Picture, alpha: Alpha) -> Array:
    """One Jacobi step: each pixel's best colour, its neighbours held."""
    total, weight = weighted.copy(), np.square(alpha)
    for axis in (0, 1):
        if alpha.shape[axis] < 2:
            continue
        bond = SMOOTHNESS + np.abs(np.diff(alpha, axis=axis))
        first = (slice(None, -1), slice(None))[:: 1 - 2 * axis]
        second = (slice(1, None), slice(None))[:: 1 - 2 * axis]
        total[first] += bond[..., None] * colour[second]
        total[second] += bond[..., None] * colour[first]
        weight[first] += bond
        weight[second] += bond
    if alpha.size == 1:
        return colour
    return (total / weight[..., None]).clip(0, 1)
