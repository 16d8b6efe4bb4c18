"""Plain source-over, and how far from a picture it ends."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from taue.arrays import Bytes
from taue.stack.mixing import Floats
from taue.stack.model import Layer


def flatten(layers: Iterable[Layer]) -> Bytes:
    """Lay layers of one size over each other and round once, uint8 [H, W, 3].

    Args:
        layers: from the lowest, which must be opaque, to the highest; at least one.
    """
    first, *others = layers
    picture = clear(first.pixels.shape[1], first.pixels.shape[0])
    for layer in (first, *others):
        lay_over(picture, layer.cropped, *layer.bounds[:2])
    return finished(picture)


def clear(width: int, height: int) -> Floats:
    """Nothing at all: premultiplied colour and alpha, float32 [H, W, 4] in [0, 255]."""
    return np.zeros((height, width, 4), np.float32)


def lay_over(picture: Floats, pixels: Bytes, left: int, top: int, opacity: float = 1.0) -> None:
    r"""Lay a layer over a premultiplied picture in place: :math:`C \leftarrow \alpha s + (1 -
    \alpha) C`; what lies beyond the canvas is lost.

    Args:
        picture: float32 [H, W, 4] of :func:`clear`.
        pixels: uint8 [h, w, 4], straight alpha.
        left, top: where the layer's corner goes; may be negative.
        opacity: of the whole layer, in [0, 1].
    """
    rows = slice(max(top, 0), max(top + len(pixels), 0))
    columns = slice(max(left, 0), max(left + pixels.shape[1], 0))
    under = picture[rows, columns]
    if not under.size:
        return
    inner = pixels[max(-top, 0) :, max(-left, 0) :][: under.shape[0], : under.shape[1]]
    alpha = inner[..., 3:] * np.float32(opacity / 255)
    over = np.full_like(under, 255)
    over[..., :3] = inner[..., :3]
    under += (over - under) * alpha


def finished(picture: Floats) -> Bytes:
    """Rounded uint8 [H, W, 3], or [H, W, 4] with straight alpha if anything shines through."""
    opacity = picture[..., 3:] / 255
    if opacity.min() > 1 - 1e-4:
        return (picture[..., :3] + np.float32(0.5)).astype(np.uint8)
    straight = picture.copy()
    np.divide(picture[..., :3], opacity, out=straight[..., :3], where=opacity > 0)
    return (straight.clip(0, 255) + np.float32(0.5)).astype(np.uint8)


def largest_error(one: Bytes, other: Bytes) -> int:
    """The largest difference of two pictures of one shape, in 1/255."""
    return int(np.abs(one.astype(np.int16) - other).max())
