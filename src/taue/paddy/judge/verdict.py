"""From what was asked and what was seen to a verdict. Pure functions, no network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from taue.box import Box
from taue.paddy.judge import regions
from taue.paddy.judge.decode import box_iou
from taue.paddy.judge.matching import assign, in_view, too_many
from taue.paddy.judge.regions import Pixels, Region
from taue.paddy.judge.sighting import SeenObject, Sighting
from taue.paddy.judge.standing import floats, unlit
from taue.paddy.judge.words import parse_background, parse_object

OPAQUE = 0.5
"""Alpha above this is the object."""

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
class Layer:
    """A picture uint8 [H, W, 3] and what is seen in it."""

    pixels: Pixels
    seen: Sighting


@dataclass(frozen=True)
class Cutout:
    """A subject's layer: colours uint8 [H, W, 3] and alpha float [H, W] in 0..1."""

    pixels: Pixels
    alpha: NDArray[np.floating]


def judge_layers(
    asked: Sequence[Asked],
    background_prompt: str,
    composite: Layer,
    background: Layer,
    foregrounds: Sequence[Layer],
    cutouts: Sequence[Cutout],
) -> Verdict:
    """Everything at once; one foreground and one cut-out for each subject asked, in order."""
    wishes = [parse_object(subject.prompt) for subject in asked]
    kinds = [wish[1] if wish else None for wish in wishes]
    solid = [cutout.alpha > OPAQUE for cutout in cutouts]
    views = [in_view(solid, i) for i in range(len(solid))]
    seen = composite.seen.objects
    places, surplus = assign(kinds, views, seen), too_many(kinds, seen)
    subjects: list[SubjectVerdict] = []
    for i, (subject, wish, place) in enumerate(zip(asked, wishes, places, strict=True)):
        if wish is not None:
            found = None if place is None else seen[place]
            verdict = judge_subject(
                subject, wish, found, views[i], composite, background, foregrounds[i], cutouts[i]
            )
            subjects.append(replace(verdict, number=i + 1, twice=surplus[i]))
    strange = [one.prompt for one, wish in zip(asked, wishes, strict=True) if wish is None]
    ground = parse_background(background_prompt)
    if ground is None:
        return Verdict(tuple(subjects), None, None, (*strange, background_prompt))
    right = (composite.seen.background == ground, background.seen.background == ground)
    return Verdict(tuple(subjects), *right, tuple(strange))


def judge_subject(
    asked: Asked,
    wish: tuple[str, str],
    found: SeenObject | None,
    visible: Region,
    composite: Layer,
    background: Layer,
    foreground: Layer,
    cutout: Cutout,
) -> SubjectVerdict:
    """One subject by itself; whether there are too many of it, the others must say.

    Args:
        wish: the colour and kind that its prompt asks for.
        found: its object in the composite.
        visible: its alpha where no nearer subject covers it.
    """
    alpha = cutout.alpha > OPAQUE
    key = regions.painted_key(foreground.pixels, alpha)
    inside = regions.key_inside(cutout.pixels, alpha, key) or 0.0
    around = regions.key_around(composite.pixels, background.pixels, visible, key) or 0.0
    return SubjectVerdict(
        number=1,
        prompt=asked.prompt,
        foreground=named(foreground.seen.surest, wish),
        composite=named(found, wish),
        missing=found is None,
        twice=0,
        residue=residue(background.seen, alpha),
        key=max(inside, around),
        mask_iou=regions.iou(foreground.seen.mask > 0.5, alpha),
        alpha_iou=None if found is None else regions.iou(found.mask, visible),
        box=None if found is None else found.box,
        box_iou=None if found is None or asked.box is None else box_iou(found.box, asked.box),
        unlit=unlit(foreground.pixels, composite.pixels, visible, composite.seen.background),
        floating=floats(composite.pixels, background.pixels, visible, composite.seen.background),
    )


def named(seen: SeenObject | None, wish: tuple[str, str]) -> Named:
    """Whether an object has the colour and kind that were wished for; nothing seen is wrong."""
    if seen is None:
        return Named(kind=False, colour=False)
    return Named(kind=seen.kind == wish[1], colour=seen.colour == wish[0])


def residue(background: Sighting, alpha: Region) -> float:
    """The fraction of the subject's alpha that objects in the background layer cover."""
    left = [thing.mask for thing in background.objects]
    return regions.share(np.any(left, axis=0), alpha) or 0.0 if left else 0.0
