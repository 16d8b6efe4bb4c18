"""What a verdict is made of: what was asked, read back into paddy's words, what is looked at, and
what was found.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from taue.arrays import Bytes
from taue.box import Box
from taue.paddy.judge.sighting import Sighting
from taue.paddy.scenes import BACKGROUNDS, COLOURS, KINDS

_ARTICLE = r"(?:(?:an?|the) )?"
_OBJECT = re.compile(f"{_ARTICLE}({'|'.join(COLOURS)}) ({'|'.join(KINDS)})")


def parse_object(prompt: str) -> tuple[str, str] | None:
    """Colour and kind of "a red apple"; None if it is anything else than that."""
    found = _OBJECT.fullmatch(_plain(prompt))
    return (found[1], found[2]) if found else None


def parse_background(prompt: str) -> str | None:
    """The renderer's name of a background, with its own article or none; None if it is no such."""
    words = _plain(prompt)
    return next((name for name in BACKGROUNDS if words in (name, _bare(name))), None)


def _plain(prompt: str) -> str:
    return " ".join(prompt.lower().split()).rstrip(".")


def _bare(name: str) -> str:
    return re.sub(f"^{_ARTICLE}", "", name)


LEFT = 0.25
"""A subject is left in the background if objects seen there cover this much of its alpha."""

KEY = 0.04
"""Key colour is left in from so many pixels per object pixel on."""


@dataclass(frozen=True)
class Asked:
    """One subject: its prompt, and where it was asked to be, if anywhere."""

    prompt: str
    box: Box | None = None


@dataclass(frozen=True)
class Named:
    """Whether the right kind and the right colour were seen."""

    kind: bool
    colour: bool


@dataclass(frozen=True)
class SubjectVerdict:
    """One subject (its number from 1, its prompt) across the layers.

    ``twice`` counts objects of its kind beyond those asked for; ``residue`` and ``key`` are what
    is measured, fractions of its area; ``box`` is the box found in the composite.
    """

    number: int
    prompt: str
    foreground: Named
    composite: Named
    missing: bool
    twice: int
    residue: float
    key: float
    mask_iou: float | None
    alpha_iou: float | None
    box: Box | None
    box_iou: float | None
    unlit: bool
    floating: bool

    @property
    def left_behind(self) -> bool:
        """Whether the subject can still be seen in the background layer."""
        return self.residue >= LEFT

    @property
    def key_left(self) -> bool:
        """Whether key colour can be seen in its cut-out or around it."""
        return self.key >= KEY

    @property
    def right(self) -> bool:
        """Everything right: kind and colour in both layers, and no fault."""
        named = (self.foreground.kind, self.foreground.colour)
        named += (self.composite.kind, self.composite.colour)
        return all(named) and not (
            self.missing or self.twice or self.left_behind or self.key_left
        )  # fmt: skip


@dataclass(frozen=True)
class Verdict:
    """A whole result.

    ``subjects`` are those whose prompt is in the judge's words; the prompts that are not, the
    background's included, are in ``not_judged``. Whether the background is right in the composite
    and in its own layer is None if its prompt is among those.
    """

    subjects: tuple[SubjectVerdict, ...]
    composite_background: bool | None
    background: bool | None
    not_judged: tuple[str, ...] = ()

    @property
    def right(self) -> bool | None:
        """Nothing wrong at all; None if something could not be judged and the rest is right."""
        answers = [subject.right for subject in self.subjects]
        if False in (*answers, self.composite_background, self.background):
            return False
        return None if self.not_judged else True


@dataclass(frozen=True)
class SeenLayer:
    """A picture uint8 [H, W, 3] and what is seen in it."""

    pixels: Bytes
    seen: Sighting


@dataclass(frozen=True)
class Cutout:
    """A subject's layer: colours uint8 [H, W, 3] and alpha float [H, W] in 0..1."""

    pixels: Bytes
    alpha: NDArray[np.floating]
