"""Passes on a part of the canvas: rows of which only a window is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from taue.context import Context
from taue.rows import Harvest, Row
from taue.seedling import Seedling
from taue.transplant import Planting
from taue.window import Window


def cultivated(context: Context, rows: Sequence[Row], windows: Sequence[Window]) -> list[Harvest]:
    """One pass of rows of which each is drawn in its window alone; so are the harvests.

    Args:
        context: of the whole canvas.
        rows: on the whole canvas, without regions, in which seedlings alone are planted.
        windows: of one size, one for each row.
    """
    inside = [row_in(row, window) for row, window in zip(rows, windows, strict=True)]
    return context.within(windows[0]).cultivate(inside)


def row_in(row: Row, window: Window) -> Row:
    """What a window shows of a row."""
    return replace(
        row,
        noise=window.of(row.noise),
        conditioning=replace(row.conditioning, corner=(window.top, window.left)),
        estimate=None if row.estimate is None else window.of(row.estimate),
        plantings=tuple(_planting_in(planting, window) for planting in row.plantings),
    )


def _planting_in(planting: Planting, window: Window) -> Planting:
    source = planting.source
    if not isinstance(source, Seedling):
        raise TypeError("another row's state has no window")
    return replace(planting, source=_seedling_in(source, window), region=window.of(planting.region))


def _seedling_in(seedling: Seedling, window: Window) -> Seedling:
    return replace(
        seedling,
        denoised=window.of(seedling.denoised),
        noise=window.of(seedling.noise),
        attention=window.of(seedling.attention),
        mask=window.of(seedling.mask),
        final=None if seedling.final is None else window.of(seedling.final),
        layer=None,
    )
