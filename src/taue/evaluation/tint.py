"""Key tint: how far a subject in the composite leans to its key colour, more or less than the same
subject drawn plainly does."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from taue.arrays import Bytes, Region
from taue.colour import chroma
from taue.equations import border

COLOURFUL = 20.0
"""Chroma, in 1/255, below which a ground is no key colour."""


def key_direction(foreground: Bytes) -> NDArray[np.floating] | None:
    """Which way the ground's colour lies, of unit length [2]: the border's median chroma; None of a
    ground without colour."""
    around = border(torch.from_numpy(chroma(foreground)).permute(2, 0, 1))
    key = around.median(dim=-1).values.numpy()
    length = float(np.linalg.norm(key))
    return None if length < COLOURFUL else key / length


def towards(picture: Bytes, region: Region, direction: NDArray[np.floating]) -> float | None:
    """The mean of the chroma that way in a region [H, W], in 1/255; None of an empty one."""
    if not region.any():
        return None
    return float((chroma(picture)[region] @ direction).mean())


def key_tint(
    foreground: Bytes, shown: tuple[Bytes, Region], plain: tuple[Bytes, Region]
) -> float | None:
    """How much more or less the subject leans to the key in one picture than in another, in 1/255:
    at the best 0.

    Args:
        foreground: on its key colour, uint8 [H, W, 3].
        shown: the composite, and where the subject is in it.
        plain: the plain picture of the same prompt, and where its subject is.
    """
    direction = key_direction(foreground)
    if direction is None:
        return None
    one, other = (towards(*seen, direction) for seen in (shown, plain))
    return None if one is None or other is None else abs(one - other)
