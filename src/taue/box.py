"""A box on the canvas, the one that users, stages and the renderer share."""

from __future__ import annotations

import math
from dataclasses import astuple, dataclass

from taue.errors import TaueError
from taue.readable import quoted

SMALLEST = 1e-6
"""A side below it is none: no canvas has so many pixels."""

SLACK = 1e-6
"""Fractions are often sums; rounding may carry them so far over the edge."""


def _is_finite(value: object) -> bool:
    try:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return False
        return math.isfinite(value)
    except OverflowError:  # a whole number that no float holds
        return False


@dataclass(frozen=True)
class Box:
    """A box as fractions (0..1) of the canvas; (``x``, ``y``) is its top left corner.

    Raises:
        TaueError: if it is empty, not finite or leaves the canvas.
    """

    x: float
    y: float
    width: float
    height: float

    def __post_init__(self) -> None:
        if not all(_is_finite(value) for value in astuple(self)):
            raise TaueError(f"box {quoted(astuple(self), 120)} needs four finite numbers.")
        for start, side in (("x", "width"), ("y", "height")):
            first, extent = getattr(self, start), getattr(self, side)
            if extent < SMALLEST:
                raise TaueError(f"box {side} is {extent}; give a positive fraction of the canvas.")
            if first < -SLACK or first + extent > 1 + SLACK:
                raise TaueError(
                    f"box {start} and {side} are {first} and {extent}; "
                    "the box must lie inside the canvas, from 0 to 1."
                )

    @property
    def centre(self) -> tuple[float, float]:
        """The middle (x, y)."""
        return self.x + self.width / 2, self.y + self.height / 2

    def shared(self, other: Box) -> float:
        """The area that is in another box, too, as a share of the canvas."""
        across = min(self.x + self.width, other.x + other.width) - max(self.x, other.x)
        down = min(self.y + self.height, other.y + other.height) - max(self.y, other.y)
        return max(0.0, across) * max(0.0, down)

    def iou(self, other: Box) -> float:
        """Intersection over union with another box, 0 to 1."""
        shared = self.shared(other)
        return shared / (self.width * self.height + other.width * other.height - shared)

    def pixels(self, height: int, width: int) -> tuple[int, int, int, int]:
        """Left, top, right and bottom in whole pixels, at least one pixel each way."""
        left = min(round(self.x * width), width - 1)
        top = min(round(self.y * height), height - 1)
        right = min(max(round((self.x + self.width) * width), left + 1), width)
        bottom = min(max(round((self.y + self.height) * height), top + 1), height)
        return left, top, right, bottom
