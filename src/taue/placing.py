"""Placing: an object generated where it is easy, brought to where it is wanted.

The probabilistic layout only suggests a place. What was harvested there is measured, moved and
scaled (never stretched) on the latent grid.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from taue import equations
from taue.box import Box
from taue.masks import grow
from taue.seedling import Seedling

NEAR = 2
"""Cells around an object's mask that move with it: soft edges reach so far."""

HALF = 0.5
"""An object's edge lies where its map has fallen to half."""


@dataclass(frozen=True)
class Placement:
    """What brings an object from ``found`` to its new place: uniform ``scale`` about the centre of
    ``found``, whose centre comes to ``centre`` (x, y as fractions of the canvas)."""

    found: tuple[float, float]
    centre: tuple[float, float]
    scale: float

    @classmethod
    def fit(cls, found: Box, wanted: Box) -> Placement:
        """As large as ``wanted`` holds without stretching, standing on the middle of its foot."""
        scale = min(wanted.width / found.width, wanted.height / found.height)
        foot = wanted.y + wanted.height - scale * found.height / 2
        return cls(found.centre, (wanted.centre[0], foot), scale)

    def apply(self, box: Box) -> Box:
        """Where a box comes to lie, cut at the canvas."""
        (fx, fy), (cx, cy) = self.found, self.centre
        left, right = (cx + self.scale * (x - fx) for x in (box.x, box.x + box.width))
        top, bottom = (cy + self.scale * (y - fy) for y in (box.y, box.y + box.height))
        left, top = max(0.0, left), max(0.0, top)
        return Box(left, top, min(1.0, right) - left, min(1.0, bottom) - top)


def picture_box(alpha: Tensor) -> Box:
    """The box of what a picture shows, by its alpha [h, w], however faint that is.

    Raises:
        ValueError: if nothing is there.
    """
    return bounding_box(alpha / alpha.max())


def bounding_box(presence: Tensor) -> Box:
    """The box of what a map [h, w] in [0, 1] shows, finer than its cells.

    Along each side the edge is put where the largest value of a row or column, taken at cell
    centres, crosses one half between neighbours.

    Raises:
        ValueError: if nothing exceeds one half.
    """
    left, right = _extent(presence.amax(dim=0))
    top, bottom = _extent(presence.amax(dim=1))
    return Box(left, top, right - left, bottom - top)


def _extent(profile: Tensor) -> tuple[float, float]:
    """First and last crossing of one half, as fractions of the profile's length."""
    values = [0.0, *profile.double().tolist(), 0.0]  # nothing lies beyond the canvas
    inside = [i for i, value in enumerate(values) if value > HALF]
    if not inside:
        raise ValueError("the map shows nothing")
    first, last = inside[0], inside[-1]
    start = first - (values[first] - HALF) / (values[first] - values[first - 1])
    end = last + (values[last] - HALF) / (values[last] - values[last + 1])
    # Value i stands at the centre of cell i - 1, that is at i - 1/2.
    count = len(profile)
    return max(0.0, (start - 0.5) / count), min(1.0, (end - 0.5) / count)


def place(values: Tensor, placement: Placement) -> Tensor:
    """Values [B, C, h, w] moved and scaled; what comes from beyond repeats the border.

    Enlarging interpolates bicubically, reducing averages over the cells that fall together.
    """
    height, width = values.shape[-2:]
    taken = min(8, math.ceil(1 / placement.scale))  # samples a side of each new cell
    fine_y = _source(height * taken, placement.found[1], placement.centre[1], placement.scale)
    fine_x = _source(width * taken, placement.found[0], placement.centre[0], placement.scale)
    grid = torch.stack(torch.meshgrid(fine_x, fine_y, indexing="xy"), dim=-1)
    grid = grid[None].expand(len(values), -1, -1, -1).to(values)
    sampled = F.grid_sample(
        values, 2 * grid - 1, mode="bicubic", padding_mode="border", align_corners=False
    )
    return F.avg_pool2d(sampled, taken)


def _source(count: int, found: float, centre: float, scale: float) -> Tensor:
    """Where each of ``count`` new cells comes from, as fractions of the canvas."""
    new = (torch.arange(count) + 0.5) / count
    return found + (new - centre) / scale


def surrounded_by_key(seedling: Seedling) -> Tensor:
    """The denoised estimate [1, C, h, w] with nothing but the painted key around the object, so
    that what is brought in from around it is clean."""
    near = grow(seedling.mask, NEAR)[None, None]
    key = equations.border_colour(seedling.denoised).view(1, -1, 1, 1)
    return near * seedling.denoised + (1 - near) * key
