"""Stages 2 and 3 side by side: from its harvest step on the composite needs the background no more,
nor the background the composite, so what is left of both is one pass.

A prediction of two pictures takes less time than two predictions. The background comes last, when
the composite follows its prompt alone, so that few samples are held at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from taue import equations
from taue.backbones import Encoded
from taue.context import Context, StageResult, SubjectCondition
from taue.finish import goes_on, next_begin
from taue.layers import StageRecord
from taue.solver import goes_on_alike
from taue.stage_rows import background_row, composite_row, scene_regions
from taue.stages import grown_scene
from taue.watch import stage_records


def go_on_together(context: Context) -> bool:
    """Whether a scene's effort has both go on together, and the composite can go on from what was
    harvested of it: with full schedules they are drawn one after the other, as the paper has it."""
    settings, steps = context.settings, context.steps("composite")
    if not settings.effort.together or settings.hold_crop_step:
        return False
    if not goes_on(steps, settings.crop_ratio):
        return False
    harvested = equations.harvest_step(steps, settings.crop_ratio)
    return goes_on_alike(lambda: context.backbone.new_scheduler(steps), harvested)


def composite_and_background(
    context: Context,
    conditions: Sequence[SubjectCondition],
    background: Encoded,
    whole: Encoded,
    results: Sequence[StageResult],
    records: list[StageRecord],
) -> tuple[StageResult, StageResult]:
    """Both stages' ends; the composite begins from noise. What each cost is added to ``records``.

    Args:
        context: of the call, see :func:`go_on_together`.
        conditions, results: the subjects, and how their stage ended.
        background: its prompt.
        whole: the whole scene's.
    """
    regions = scene_regions(results)
    row = composite_row(context, conditions, background, whole, results, regions)
    [begun] = context.cultivate([replace(row, until_harvest=True, goes_on=True)])
    around = grown_scene(context, begun, regions[-1]).seedling
    behind = replace(background_row(context, background, around), begins=_spare(context))
    begin = next_begin(context.steps("composite"), context.settings.crop_ratio)
    further = replace(row, noise=begun.noise, estimate=begun.denoised, begin=begin)
    # What was interrupted was not harvested, and cannot go on.
    rest = [] if begun.interrupted else [further]
    *ended, ground = context.cultivate([*rest, behind])
    scene = begun.gone_on(ended[0]) if ended else begun
    records.extend(stage_records([row, behind], [scene, ground]))
    return grown_scene(context, scene, regions[-1]), grown_scene(context, ground, regions[-1])


def _spare(context: Context) -> int:
    """How many steps of the composite's are left when it is harvested, over the background's."""
    ratio, effort = context.settings.crop_ratio, context.settings.effort
    steps, own = context.steps("composite"), context.steps("background")
    left = steps - equations.harvest_step(steps, ratio) - 1
    begin = effort.begin("background", ratio)
    return max(0, left - (own - equations.harvest_step(own, begin)))
