"""What a user asks for: subjects and where they go."""

from __future__ import annotations

from dataclasses import dataclass

from taue.box import Box
from taue.errors import TaueError

CENTRED = Box(0.25, 0.25, 0.5, 0.5)
"""Where a lone subject goes if nothing else is said."""


@dataclass(frozen=True)
class Subject:
    """One foreground object: its prompt, and optionally what it must not show and where it is."""

    prompt: str
    negative_prompt: str | None = None
    box: Box | None = None
    name: str | None = None
    crop_ratio: float | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.prompt, str) or not self.prompt.strip():
            raise TaueError('subject is empty; say what it shows, for example "a red apple".')


def default_boxes(count: int) -> list[Box]:
    """Centred if alone; otherwise side by side, centred in columns of equal width."""
    if count == 1:
        return [CENTRED]
    side = min(0.5, 0.9 / count)
    return [Box((i + 0.5) / count - side / 2, 0.5 - side / 2, side, side) for i in range(count)]
