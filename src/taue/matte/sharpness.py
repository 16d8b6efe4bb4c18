"""Whether a picture is blurred, as a decoder's is: only then can the key veil the object."""

from __future__ import annotations

import numpy as np

from taue.arrays import Array
from taue.matte.measures import EDGE, SHARP, SIDE
from taue.matte.trimap import largest
from taue.shapes import Alpha, Picture


def is_blurred(picture: Picture, key: Picture, side: int) -> bool:
    """Whether most of the edges from key K to object in picture I, both [H, W, 3], are soft.

    ``side`` is the canvas's larger side, pixels.
    """
    return sharpness(np.linalg.norm(picture - key, axis=-1), side) <= SHARP


def sharpness(distance: Alpha, side: int) -> float:
    """How much of an edge happens in one pixel (of 256 a side): the median over all edges, 0 to 1.
    1 without any edge.

    Args:
        distance: to the key, not smoothed [H, W].
        side: the canvas's larger side, pixels.
    """
    step = max(1, round(side / SIDE))
    coarse = averaged(distance, step)
    whole = largest(coarse, 3) + largest(-coarse, 3)
    single = np.zeros_like(coarse)
    single[:-1] = np.abs(np.diff(coarse, axis=0))
    single[:, :-1] = np.maximum(single[:, :-1], np.abs(np.diff(coarse, axis=1)))
    edge = whole > EDGE
    single = largest(single, 2)
    return float(np.median(single[edge] / whole[edge])) if edge.any() else 1.0


def averaged(values: Array, step: int) -> Array:
    """The means of squares of ``step`` pixels a side, [H, W] to [h, w]: single pixels of a finer
    picture have steeper edges than the coarse one would. The border is repeated to full squares."""
    sides = [(0, -n % step) for n in values.shape]
    height, width = (-(-n // step) for n in values.shape)
    squares = np.pad(values, sides, mode="edge").reshape(height, step, width, step)
    return squares.mean(axis=(1, 3))
