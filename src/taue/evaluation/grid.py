"""Pictures of a comparison, chosen by a fixed rule: the best, the middle and the worst pair."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from taue.arrays import Bytes
from taue.evaluation.items import Item, read_item
from taue.evaluation.runs import ITEMS

RULE = "psnr_fg"
"""The column by which pairs are ranked, in the run that is named first."""

TILE, LABEL = 160, 16
COLUMNS = ("composite", "background", "foreground", "mask")


def chosen(items: Mapping[str, Mapping[str, float | str | None]]) -> list[str]:
    """The ids of the best, the middle and the worst pair by the rule; fewer of fewer pairs, by name
    where the run has no such figure. Figures are as the scores' JSON has them, which says
    "infinity"."""
    figures = {name: row.get(RULE) for name, row in items.items()}
    ranked = sorted(figures, key=lambda name: (-_number(figures[name]), name))
    return list(dict.fromkeys([ranked[0], ranked[len(ranked) // 2], ranked[-1]]))


def picture_grid(runs: Sequence[Path], identities: Sequence[str]) -> Image.Image:
    """A row for each pair and run: composite, background, foreground and mask; what a method does
    not make is white."""
    rows = [(name, run) for name in identities for run in runs]
    page = Image.new("RGB", (len(COLUMNS) * TILE, len(rows) * (TILE + LABEL)), "white")
    pen = ImageDraw.Draw(page)
    for place, (name, run) in enumerate(rows):
        top = place * (TILE + LABEL)
        pen.text((2, top + 1), f"{name}: {run.name}", "black")
        folder = run / ITEMS / name
        if folder.is_dir():
            for column, tile in enumerate(_tiles(read_item(folder))):
                page.paste(tile, (column * TILE, top + LABEL))
    return page


def _tiles(item: Item) -> list[Image.Image]:
    return [picture_tile(getattr(item, column), TILE) for column in COLUMNS]


def picture_tile(picture: Bytes | None, side: int) -> Image.Image:
    """A picture that fits into a square of so many pixels; white if there is none."""
    if picture is None:
        return Image.new("RGB", (side, side), "white")
    image = Image.fromarray(np.ascontiguousarray(picture)).convert("RGB")
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    return image


def _number(value: float | str | None) -> float:
    return -math.inf if value is None else float(value)
