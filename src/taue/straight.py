"""Straight alpha: the colours where nothing is seen matter as soon as somebody scales the layer."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Value = TypeVar("Value", np.bool_, np.uint8, np.floating[Any], np.float32)

CLEARLY = 0.5
"""Share of the largest alpha from which on a colour is worth going on with: fainter ones make up
for rounding, or are guesses."""


def continued(colours: NDArray[Value], alpha: NDArray[Any]) -> NDArray[Value]:
    """Colours [H, W, 3], with those of the nearest pixel that is clearly seen where alpha is 0.

    Args:
        colours: straight, of any type.
        alpha: [H, W]; if it is 0 everywhere, the colours stay.
    """
    seen = alpha >= CLEARLY * alpha.max(initial=0)
    empty = alpha == 0
    if empty.all() or not empty.any():
        return colours
    beyond = colours.copy()
    beyond[empty] = from_nearest(colours, seen)[empty]
    return beyond


def from_nearest(values: NDArray[Value], known: NDArray[np.bool_]) -> NDArray[Value]:
    """Values [H, W, ...], each that of the nearest pixel that is known [H, W], of which there is
    one at least."""
    nearest: Any = ndimage.distance_transform_edt(
        ~known, return_distances=False, return_indices=True
    )
    return values[tuple(nearest)]
