"""What a user asks for: subjects and where they go."""

from __future__ import annotations

import math
from dataclasses import dataclass

from taue.errors import TaueError


@dataclass(frozen=True)
class Box:
    """A box as fractions of the canvas, ``x`` and ``y`` its top left corner."""

    x: float
    y: float
    width: float
    height: float

    def __post_init__(self) -> None:
        values = (self.x, self.y, self.width, self.height)
        if not all(math.isfinite(v) for v in values) or self.width <= 0 or self.height <= 0:
            raise TaueError(
                f"box {values} needs four finite numbers and a positive width and height."
            )
        if min(self.x, self.y) < 0 or max(self.x + self.width, self.y + self.height) > 1 + 1e-6:
            raise TaueError(f"box {values} must lie inside the canvas, from 0 to 1.")

    @property
    def centre(self) -> tuple[float, float]:
        return self.x + self.width / 2, self.y + self.height / 2


CENTRED = Box(0.25, 0.25, 0.5, 0.5)
"""Where a lone subject goes if nothing else is said."""


@dataclass(frozen=True)
class Subject:
    """One foreground object: its prompt, and optionally what it must not show and where it is."""

    prompt: str
    negative_prompt: str | None = None
    box: Box | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.prompt, str) or not self.prompt.strip():
            raise TaueError('subject is empty; say what it shows, for example "a red apple".')


def default_boxes(count: int) -> list[Box]:
    """Centred if alone; otherwise side by side, centred in columns of equal width."""
    if count == 1:
        return [CENTRED]
    side = min(0.5, 0.9 / count)
    return [Box((i + 0.5) / count - side / 2, 0.5 - side / 2, side, side) for i in range(count)]
