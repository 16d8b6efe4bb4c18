"""Plain source-over, and how far from a picture it ends."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from taue.stack.model import Bytes, Layer


def flatten(layers: Iterable[Layer]) -> Bytes:
    r"""Lay the layers over each other on black and round once, uint8 [H, W, 3].

    .. math:: C \leftarrow \alpha s + (1 - \alpha) C

    Args:
        layers: from the lowest to the highest, all of one size; at least one.
    """
    picture: np.ndarray | None = None
    for layer in layers:
        if picture is None:
            picture = np.zeros((*layer.pixels.shape[:2], 3), np.float32)
        left, top, right, bottom = layer.bounds
        under = picture[top:bottom, left:right]
        alpha = layer.cropped[..., 3:] / np.float32(255)
        under += (layer.cropped[..., :3] - under) * alpha
    assert picture is not None
    return (picture + np.float32(0.5)).astype(np.uint8)


def largest_error(one: Bytes, other: Bytes) -> int:
    """The largest difference of two pictures of one shape, in 1/255."""
    return int(np.abs(one.astype(np.int16) - other).max())
