"""What the judge sees in a picture, in paddy's words, from the network's raw answers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from taue.box import Box
from taue.paddy.judge.network import GRID, GROUNDS, Seen
from taue.paddy.scenes import COLOURS, KINDS, object_caption


@dataclass(frozen=True)
class SeenObject:
    """One object: its names, how sure they are (0..1), where it is.

    ``confidence`` is how sure it is that an object is there at all; ``mask`` bool [H, W].
    """

    kind: str
    colour: str
    kind_confidence: float
    colour_confidence: float
    confidence: float
    box: Box
    mask: NDArray[np.bool_]

    @property
    def caption(self) -> str:
        """Its words, such as "a red apple"."""
        return object_caption(self.colour, self.kind)


@dataclass(frozen=True)
class Sighting:
    """Everything seen in one picture [H, W], the surest object first.

    ``background`` is None for a plain ground; ``mask`` float32 [H, W] in 0..1 is how surely each
    pixel belongs to some object.
    """

    objects: tuple[SeenObject, ...]
    background: str | None
    background_confidence: float
    mask: NDArray[np.float32]

    @property
    def surest(self) -> SeenObject | None:
        """The object that is there most surely, if any is."""
        return self.objects[0] if self.objects else None


SURE = 0.4
"""An object is there from this confidence on."""

SAME = 0.45
"""Two boxes that share so much (intersection over union) are one object."""

AROUND = 1.2
"""A pixel belongs to an object if it lies in its box, enlarged so much about its middle."""

SMALLEST = 1 / 64
"""Boxes are at least so wide and high, in fractions of the canvas."""


def decode(seen: Seen, number: int, size: tuple[int, int]) -> Sighting:
    """The sighting of picture ``number`` of the batch; ``size`` is its height and width."""
    logits = F.interpolate(seen.mask[number][None], size, mode="bilinear")
    mask = logits[0, 0].sigmoid().numpy()
    chance = seen.centre[number, 0].sigmoid()
    cells = _peaks(chance)
    boxes = [_box(seen.sides[number], row, column) for row, column in cells]
    kept = _distinct(boxes)
    owners = _owners(mask > 0.5, [boxes[i] for i in kept])
    objects = tuple(
        _object(seen, number, cells[i], boxes[i], owners == place) for place, i in enumerate(kept)
    )
    ground = seen.background[number].softmax(dim=0)
    best = int(ground.argmax())
    return Sighting(objects, GROUNDS[best], float(ground[best]), mask)


def _peaks(chance: Tensor) -> list[tuple[int, int]]:
    """Row and column of the cells that no neighbour exceeds, the surest first."""
    highest = F.max_pool2d(chance[None, None], 3, stride=1, padding=1)[0, 0]
    found = ((chance == highest) & (chance >= SURE)).nonzero().tolist()
    return sorted(((row, column) for row, column in found), key=lambda at: -chance[at].item())


def _object(
    seen: Seen, number: int, cell: tuple[int, int], box: Box, mask: NDArray[np.bool_]
) -> SeenObject:
    row, column = cell
    kinds = seen.kind[number, :, row, column].softmax(dim=0)
    colours = seen.colour[number, :, row, column].softmax(dim=0)
    kind, colour = int(kinds.argmax()), int(colours.argmax())
    chance = float(seen.centre[number, 0, row, column].sigmoid())
    return SeenObject(
        KINDS[kind], tuple(COLOURS)[colour], float(kinds[kind]), float(colours[colour]), chance,
        box, mask,
    )  # fmt: skip


def _box(sides: Tensor, row: int, column: int) -> Box:
    """The box that a cell tells of, cut to the canvas."""
    left, top, right, bottom = sides[:, row, column].tolist()
    x, y = (column + 0.5) / GRID, (row + 0.5) / GRID
    x0, x1 = _ordered(x - left, x + right)
    y0, y1 = _ordered(y - top, y + bottom)
    return Box(x0, y0, x1 - x0, y1 - y0)


def _ordered(low: float, high: float) -> tuple[float, float]:
    low = min(max(low, 0.0), 1 - SMALLEST)
    return low, min(max(high, low + SMALLEST), 1.0)


def _distinct(boxes: list[Box]) -> list[int]:
    """Indices of the boxes that no earlier kept one covers."""
    kept: list[int] = []
    for i, box in enumerate(boxes):
        if all(box.iou(boxes[j]) < SAME for j in kept):
            kept.append(i)
    return kept


def _owners(mask: NDArray[np.bool_], boxes: list[Box]) -> NDArray[np.int64]:
    """For each pixel of the mask [H, W] the number of the box it lies deepest in; -1 for none."""
    height, width = mask.shape
    owners = np.full(mask.shape, -1, np.int64)
    if not boxes:
        return owners
    x, y = (np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height
    # 1 on a box's outline, 0 in its middle.
    depths = [
        np.maximum(
            np.abs(x - box.centre[0])[None, :] / (box.width / 2),
            np.abs(y - box.centre[1])[:, None] / (box.height / 2),
        )
        for box in boxes
    ]
    nearest = np.argmin(depths, axis=0)
    inside = np.min(depths, axis=0) < AROUND
    return np.where(mask & inside, nearest, owners)
