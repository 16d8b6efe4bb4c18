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
from taue.stage_rows import background_row, composite_row
from taue.stages import background as background_alone
from taue.stages import grown_scene
from taue.watch import recorded, stage_records


def go_on_together(context: Context) -> bool:
    """Whether a scene's effort has both go on together, and the composite can go on from what was
    harvested of it: with full schedules they are drawn one after the other, as the paper has it."""
    settings, steps = context.settings, context.steps("composite")
    if settings.effort.background_begin is None or settings.hold_crop_step:
        return False
    if not goes_on(steps, settings.crop_ratio):
        return False
    harvested = equations.harvest_step(steps, settings.crop_ratio)
    return goes_on_alike(lambda: context.backbone.new_scheduler(steps), harvested)


def composite_and_background(
    context: Context,
    conditions: Sequence[SubjectCondition],
    prompt: Encoded,
    whole: Encoded,
    results: Sequence[StageResult],
) -> tuple[StageResult, StageResult, list[StageRecord]]:
    """Both stages' ends and what each cost; the composite begins from noise.

    Args:
        context: of the call, see :func:`go_on_together`.
        conditions, results: the subjects, and how their stage ended.
        prompt: the background's.
        whole: the whole scene's.
    """
    *regions, surroundings = equations.disjoint([one.seedling.mask for one in results])
    row = composite_row(context, conditions, prompt, whole, results, [*regions, surroundings])
    [begun] = context.cultivate([replace(row, until_harvest=True)])
    together = grown_scene(context, begun, surroundings)
    if begun.interrupted:
        records = stage_records([row], [begun])
        with recorded(records, "background") as made:
            made.append(background_alone(context, prompt, together.seedling))
        return together, made[0], records
    steps, ratio = context.steps("composite"), context.settings.crop_ratio
    further = replace(
        row, noise=begun.noise, estimate=begun.denoised, begin=next_begin(steps, ratio)
    )
    behind = background_row(context, prompt, together.seedling)
    rows = [further, replace(behind, begins=_spare(context))]
    ended, grown = context.cultivate(rows)
    whole_way = begun.gone_on(ended)
    return (
        grown_scene(context, whole_way, surroundings),
        grown_scene(context, grown, surroundings),
        stage_records(rows, [whole_way, grown]),
    )


def _spare(context: Context) -> int:
    """How many steps of the composite's are left when it is harvested, over the background's."""
    steps, own = context.steps("composite"), context.steps("background")
    begin = context.settings.effort.background_begin or 0.0
    left = steps - equations.harvest_step(steps, context.settings.crop_ratio) - 1
    return max(0, left - (own - equations.harvest_step(own, begin)))
