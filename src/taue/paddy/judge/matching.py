"""Which object of the composite is which subject, and whether it is part of its scene: lit as the
scene is, and standing on something.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from taue.arrays import Bytes, Region
from taue.paddy.judge.regions import iou, light, shadow
from taue.paddy.judge.sighting import SeenObject
from taue.paddy.scenes import BACKGROUNDS

TOUCH = 0.1
"""Objects that overlap a subject's alpha by this much (intersection over union) may be it."""


def in_view(solid: Sequence[Region], number: int) -> Region:
    """What is seen of a subject [H, W]: later ones are nearer and cover it."""
    covered = np.zeros_like(solid[number])
    for nearer in solid[number + 1 :]:
        covered |= nearer
    return solid[number] & ~covered


def assign(
    kinds: Sequence[str | None], alphas: Sequence[Region], seen: Sequence[SeenObject]
) -> list[int | None]:
    """For each subject the number of its object in the composite, or None; no object twice.

    Where it lies counts first. An object of the right kind elsewhere is taken for a subject that
    has moved.
    """
    places: list[int | None] = [None] * len(kinds)
    overlaps = [
        (iou(thing.mask, alpha) or 0.0, thing.kind == kinds[i], i, j)
        for i, alpha in enumerate(alphas)
        for j, thing in enumerate(seen)
    ]
    taken: set[int] = set()
    for overlap, same, i, j in sorted(overlaps, key=lambda pair: pair[:2], reverse=True):
        if places[i] is None and j not in taken and (overlap >= TOUCH or same):
            places[i] = j
            taken.add(j)
    return places


def too_many(kinds: Sequence[str | None], seen: Sequence[SeenObject]) -> list[int]:
    """For each subject how many objects of its kind are seen beyond those asked for.

    Told once for each kind, at the first subject of that kind.
    """
    surplus = Counter(thing.kind for thing in seen)
    surplus.subtract(kind for kind in kinds if kind is not None)
    told: set[str | None] = {None}
    counts: list[int] = []
    for kind in kinds:
        counts.append(0 if kind in told else max(0, surplus[str(kind)]))
        told.add(kind)
    return counts


COLOURED = 0.1
"""Light that takes away less of every channel than this cannot be told from none."""

HIGH = 0.62
"""A foot above this fraction of the canvas, from the top, is above the ground of any background."""

DARKER = 0.06
"""Shade that takes away less than this is none."""


def unlit(foreground: Bytes, composite: Bytes, visible: Region, background: str | None) -> bool:
    """Whether the composite's object has the foreground's neutral light though the scene's differs.

    False where it cannot be told: hardly coloured light, dark objects, no known background.
    """
    if background is None:
        return False
    scene = np.array(BACKGROUNDS[background].ambient)
    measured = light(foreground, composite, visible)
    if measured is None or (1 - scene).max() < COLOURED:
        return False
    to_neutral, to_scene = (np.abs(measured - other).mean() for other in (1.0, scene))
    return bool(to_neutral < to_scene / 2)


def floats(composite: Bytes, background: Bytes, visible: Region, where: str | None) -> bool:
    """Whether the object hangs in the air over a ground, and no shadow lies beneath it."""
    if where is None or not BACKGROUNDS[where].ground or not visible.any():
        return False
    foot = (np.flatnonzero(visible.any(axis=1))[-1] + 1) / visible.shape[0]
    shade = shadow(composite, background, visible)
    return bool(foot < HIGH and shade is not None and shade < DARKER)
