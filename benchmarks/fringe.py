"""Fringe: edge pixels that, over a new background, show the key they were cut from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]

BACKDROPS = ("black", "white", "magenta", "busy")
BESIDE = 0.2
"""Distance (Euclidean RGB, 0 to 1.73) from which on the key is not next to a segment."""

APART = 0.5
"""... and from which on it is not like a background."""

_PLAIN = {"black": (0, 0, 0), "white": (1, 1, 1), "magenta": (1, 0, 1)}


def fringed(rgba: Array, own: Array, key: Array, backdrop: str) -> int:
    r"""How many edge pixels, :math:`0 < \alpha < 1` in 8 bits, are closer to the key than to object
    and new background.

    A composited pixel :math:`C = \alpha F + (1 - \alpha) N` should lie between object and new
    background, on the segment from O to N. It is fringed if
    :math:`\lVert C - K \rVert < \min_t \lVert C - (t O + (1 - t) N) \rVert`. Where the key itself
    is next to that segment, or like the new background, a mixture may rightly look like it, and
    nothing is counted.

    Args:
        rgba: the layer, straight [H, W, 4].
        own: O, the object's true colour [H, W, 3].
        key: K, the key as painted [H, W, 3].
        backdrop: one of ``BACKDROPS``.
    """
    eight = np.round(rgba * 255) / 255
    edge = (eight[..., 3] > 0) & (eight[..., 3] < 1)
    alpha = eight[edge][:, 3:]
    new = behind(backdrop, rgba.shape[0], rgba.shape[1])[edge]
    composite = alpha * eight[edge][:, :3] + (1 - alpha) * new
    off = off_segment(composite, own[edge], new)
    telling = off_segment(key[edge], own[edge], new) > BESIDE
    telling &= np.linalg.norm(key[edge] - new, axis=1) > APART
    return int((telling & (np.linalg.norm(composite - key[edge], axis=1) < off)).sum())


def off_segment(points: Array, start: Array, end: Array) -> Array:
    """Distance of points from segments, each [n, 3] [n]."""
    line = start - end
    length = np.maximum(np.square(line).sum(axis=1, keepdims=True), 1e-9)
    share = (((points - end) * line).sum(axis=1, keepdims=True) / length).clip(0, 1)
    return np.linalg.norm(points - (end + share * line), axis=1)


def behind(backdrop: str, height: int, width: int) -> Array:
    """A new background [H, W, 3]; "busy" is a texture of every colour."""
    if backdrop in _PLAIN:
        return np.broadcast_to(np.array(_PLAIN[backdrop], float), (height, width, 3))
    blocks = np.random.default_rng(1).random((-(-height // 3), -(-width // 3), 3))
    return np.kron(blocks, np.ones((3, 3, 1)))[:height, :width]
