"""Whether a key colour suits the object that grew on it, seen once there is something to see.

Words tell only of the colours that they name: a frog is green without a word for it. An object that
has its key's hue loses it with the key's light on its edges, or is taken for the key altogether.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from taue.arrays import Array
from taue.colour import hue

RGB = tuple[float, float, float]

DARKEST = 0.08
"""A colour darker than this is taken for this bright: in the dark there are no hues."""

LIKE = 0.43
"""How much of the key's hue a colour has, for its brightness, from which on it is like the key:
broccoli has 0.46 of green's, a tennis ball 0.47, olives 0.38, a lemon 0.26."""

NEAR = math.cos(math.radians(55))
"""Cosine of the farthest hue that is like the key's: red is 60 degrees from magenta, yellow from
green, and both stand out from these; a tennis ball is 49 from green."""

MOST = 0.5
"""Of an object's middle, the share that is like the key from which on another key suits better."""


def likeness(colours: Array, key: RGB) -> Array:
    r"""How much of a key's hue colours have for their brightness: with the chroma
    :math:`\tilde c = c - \bar c`, :math:`\langle \tilde c, \tilde k \rangle / (\lVert \tilde k
    \rVert^2 \max c)`; 1 for the key, 0 for greys, negative for what is opposite [H, W].

    Args:
        colours: RGB [H, W, 3] in [0, 1].
        key: RGB in [0, 1], not grey.
    """
    chroma = hue(np.asarray(key, np.float32))
    brightest = np.maximum(colours.max(axis=-1), DARKEST)
    return np.asarray(hue(colours) @ chroma / (chroma @ chroma) / brightest, np.float32)


def close_to_key(colours: Array, key: RGB) -> NDArray[np.bool_]:
    """Where colours are of a key's hue, and show it [H, W].

    Args:
        colours, key: as of :func:`likeness`.
    """
    chroma, own = hue(np.asarray(key, np.float32)), hue(colours)
    near = own @ chroma > NEAR * np.linalg.norm(chroma) * np.linalg.norm(own, axis=-1)
    return np.asarray((likeness(colours, key) > LIKE) & near, bool)


def like_key(picture: Array, mask: Array, key: RGB) -> bool:
    """Whether an object is so like its key that it should be drawn on another.

    Args:
        picture: the object on its key, RGB [H, W, 3] in [0, 1].
        mask: where it is, in cells [h, w], 1 = object.
        key: RGB in [0, 1].
    """
    inside = middle(mask > 0.5)
    if not inside.any():
        return False
    rows, columns = (
        np.minimum((np.arange(pixels) + 0.5) / pixels * cells, cells - 1).astype(int)
        for pixels, cells in zip(picture.shape[:2], mask.shape, strict=True)
    )
    where = inside[rows[:, None], columns[None]]
    return bool(close_to_key(picture, key)[where].mean() > MOST)


def middle(region: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """A region [h, w] without its rim of one cell; all of it if that is all."""
    inner = np.asarray(ndimage.binary_erosion(region), bool)
    return inner if inner.any() else region
