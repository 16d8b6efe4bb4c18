"""An outline without frays: what is steep in a blurred picture has a smooth border.

Where the key shines through a gap, or an object's colours lie near it, alpha jumps from pixel to
pixel: crumbs, torn edges, pinholes. The outline that is shortest for what alpha says has none of
them; where the edge is clean the two agree, and alpha stays.
"""

from __future__ import annotations

from math import ceil

import numpy as np
from scipy import ndimage

from taue.arrays import Array
from taue.extent import TRUNCATE, extent
from taue.matte.measures import (
    APART,
    BEND,
    DECODED,
    FAITH,
    FINEST,
    INVISIBLE,
    NEARLY,
    RIPPLE,
    SOLID,
    STEPS,
    WINDOW,
)
from taue.matte.rim import nearby_mean, steepness
from taue.shapes import Alpha, Finer, Picture


def smoothed(colour: Picture, alpha: Alpha, edge: int) -> tuple[Picture, Alpha]:
    """Colour [H, W, 3] and alpha [H, W] in [0, 1] with a smooth outline where edges are steep.

    Args:
        colour: straight, alpha: as found so far.
        edge: pixels over which an edge may be soft.
    """
    smooth = antialiased(outline(alpha, edge), edge)
    wanted = np.clip(alpha, smooth - APART, smooth + APART)
    wanted = np.where(smooth > 1 - INVISIBLE, np.maximum(alpha, smooth), wanted)
    wanted = np.where(smooth < INVISIBLE, np.minimum(alpha, smooth), wanted)
    found = smooth + _without_loners(wanted - smooth)
    found = (alpha + steepness(alpha, edge) * (found.clip(0, 1) - alpha)).astype(np.float32)
    return _recoloured(colour, alpha, np.abs(found - alpha), edge), found


def _without_loners(off: Array) -> Array:
    """How far alpha is from the smooth one [H, W], but where a pixel has it alone: what a whole rim
    has in common is how soft it is, what a single pixel has is a speck."""
    around = ndimage.median_filter(off, WINDOW)
    return np.where(np.abs(off - around) > APART / 2, around, off)


def outline(alpha: Alpha, edge: int) -> Finer:
    r"""The inside of a smooth outline, bool [n H, n W] with n places to a pixel.

    Threshold dynamics (Merriman, Bence and Osher 1992) with a term for what alpha :math:`\alpha`
    says: :math:`u \leftarrow [G_\sigma * u + \lambda (\alpha - \frac{1}{2}) \ge \frac{1}{2}]`.
    """
    fine = ceil(FINEST / edge)
    whole = np.zeros([fine * side for side in alpha.shape], bool)
    if not alpha.any():
        return whole
    # Beyond what an outline is smoothed with it is far from where alpha is 0.
    part = extent(alpha > 0, ceil(TRUNCATE * BEND * edge) + 1)
    says = ndimage.zoom(alpha[part], fine, order=1, grid_mode=True, mode="nearest") - SOLID
    inside = np.asarray(says >= 0, bool)
    for _ in range(STEPS):
        near = np.asarray(
            ndimage.gaussian_filter(
                inside.astype(np.float32), BEND * edge * fine, truncate=TRUNCATE
            )
        )
        following = np.asarray(near + FAITH * says >= SOLID, bool)
        if (following == inside).all():
            break
        inside = following
    whole[tuple(slice(fine * side.start, fine * side.stop) for side in part)] = inside
    return whole


def antialiased(inside: Finer, edge: int) -> Array:
    """The share of each pixel that is inside, as a decoder would show it [H, W]."""
    fine = ceil(FINEST / edge)
    height, width = (side // fine for side in inside.shape)
    shares = inside.reshape(height, fine, width, fine).mean(axis=(1, 3), dtype=np.float32)
    return ndimage.gaussian_filter(shares, DECODED * edge)


def _recoloured(colour: Picture, alpha: Alpha, moved: Alpha, edge: int) -> Array:
    """Colours [H, W, 3] that where alpha was moved are those of the object around."""
    wrong = np.asarray(ndimage.maximum_filter(moved, WINDOW)) > APART
    sure = (alpha > NEARLY) & ~wrong
    if not (sure.any() and wrong.any()):
        return colour
    mean = nearby_mean(colour, sure, RIPPLE[0] * edge)
    share = ndimage.gaussian_filter(wrong.astype(np.float32), DECODED * edge)[..., None]
    return (colour + share * (mean - colour)).astype(np.float32)
