"""Pictures of an ablation: what each factor changes, of pairs that a fixed rule chooses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw

from taue.evaluation.ablation import FACTORS, Variant
from taue.evaluation.grid import picture_tile
from taue.evaluation.items import read_item
from taue.evaluation.runs import ITEMS

TOGETHER: Mapping[str, tuple[str, ...]] = {
    "crop ratio and filter": ("crop", "noise", "filter", "unfiltered"),
    "attention": ("attention", "blending"),
    "masks": ("mask", "thresholds"),
    "keys, noise and layout": ("key", "colour", "lambda", "layout"),
}
"""Factors whose runs are compared on one sheet, by its title."""

COLUMNS = ("composite", "foreground", "mask")
SIDE, LABEL = 96, 128


@dataclass(frozen=True)
class AblationSheet:
    """One sheet: a method's runs that it shows, the method as it is first."""

    method: str
    title: str
    runs: tuple[str, ...]

    @property
    def file(self) -> str:
        """Its name, beside the page's other pictures."""
        return f"ablation-{self.method}-{self.title.split()[0].strip(',')}.png"


def sheets_of(chosen: Sequence[Variant], there: Sequence[str]) -> Iterator[AblationSheet]:
    """The sheets of variants that were asked for, as far as their runs are there; none where the
    method as it is would be alone."""
    for base in dict.fromkeys(one.base for one in chosen):
        for title, factors in TOGETHER.items():
            named = {f"{base}-{value}" for factor in factors for value in FACTORS[factor]}
            runs = [one.name for one in chosen if one.name in named and one.name in there]
            if runs and base in there:
                yield AblationSheet(base, title, (base, *runs))


def sheet_picture(sheet: AblationSheet, runs: Path, identities: Sequence[str]) -> Image.Image:
    """A row for each run, of each pair its composite, foreground and mask.

    Args:
        sheet: which.
        runs: the folder of all runs.
        identities: the pairs; what a run has not drawn is white.
    """
    size = (LABEL + len(identities) * len(COLUMNS) * SIDE, len(sheet.runs) * SIDE)
    page = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(page)
    for row, name in enumerate(sheet.runs):
        label = name.removeprefix(f"{sheet.method}-")
        pen.text((4, row * SIDE + SIDE // 2 - 6), label, "black")
        folders = [runs / name / ITEMS / one for one in identities]
        for place, folder in enumerate(folders):
            if not folder.is_dir():
                continue
            item = read_item(folder)
            for column, kind in enumerate(COLUMNS):
                left = LABEL + (place * len(COLUMNS) + column) * SIDE
                page.paste(picture_tile(getattr(item, kind), SIDE), (left, row * SIDE))
    return page
