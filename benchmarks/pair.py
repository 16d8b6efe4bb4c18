"""What one run with one subject is asked for."""

from __future__ import annotations

from dataclasses import dataclass

from taue.paddy import scenes


@dataclass(frozen=True)
class OneSubject:
    """A subject, its background and the seed of the run."""

    colour: str
    kind: str
    background: str
    seed: int

    @property
    def subject(self) -> str:
        """Its prompt."""
        return scenes.object_caption(self.colour, self.kind)
