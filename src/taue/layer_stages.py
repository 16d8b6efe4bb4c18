"""The two stages of ours that make layers of the three; see :mod:`taue.layering`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from torch import Tensor

from taue.backbones import Encoded
from taue.context import Context, StageResult, SubjectCondition
from taue.rows import Row
from taue.seedling import Seedling
from taue.stage_rows import foreground_row
from taue.transplant import Planting
from taue.window import windows_around
from taue.windowed import cultivated


def refined(
    context: Context,
    conditions: Sequence[SubjectCondition],
    together: StageResult,
    estimates: Tensor,
    keys: Tensor,
    cores: Sequence[Tensor],
    covered: Sequence[Tensor],
    outsides: Sequence[Tensor],
) -> list[StageResult]:
    """Stage 4: what the composite shows of each subject, grown on from the harvest step on a key.

    Its core is held to where the composite ended, what others cover to its foreground, its
    surroundings to the key; the rim between them is free to become an edge. Of the key no more is
    drawn than the effort's window around what is not held to it.

    Args:
        together: the composite.
        estimates: what to continue from [n, C, h, w], in conditions' order.
        keys: the key colours as scaled latents [n, C, 1, 1].
        cores, covered, outsides: masks [h, w] for each subject, that do not overlap.
    """
    ended, level = together.latents.cpu(), together.seedling.level
    own, family = _noise_to(together, ended), context.backbone.family
    ratio = context.settings.crop_ratio
    rows = []
    for condition, estimate, key, core, cover, outside in zip(
        conditions, estimates.split(1), keys, cores, covered, outsides, strict=True
    ):
        plain = key.expand(context.shape[1:])[None]
        held = ((ended, core), (estimate, cover), (plain, outside))
        row = replace(
            foreground_row(context, condition, own),
            stage="refine",
            generator=context.noise_of(condition).generator("refine-steps", condition.number),
            crop_ratio=ratio,
            estimate=estimate,
            steps=context.steps("refine"),
            begin=context.settings.effort.refine_begin,
            guided=context.settings.effort.guided,
            plantings=tuple(
                Planting(
                    Seedling(shows, own, level, where, where, family=family),
                    where,
                    to_end=True,
                    crop_ratio=ratio,
                )
                for shows, where in held
                if where.any()
            ),
        )
        scale = context.settings.guidance_scale
        rows.append(replace(row, conditioning=replace(row.conditioning, guidance_scale=scale)))
    windows = windows_around([1 - outside for outside in outsides], context.settings.effort.window)
    return [
        replace(
            together,
            latents=window.onto(one.latents, key.expand_as(ended).to(one.latents)),
            evaluations=one.evaluations,
        )
        for key, window, one in zip(keys, windows, cultivated(context, rows, windows), strict=True)
    ]


def healed(
    context: Context, whole: Encoded, together: StageResult, estimate: Tensor, held: Tensor
) -> StageResult:
    """Stage 5: the second half of the composite's pass after its harvest step once more, from the
    layers laid over each other. From the harvest step on it would draw the ground anew, too.

    Args:
        whole: the whole scene's prompt.
        together: the composite.
        estimate: the layers laid over each other, as scaled latents [1, C, h, w].
        held: what stays as it is [h, w]; around it the model draws light and shadow.
    """
    own = _noise_to(together, together.latents.cpu())
    family = context.backbone.family
    layers = Seedling(estimate, own, together.seedling.level, held, held, family=family)
    settings = context.settings
    ratio = settings.crop_ratio
    row = Row(
        stage="heal",
        noise=own,
        conditioning=context.conditioning((whole,), whole, settings.guidance_scale),
        generator=context.source.generator("heal-steps"),
        crop_ratio=settings.effort.begin("heal", ratio),
        estimate=estimate,
        steps=context.steps("heal"),
        guided=settings.effort.guided,
        plantings=(Planting(layers, held, to_end=True, crop_ratio=ratio),),
    )
    harvest = context.cultivate([row])[0]
    return replace(together, latents=harvest.latents, evaluations=harvest.evaluations)


def _noise_to(together: StageResult, ended: Tensor) -> Tensor:
    """The noise between where the composite ended and its latents at its harvest step."""
    seedling = together.seedling
    begun = seedling.level.mix(seedling.denoised, seedling.noise)
    return (begun - seedling.level.signal * ended) / seedling.level.noise
