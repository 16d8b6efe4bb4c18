"""Foregrounds that go on from their harvests: objects whose place is known, in windows around them.

Around an object is nothing but its key, which needs no drawing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from taue import equations
from taue.context import Context
from taue.masks import FoundObject, find_harvested
from taue.rows import Harvest, Row
from taue.space import Estimate
from taue.window import windows_around
from taue.windowed import cultivated


def grown_on(
    context: Context, rows: Sequence[Row], regions: Sequence[Tensor], margin: float | None
) -> list[Harvest]:
    """Rows that continue from an estimate of an object on its key; the key goes on around the
    windows as it ended there.

    Args:
        context: of the call.
        rows: without regions.
        regions: where each object is [h, w]; nowhere if that is not known, and then everything is
            drawn of it, in a pass of its own if the others have windows.
        margin: around it, as a share of the canvas's shorter side; everything is drawn if None.
    """
    ends: dict[int, Harvest] = {}
    apart = [margin is not None and not bool(region.any()) for region in regions]
    for alike in (False, True):
        which = [i for i, one in enumerate(apart) if one is alike]
        if which:
            own = [rows[i] for i in which], [regions[i] for i in which]
            ends |= zip(which, _drawn(context, *own, margin), strict=True)
    return [ends[i] for i in range(len(rows))]


def _drawn(
    context: Context, rows: Sequence[Row], regions: Sequence[Tensor], margin: float | None
) -> list[Harvest]:
    """Such rows in one pass."""
    windows = windows_around(regions, margin)
    ends = []
    for row, window, end in zip(rows, windows, cultivated(context, rows, windows), strict=True):
        key = equations.border_colour(end.latents)[None, :, None, None]
        latents = window.onto(end.latents, key.expand(context.shape))
        # What it continues from is its harvest, and all of that is known.
        denoised = end.denoised if row.estimate is None else row.estimate
        ends.append(replace(end, latents=latents, denoised=denoised, noise=row.noise))
    return ends


def goes_on(steps: int, crop_ratio: float) -> bool:
    """Whether a foreground of so many steps has one to go on with after its harvest's."""
    return equations.harvest_step(steps, crop_ratio) + 1 < steps


def next_begin(steps: int, crop_ratio: float) -> float:
    """As a crop ratio, where a schedule of so many steps goes on after its harvest's.

    The harvested estimate under its noise at that level is the scheduler's own next step, if that
    draws nothing and looks back no farther.
    """
    return crop_ratio + 1 / steps


def ended(
    context: Context,
    rows: Sequence[Row],
    harvests: Sequence[Harvest],
    attention: Sequence[Tensor],
    margin: float | None,
) -> list[Harvest]:
    """Foregrounds grown on from their harvests to their ends.

    Args:
        context: of the call.
        rows: the foregrounds', that ended with their harvests.
        harvests: theirs.
        attention: where each was seen [h, w].
        margin: as of :func:`grown_on`.
    """
    further, regions = [], []
    for row, harvest, seen in zip(rows, harvests, attention, strict=True):
        own = Estimate(harvest.denoised.cpu(), harvest.noise.cpu(), harvest.level)
        regions.append(region_of(find_harvested(own, seen, context.settings)))
        further.append(
            replace(
                row,
                noise=own.noise,
                estimate=own.denoised,
                begin=next_begin(context.steps(row.stage), row.crop_ratio),
                listen_to=(),
                until_harvest=False,
                goes_on=False,
            )
        )
    ends = grown_on(context, further, regions, margin)
    return [harvest.gone_on(end) for harvest, end in zip(harvests, ends, strict=True)]


def region_of(found: FoundObject) -> Tensor:
    """Where an object is for certain [h, w]; nowhere if its key did not tell it apart."""
    return found.mask.cpu() if found.separated else torch.zeros_like(found.mask.cpu())
