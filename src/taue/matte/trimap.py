"""Where alpha is known: from the distance to the key, inside what the object mask allows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from taue.arrays import Array
from taue.matte.measures import CLEAR, FAR, LEVEL, NEAR, SOFT, STRONG
from taue.shapes import Alpha, Mask


@dataclass(frozen=True)
class Trimap:
    """``opaque`` and ``clear``, bool [H, W], nowhere both; what is neither is ``unknown``."""

    opaque: Mask
    clear: Mask

    @property
    def unknown(self) -> Mask:
        return ~(self.opaque | self.clear)

    def impose(self, alpha: Alpha) -> Array:
        """``alpha`` in the unknown band, 1 and 0 elsewhere [H, W]."""
        return np.where(self.opaque, 1, np.where(self.clear, 0, alpha)).astype(np.float32)


def edge_width(cell: int, side: int) -> int:
    """Pixels over which an edge may be soft, the unit of all that is measured from the object.

    Hair, and what is out of focus, scale with the picture and not with latent cells; but a decoder
    blurs over about one of these, however small the canvas.

    Args:
        cell: pixels of a latent cell.
        side: the canvas's larger side, pixels.
    """
    return max(cell, round(SOFT * side))


def trimap(distance: Alpha, spread: float, mask: Mask, edge: int) -> Trimap:
    """What is surely object, surely key, and the band between.

    Args:
        distance: smoothed distance to the key [H, W], in [0, 1.73].
        spread: of the key itself, likewise.
        mask: the object mask, enlarged, bool [H, W].
        edge: pixels over which an edge may be soft.
    """
    band = band_width(distance.shape)
    coloured = distance > CLEAR * spread
    allowed = reach(coloured, mask, edge)
    coloured &= allowed
    level = distance >= LEVEL * largest(distance, band + 1)
    strong = distance >= STRONG * largest(distance, 2 * edge)
    deep = narrowed(coloured, 4 * band)  # deeper than most edges
    opaque = strong & (deep | (level & narrowed(coloured, band)))
    holes = mask & ~widened(coloured, band // 3)
    clear = ~widened(coloured, band) | ~allowed | holes
    return Trimap(opaque & ~clear, clear)


def reach(coloured: Mask, mask: Mask, edge: int) -> Mask:
    """Where alpha may be more than 0: near the mask, and along thin parts that hang on to it."""
    near = widened(mask, NEAR * edge)
    wide = widened(narrowed(coloured, edge // 2), edge // 2 + 1)
    parts = coloured & (near | (widened(mask, FAR * edge) & ~wide))
    hanging = np.asarray(ndimage.binary_propagation(near & parts, mask=parts), bool)
    return near | widened(hanging, band_width(mask.shape))


def band_width(shape: tuple[int, ...]) -> int:
    """Pixels on either side of an edge in which alpha is unknown."""
    return max(3, round(max(shape) / 100))


def largest(values: Array, pixels: int) -> Array:
    """The largest value within so many pixels, squares [H, W]."""
    return np.asarray(ndimage.maximum_filter(values, 2 * pixels + 1))


def widened(mask: Mask, pixels: int) -> Mask:
    """The mask with everything within so many pixels, squares."""
    return np.asarray(ndimage.maximum_filter(mask.view(np.uint8), 2 * pixels + 1)).view(bool)


def narrowed(mask: Mask, pixels: int) -> Mask:
    """The mask without what is within so many pixels of its outside; beyond the canvas it goes
    on."""
    return ~widened(~mask, pixels)
