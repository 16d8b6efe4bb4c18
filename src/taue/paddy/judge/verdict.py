"""From what was asked and what was seen to a verdict. Pure functions, no network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from taue.arrays import Region
from taue.paddy.judge import regions
from taue.paddy.judge.findings import (
    Asked,
    Cutout,
    Named,
    SeenLayer,
    SubjectVerdict,
    Verdict,
    parse_background,
    parse_object,
)
from taue.paddy.judge.matching import assign, floats, in_view, too_many, unlit
from taue.paddy.judge.sighting import SeenObject, Sighting

OPAQUE = 0.5
"""Alpha above this is the object."""


def judge_layers(
    asked: Sequence[Asked],
    background_prompt: str,
    composite: SeenLayer,
    background: SeenLayer,
    foregrounds: Sequence[SeenLayer],
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
    composite: SeenLayer,
    background: SeenLayer,
    foreground: SeenLayer,
    cutout: Cutout,
) -> SubjectVerdict:
    """One subject by itself; whether there are too many of it, the others must say.

    Args:
        wish: the colour and kind that its prompt asks for.
        found: its object in the composite.
        visible: its alpha where no nearer subject covers it.
    """
    alpha = cutout.alpha > OPAQUE
    key = regions.key_colour(foreground.pixels, alpha)
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
        box_iou=None if found is None or asked.box is None else found.box.iou(asked.box),
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
