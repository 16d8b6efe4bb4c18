"""The one denoising loop: transplant, attend by region, harvest.

Every stage and every application is this loop with other rows.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import pairwise

import torch

from taue.backbones import Backbone
from taue.finite import require_finite
from taue.growth import Growth, begins
from taue.rows import Harvest, Observer, Row, Step
from taue.settings import Settings


@torch.no_grad()
def cultivate(
    backbone: Backbone,
    rows: Sequence[Row],
    settings: Settings,
    observe: Observer = lambda step: None,
) -> list[Harvest]:
    """Denoise all rows, each from its own noise; harvests in their order.

    Raises:
        TaueError: if the scheduler or a planting cannot be used, or the model answers with what is
            not finite.
        ValueError: if a row waits for one that never is harvested.
    """
    growths = [Growth(row, backbone, settings) for row in rows]
    first = begins(growths)
    spans = [range(b, b + g.end - g.index) for b, g in zip(first, growths, strict=True)]
    turns = {b + i - g.index for b, g in zip(first, growths, strict=True) for i in g.turns}
    interrupted = False
    for begun, ended in pairwise(sorted(turns)):
        growing = [g for g, span in zip(growths, spans, strict=True) if begun in span]
        if growing:
            layers = settings.attention_layers
            interrupted = _spell(backbone, growing, growths, ended - begun, layers, observe)
        if interrupted:
            break
    for one in growths:  # not in each step, where a GPU would be waited for
        require_finite(one.latents, "the model's output")
    return [g.harvest(interrupted=interrupted) for g in growths]


def _spell(
    backbone: Backbone,
    growing: Sequence[Growth],
    growths: Sequence[Growth],
    count: int,
    layers: str,
    observe: Observer,
) -> bool:
    """So many iterations of some rows, all of which attend alike, to be heard in the ``layers`` of
    the settings; whether an observer wants the pass to end."""
    conditionings, interrupted = [g.conditioning for g in growing], False
    listen_to = [g.listen_to for g in growing]
    with backbone.attending(conditionings, listen_to, layers) as captured:
        for _ in range(count):
            started, samples = time.perf_counter(), [g.evaluations for g in growing]
            _advance(backbone, growing, growths)
            interrupted = _observed(growing, observe)
            _share(time.perf_counter() - started, growing, samples)
            if interrupted:
                break
            _finish(growing, growths)
    for number, attention in captured.items():
        growing[number].maps.append(attention)
    return interrupted


def _advance(backbone: Backbone, growing: Sequence[Growth], growths: Sequence[Growth]) -> None:
    """One iteration, in one prediction."""
    live = [g.estimate for g in growths]  # as all are now, whichever moves on first
    held = [g.transplant.at(g.index, live) for g in growing]
    for one, holds in zip(growing, held, strict=True):
        one.latents = holds.impose(one.latents)
    outputs = backbone.predict(
        torch.cat([g.model_input() for g in growing]),
        torch.stack([g.timestep for g in growing]),
        [g.conditioning for g in growing],
    )
    for one, output, holds in zip(growing, outputs.split(1), held, strict=True):
        one.step(output, holds)


def _observed(growing: Sequence[Growth], observe: Observer) -> bool:
    """Show the steps that were made, those of one stage at one index together; whether an observer
    wants an end."""
    groups: dict[tuple[str, int], list[Growth]] = {}
    for one in growing:
        if one.seen:
            groups.setdefault((one.row.stage, one.index), []).append(one)
    interrupted = False
    for (stage, index), group in groups.items():
        first, latents = group[0], torch.cat([g.latents for g in group])
        subjects = tuple(s for g in group if (s := g.row.subject) is not None)
        count, timestep = first.solver.levels.count, first.solver.timestep(index - 1)
        denoised = torch.cat([g.estimate.denoised for g in group])
        corners = tuple(g.row.conditioning.corner for g in group)
        step = Step(stage, subjects, index - 1, count, timestep, latents, denoised, corners)
        observe(step)
        for one, changed in zip(group, step.latents.to(torch.float32).split(1), strict=True):
            one.latents = changed
        interrupted |= step.interrupted
    return interrupted


def _share(seconds: float, growing: Sequence[Growth], samples: Sequence[int]) -> None:
    """The time of one prediction, by the samples that each row sent through the network."""
    for one, own in zip(growing, samples, strict=True):
        one.seconds += seconds * own / sum(samples)


def _finish(growing: Sequence[Growth], growths: Sequence[Growth]) -> None:
    """Rows that came to the clean level end with what is planted to the end."""
    live = [g.estimate for g in growths]
    for one in growing:
        if one.index == one.solver.levels.count:
            one.latents = one.transplant.at(one.index, live).impose(one.latents)
