"""Which row each stage is: what it starts from, its prompts, what is planted in it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from taue import equations
from taue.backbones import Encoded
from taue.context import Context, StageResult, Start, SubjectCondition
from taue.filled import smoothly_filled
from taue.rows import Row
from taue.seedling import Seedling
from taue.surroundings import without_outgrowth
from taue.transplant import Planting


def foreground_row(context: Context, condition: SubjectCondition, noise: Tensor) -> Row:
    """A subject alone, under its own prompt."""
    prompt = condition.prompt
    return Row(
        stage="foreground",
        noise=noise,
        conditioning=context.conditioning(
            (prompt,), prompt, context.settings.foreground_guidance_scale
        ),
        generator=context.noise_of(condition).generator("foreground-steps", condition.number),
        subject=condition.number,
        crop_ratio=condition.crop_ratio,
        steps=context.steps("foreground"),
        guided=context.settings.effort.guided,
    )


def composite_row(
    context: Context,
    conditions: Sequence[SubjectCondition],
    background: Encoded,
    whole: Encoded,
    results: Sequence[StageResult],
    regions: Sequence[Tensor],
    start: Start | None = None,
) -> Row:
    """The scene with every subject planted; ``regions`` are the subjects' and, last, the rest. It
    begins from noise, or from a picture under noise."""
    settings = context.settings
    scale = settings.guidance_scale
    prompts = (*(s.prompt for s in conditions), background)
    regional = context.conditioning(prompts, whole, scale, regions)
    everywhere = context.conditioning((whole,), whole, scale)
    released = everywhere
    if any(one.released is not None for one in conditions):
        own = (*(one.released or whole for one in conditions), whole)
        released = context.conditioning(own, whole, scale, regions)
    noise = None if start is None else start.noise
    scene, every = settings.released_prompt == "scene", settings.planted_subjects == "all"
    return Row(
        stage="composite",
        noise=context.source.normal(context.shape, "composite") if noise is None else noise,
        conditioning=regional if settings.attention_blending == "regions" else everywhere,
        generator=context.source.generator("composite-steps"),
        crop_ratio=settings.crop_ratio,
        steps=context.steps("composite"),
        guided=settings.effort.guided,
        released=released if scene else None,
        estimate=None if start is None else start.latents,
        begin=None if start is None else start.begin,
        plantings=tuple(
            Planting(
                one.seedling,
                region,
                settings.harmony if condition.harmony is None else condition.harmony,
                crop_ratio=condition.crop_ratio,
            )
            for one, region, condition in zip(results, regions[:-1], conditions, strict=True)
            if one.separated or one.pictured or every
        ),
    )


def scene_regions(results: Sequence[StageResult]) -> list[Tensor]:
    """Where each subject is seen of all of a scene, later ones in front, and last the surroundings
    [h, w] each."""
    return equations.disjoint([one.seedling.mask for one in results])


def background_row(context: Context, prompt: Encoded, surroundings: Seedling) -> Row:
    """The scene's surroundings planted, under the background's prompt; where layers come first,
    without what the subjects were drawn larger by."""
    settings, ratio = context.settings, context.settings.crop_ratio
    begin = settings.effort.background_begin
    if settings.layering == "first":
        outside = without_outgrowth(surroundings.mask, surroundings.denoised)
        surroundings = replace(surroundings, mask=outside)
    return Row(
        stage="background",
        noise=context.source.normal(context.shape, "background"),
        conditioning=context.conditioning((prompt,), prompt, settings.guidance_scale),
        generator=context.source.generator("background-steps"),
        crop_ratio=ratio,
        plantings=(Planting(surroundings, surroundings.mask, crop_ratio=ratio),),
        steps=context.steps("background"),
        estimate=None if begin is None else smoothly_filled(surroundings),
        begin=begin,
        guided=settings.effort.guided,
    )


def layout_of(context: Context, condition: SubjectCondition) -> Tensor:
    """The probabilistic layout [h, w]: in the middle, where generating is easy, if the object is
    placed afterwards. Without a layout no cell is likelier the subject's than another, and the key
    goes everywhere."""
    settings = context.settings
    height, width = context.shape[-2:]
    if settings.placement == "none":
        return torch.zeros(height, width)
    centre = (0.5, 0.5) if condition.fits else condition.box.centre
    size = condition.box.width, condition.box.height
    bounds = settings.p_min, settings.p_max
    return equations.layout_probability(height, width, centre, size, settings.layout_sigma, bounds)


def keyed_noise(
    context: Context, condition: SubjectCondition, layout: Tensor, attempt: int
) -> Tensor:
    source = context.noise_of(condition)
    name = (condition.number, attempt) if attempt else (condition.number,)
    uniform = source.uniform(tuple(layout.shape), "layout", *name)
    outside = equations.layout_mask(layout, uniform)
    noise = source.normal(context.shape, "foreground", *name)
    key = torch.tensor(condition.key)
    strength = equations.key_strength(
        context.settings.key_strength, math.hypot(*condition.key), context.backbone.key_share
    )
    return equations.inject_key(noise, outside, key, strength)
