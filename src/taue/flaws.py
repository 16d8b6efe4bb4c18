"""What is wrong with a subject, told from what the method itself sees: where it is, and where it
was meant to be. No judge of any model's words is needed."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from taue.box import Box

LEAST = 0.004
"""A subject takes this share of the canvas at least ..."""

LEAST_OF_BOX = 0.2
"""... or of its box, where it has one."""

SECOND = 0.25
"""A part of the largest one's area from which on it is another object, not a speck ..."""

APART = 0.02
"""... if they are so many shorter sides from each other."""

TOUCHING = 0.02
"""Shorter sides along which a subject that the canvas cuts ends at its border."""

BEYOND = 0.04
"""Of the subject's own extent, how much of it the canvas cuts: of a ball that just touches the
border a hundredth would be beyond it ..."""

NARROWS = 0.02
"""... as far as it narrows in so many shorter sides before that."""

LOWER = (0, -1)
"""Axis and end of the lower one."""

OVER = 2.5
"""Times its box's area from which on a subject is far larger than that."""


class Flaw(StrEnum):
    """What can be wrong, as a warning says it."""

    UNTOLD = "could not be told from its key colour"
    MISSING = "is missing, or next to nothing"
    DOUBLED = "is there more than once"
    CUT_OFF = "is cut off by the canvas"
    OVERSIZED = "is far larger than its box"


REMEDIES = {
    Flaw.UNTOLD: "another key or seed",
    Flaw.MISSING: "a larger box or another seed",
    Flaw.DOUBLED: "another seed",
    Flaw.CUT_OFF: "another seed",
    Flaw.OVERSIZED: "placement fit or another seed",
}
"""What to try."""


def flaws(
    presence: NDArray[Any],
    box: Box | None = None,
    *,
    separated: bool = True,
    brought: bool = False,
) -> tuple[Flaw, ...]:
    """What is wrong with where a subject is.

    Args:
        presence: an alpha or a mask [h, w] in [0, 1], of any size.
        box: where it was asked to be, if it was.
        separated: whether it could be told from its key colour; if not, nothing else is asked.
        brought: whether it grew in the middle of the canvas and was brought into its box: then it
            may end at a border at which that does.
    """
    if not separated:
        return (Flaw.UNTOLD,)
    solid = presence > 0.5
    side = min(solid.shape)
    least = LEAST if box is None else LEAST_OF_BOX * box.width * box.height
    if solid.mean() < least:
        return (Flaw.MISSING,)
    found = [Flaw.DOUBLED] if _doubled(solid, side) else []
    if any(_cut(solid, edge, side) for edge in _edges(box, brought, side)):
        found.append(Flaw.CUT_OFF)
    if box is not None and _extent(solid) > OVER * box.width * box.height:
        found.append(Flaw.OVERSIZED)
    return tuple(found)


def warning(number: int, prompt: str, flaw: Flaw) -> str:
    """What the user is told."""
    return f"subject {number} ({prompt}) {flaw}; try {REMEDIES[flaw]}."


def _doubled(solid: NDArray[np.bool_], side: int) -> bool:
    width = max(1, round(APART * side / 2))
    joined = np.asarray(ndimage.binary_closing(np.pad(solid, width), iterations=width), bool)
    parts = np.empty(joined.shape, np.int32)
    ndimage.label(joined, output=parts)
    areas = np.sort(np.bincount(parts.ravel())[1:])
    return len(areas) > 1 and bool(areas[-2] >= SECOND * areas[-1])


def _edges(box: Box | None, brought: bool, side: int) -> list[tuple[int, int]]:
    """Axis and end of each of the canvas's borders at which a subject must not end: all but the
    lower one, if it was asked to stand on that, and if it was brought there, but those at which
    its box ends: not a pixel or cell lies between them."""
    if box is None:
        return [(0, 0), LOWER, (1, 0), (1, -1)]
    near = 1 / side
    ends = {
        (0, 0): box.y < near,
        LOWER: box.y + box.height > 1 - near,
        (1, 0): box.x < near,
        (1, -1): box.x + box.width > 1 - near,
    }
    return [edge for edge, at_it in ends.items() if not at_it or (edge != LOWER and not brought)]


def _cut(solid: NDArray[np.bool_], edge: tuple[int, int], side: int) -> bool:
    """Whether a subject [h, w] goes on beyond a border: one that narrows as it comes there would
    end, at the same rate, so much farther on; one that does not has no end in sight."""
    axis, end = edge
    inwards = round(max(1, NARROWS * side))
    last, before = (
        int(np.take(solid, i if end == 0 else -1 - i, axis=axis).sum()) for i in (0, inwards)
    )
    if last < max(1, TOUCHING * side):
        return False
    beyond = max(1, BEYOND * solid.any(axis=1 - axis).sum())
    return bool(last * inwards >= beyond * (before - last))


def _extent(solid: NDArray[np.bool_]) -> float:
    """The share of the canvas that the box around it takes."""
    return float(solid.any(axis=0).mean() * solid.any(axis=1).mean())
