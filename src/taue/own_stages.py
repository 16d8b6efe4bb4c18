"""What takes the place of a stage where users bring their own pictures: nothing is drawn, the
picture is encoded, and planted like whatever grew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from taue.backbones import Encoded
from taue.box import Box
from taue.context import Context, StageResult, Start, SubjectCondition
from taue.harvest import harvest_index
from taue.masks import REACH, cells, grow
from taue.placing import HALF, picture_box
from taue.seedling import Seedling
from taue.solver import Solver
from taue.space import Level
from taue.stage_rows import composite_row, scene_regions
from taue.stages import grown_scene
from taue.transplant import Planting


def own_subject(
    context: Context, condition: SubjectCondition, layer: Tensor, ground: Tensor | None
) -> StageResult:
    """In place of stage 1: a cut-out in its place, encoded.

    No key colour comes near it: it lies over the ground, or its own colours go on beyond it.

    Args:
        context: of the call.
        condition: the subject.
        layer: the cut-out [4, H, W] in [0, 1], straight alpha, its colours continued.
        ground: a user's own background [3, H, W], if there is one.
    """
    backbone, alpha = context.backbone, layer[3:]
    seen = layer[:3] if ground is None else layer[:3] * alpha + ground * (1 - alpha)
    final = backbone.encode(seen[None])
    share = F.adaptive_avg_pool2d(alpha[None], context.shape[-2:])[0, 0]
    # What is smaller than a cell is planted in the one that shows most of it.
    mask = (share > min(HALF, share.max().item() / 2)).float()
    seedling = Seedling(
        final.cpu(),
        context.noise_of(condition).normal(context.shape, "planted", condition.number),
        _level(context, condition.crop_ratio),
        share.clamp(0, 1),
        mask,
        final.cpu(),
        layer,
        family=backbone.family,
    )
    return StageResult(final, seedling, 0, own=True)


def planted_box(seedling: Seedling) -> Box:
    """Where the object of a planted picture is.

    Raises:
        ValueError: if nothing of it is seen.
    """
    assert seedling.layer is not None
    return picture_box(seedling.layer[3])


def own_background(context: Context, picture: Tensor) -> StageResult:
    """In place of stage 3: a picture [3, H, W] in [0, 1], encoded."""
    final = context.backbone.encode(picture[None])
    everywhere = torch.ones(context.shape[-2:])
    seedling = Seedling(
        final.cpu(),
        context.source.normal(context.shape, "background"),
        _level(context, context.settings.crop_ratio),
        everywhere,
        everywhere,
        final.cpu(),
        family=context.backbone.family,
    )
    return StageResult(final, seedling, 0, own=True)


def composite_into(
    context: Context,
    conditions: Sequence[SubjectCondition],
    background: Encoded,
    whole: Encoded,
    results: Sequence[StageResult],
    picture: StageResult,
    start: Start | None = None,
) -> StageResult:
    """Stage 2 where the background is a user's own: every subject planted into that picture.

    The picture is planted around the subjects. As far as their light and shadow may reach it is
    released with them; beyond, it is held to the end.
    """
    regions = scene_regions(results)
    row = composite_row(context, conditions, background, whole, results, regions, start)
    surroundings = regions[-1]
    far = 1 - grow(1 - surroundings, cells(REACH, context.shape[-2:]))
    ratio = context.settings.crop_ratio
    held = (
        Planting(picture.seedling, surroundings - far, crop_ratio=ratio),
        Planting(picture.seedling, far, to_end=True, crop_ratio=ratio),
    )
    row = replace(row, plantings=(*row.plantings, *held))
    return grown_scene(context, context.cultivate([row])[0], surroundings)


def _level(context: Context, crop_ratio: float) -> Level:
    """Of the harvest step."""
    steps = context.settings.num_inference_steps
    solver = Solver(context.backbone.new_scheduler(steps), None)
    step = harvest_index(solver.levels, solver.order, steps, crop_ratio)
    return solver.levels[solver.order * step]
