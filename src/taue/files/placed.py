"""A layer as a layered file has it."""

from __future__ import annotations

from dataclasses import dataclass

from taue.arrays import Bytes


@dataclass(frozen=True)
class Placed:
    """A layer as a file has it: uint8 [h, w, 4] straight alpha, its corner, opacity in [0, 1]."""

    name: str
    pixels: Bytes
    left: int
    top: int
    opacity: float = 1.0
