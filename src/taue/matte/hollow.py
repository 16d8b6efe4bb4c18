"""Holes in an object: handles, gaps between legs, where the key itself is painted in shade.

There a key of four fifths its brightness passes for half an object, because what mixes with a plain
key to that colour is grey. What a pixel has of the key's hue tells them apart, if it is measured
against the most that there is of it nearby.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from taue.colour import hue, unmixed
from taue.matte.measures import HALF, HARDLY, HOLE, NEARLY, OPAQUE, SOLID, TOLD, WINDOW
from taue.matte.trimap import largest, narrowed
from taue.ramp import falling
from taue.shapes import Alpha, Picture
from taue.straight import from_nearest


def hollowed(
    picture: Picture, key: Picture, colour: Picture, alpha: Alpha, edge: int
) -> tuple[Picture, Alpha]:
    r"""Colour [H, W, 3] and alpha [H, W], this at most what the key's hue leaves.

    With h the hue of the key K and :math:`q = \langle I, h\rangle / \langle K, h\rangle` a pixel's
    share of it,

    .. math:: \alpha \le 1 - \frac{q - q_F}{q_{max} - q_F}

    where q_F is the object's own and q_max the largest within a soft edge's width, and what is
    taken away is so only as ``HOLE`` says. Where something is, the colour keeps no more of the hue
    than the object's own share; where it is more than half of a pixel, it becomes that of the
    nearest that stays.

    Args:
        picture: I, key: K, colour: F as found so far, each [H, W, 3].
        alpha: as found so far [H, W].
        edge: pixels over which an edge may be soft.
    """
    painted = hue(key.mean(axis=(0, 1)))
    if np.linalg.norm(painted) < HARDLY:
        return colour, alpha
    share = (picture @ painted) / (key @ painted)
    fewest = 1 / (1 - OPAQUE)  # of fewer the largest is no quantile
    inside = narrowed(alpha > OPAQUE, edge)
    own = float(np.quantile(share[inside], OPAQUE)) if inside.sum() >= fewest else 0.0
    own = min(max(own, HARDLY), HOLE[0])
    most = largest(ndimage.uniform_filter(share, WINDOW), edge)
    hollow = ((share - own) / np.maximum(most - own, TOLD)).clip(0, 1) * (most > HALF)
    hollow = 1 - falling(hollow, HOLE)
    left = np.minimum(alpha, 1 - hollow).astype(np.float32)
    excess = ((colour @ painted) / (key @ painted) - own) / (1 - own)
    beta = np.where(left < alpha, excess.clip(0, NEARLY), 0)
    colour = unmixed(colour, key, beta).astype(np.float32)
    gone = left < alpha / 2
    stays = ~gone & (alpha > SOLID)
    if gone.any() and stays.any():
        colour = np.where(gone[..., None], from_nearest(colour, stays), colour)
    return colour, left
