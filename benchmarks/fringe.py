"""Fringe: edge pixels that, over a new background, show the key they were cut from."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from taue.arrays import Array
from taue.straight import from_nearest

BACKDROPS = ("black", "white", "magenta", "busy")

GRAIN = 4
"""Pixels, half a latent cell: an autoencoder moves the object's colours by so much."""

BESIDE = 0.2
"""Distance (Euclidean RGB, 0 to 1.73) from which on the key is not next to a segment."""

APART = 0.5
"""... and from which on it is not like a background."""

_PLAIN = {"black": (0, 0, 0), "white": (1, 1, 1), "magenta": (1, 0, 1)}


def fringed(rgba: Array, truth: Array, key: Array, backdrop: str, reach: int = GRAIN) -> int:
    r"""How many edge pixels, :math:`0 < \alpha < 1` in 8 bits, are closer to the key than to object
    and new background.

    A composited pixel :math:`C = \alpha F + (1 - \alpha) N` should lie between object and new
    background, on a segment from one of the object's true colours O there to N. It is fringed if
    :math:`\lVert C - K \rVert < \lVert C - (t O + (1 - t) N) \rVert` for every such colour and
    every t in [0, 1]. Where the key itself is next to such a segment, or like the new background, a
    mixture may rightly look like it, and nothing is counted.

    Args:
        rgba: the layer, straight [H, W, 4].
        truth: the true one, whose colours count where it is seen [H, W, 4].
        key: K, the key as painted [H, W, 3].
        backdrop: one of ``BACKDROPS``.
        reach: pixels within which the object's colours are those of a pixel, squares; the nearest
            one always is.
    """
    eight = np.round(rgba * 255) / 255
    places = np.argwhere((eight[..., 3] > 0) & (eight[..., 3] < 1))
    new = behind(backdrop, *rgba.shape[:2])
    seen = truth[..., 3] >= truth[..., 3].max() / 2
    for pixels in sorted({0, reach}):  # more colours never make a pixel fringed: few are left
        own = colours_about(truth[..., :3], seen, places, pixels)
        at = tuple(places.T)
        alpha = eight[at][:, 3:]
        composite = alpha * eight[at][:, :3] + (1 - alpha) * new[at]
        places = places[nearer_the_key(composite, key[at], own, new[at])]
    return len(places)


def nearer_the_key(points: Array, key: Array, own: Array, new: Array) -> NDArray[np.bool_]:
    """Which points [n, 3] are nearer to the key [n, 3] than to all segments from the object's
    colours [n, m, 3] to the new background [n, 3], where that can be told."""
    telling = off_segments(key, own, new).min(axis=1) > BESIDE
    telling &= np.linalg.norm(key - new, axis=1) > APART
    off = off_segments(points, own, new).min(axis=1)
    return telling & (np.linalg.norm(points - key, axis=1) < off)


def off_segments(points: Array, starts: Array, end: Array) -> Array:
    """Distance of points [n, 3] from segments, starts [n, m, 3] to end [n, 3], [n, m]."""
    line = starts - end[:, None]
    length = np.maximum(np.square(line).sum(axis=-1), 1e-9)
    offset = (points - end)[:, None]
    share = ((offset * line).sum(axis=-1) / length).clip(0, 1)
    return np.linalg.norm(offset - share[..., None] * line, axis=-1)


def colours_about(colours: Array, seen: NDArray[np.bool_], places: Array, pixels: int) -> Array:
    """The colours [n, m, 3] that are seen within so many pixels of places [n, 2], squares; the
    nearest one stands for what is not."""
    window = 2 * pixels + 1
    around = [(pixels, pixels)] * 2
    at, count = tuple(places.T), window * window
    nearest = from_nearest(colours, seen)[at]
    known = sliding_window_view(np.pad(seen, around), (window, window))[at]
    about = np.pad(colours, [*around, (0, 0)])
    about = sliding_window_view(about, (window, window), axis=(0, 1))[at]  # [n, 3, k, k]
    about = about.reshape(len(places), 3, count).transpose(0, 2, 1)
    return np.where(known.reshape(len(places), count, 1), about, nearest[:, None])


def behind(backdrop: str, height: int, width: int) -> Array:
    """A new background [H, W, 3]; "busy" is a texture of every colour."""
    if backdrop in _PLAIN:
        return np.broadcast_to(np.array(_PLAIN[backdrop], float), (height, width, 3))
    blocks = np.random.default_rng(1).random((-(-height // 3), -(-width // 3), 3))
    return np.kron(blocks, np.ones((3, 3, 1)))[:height, :width]
