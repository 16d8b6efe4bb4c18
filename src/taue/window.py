"""A part of the canvas on which a stage is drawn alone, where all around it is known."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

UNIT = 4
"""Cells that a window's sides are multiples of: networks halve a picture twice, or see patches."""

LEAST, FEWEST = 1 / 2, 4 * UNIT
"""Of the canvas's side that a window's has at least, and cells, if the canvas has so many: smaller
ones are no pictures to a model."""


@dataclass(frozen=True)
class Window:
    """Rows and columns of latent cells, of a canvas [.., h, w]."""

    top: int
    left: int
    height: int
    width: int

    def of(self, whole: Tensor) -> Tensor:
        """This part of a whole [.., h, w]."""
        rows = slice(self.top, self.top + self.height)
        return whole[..., rows, self.left : self.left + self.width]

    def onto(self, part: Tensor, whole: Tensor) -> Tensor:
        """A whole [.., h, w] with this part of it exchanged."""
        made = whole.clone()
        self.of(made).copy_(part)
        return made


def windows_around(regions: Sequence[Tensor], margin: float | None) -> list[Window]:
    """For each region a window with it and a margin around it, all of one size, so that they can be
    drawn as one batch; the whole canvas if there is no margin, or nothing in a region.

    Args:
        regions: what has to be in each window, where above 0 [h, w].
        margin: around it, as a share of the canvas's shorter side.
    """
    rows, columns = regions[0].shape
    seen = [region > 0 for region in regions]
    if margin is None or not all(one.any() for one in seen):
        return [Window(0, 0, rows, columns)] * len(regions)
    cells = margin * min(rows, columns)
    tops, height = _spans([one.any(dim=1) for one in seen], cells)
    lefts, width = _spans([one.any(dim=0) for one in seen], cells)
    return [Window(top, left, height, width) for top, left in zip(tops, lefts, strict=True)]


def _spans(seen: Sequence[Tensor], margin: float) -> tuple[list[int], int]:
    """Where the windows begin along one side, and how long they are."""
    length = len(seen[0])
    inside = [one.nonzero()[:, 0] for one in seen]
    spans = [(one[0].item() - margin, one[-1].item() + 1 + margin) for one in inside]
    wanted = max(LEAST * length, FEWEST, *(last - first for first, last in spans))
    size = min(length, math.ceil(wanted / UNIT) * UNIT)
    begins = [math.floor((first + last - size) / 2) for first, last in spans]
    return [min(max(begin, 0), length - size) for begin in begins], size
