"""The three stages of TAUE, in order. Read this first.

Each stage is :func:`taue.cultivate.cultivate` with another plan: the foreground injects the key
colour, the composite plants every subject's seedling, the background plants the composite's
surroundings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from taue import equations
from taue.backbones import Backbone, Conditioning, Encoded
from taue.box import Box
from taue.cultivate import Harvest, Observer, Plan, Planting, cultivate
from taue.masks import find_object
from taue.noise import NoiseSource
from taue.seedling import Seedling
from taue.settings import Settings


@dataclass(frozen=True)
class Garden:
    """What all stages of one call share; ``shape`` is that of the latents, [1, C, h, w]."""

    backbone: Backbone
    settings: Settings
    source: NoiseSource
    shape: tuple[int, int, int, int]
    observe: Observer


@dataclass(frozen=True)
class Grown:
    """A stage's end: latents [1, C, h, w], what to plant next, UNet evaluations, and whether a
    foreground's object could be told from its key colour."""

    harvest: Harvest
    seedling: Seedling
    separated: bool = True


def foreground(
    garden: Garden, prompt: Encoded, box: Box, key: Sequence[float], number: int
) -> Grown:
    """Stage 1: subject ``number`` (1-based) alone on its key colour; harvest its seedling."""
    settings, source = garden.settings, garden.source
    height, width = garden.shape[-2:]
    probability = equations.layout_probability(
        height, width, box.centre, (box.width, box.height), settings.layout_sigma
    )
    uniform = source.uniform((height, width), "layout", number)
    outside = equations.layout_mask(probability, uniform)
    noise = equations.inject_key(
        source.normal(garden.shape, "foreground", number),
        outside,
        torch.tensor(key),
        settings.key_strength,
    )
    plan = Plan(
        stage="foreground",
        subject=number,
        noise=noise,
        conditioning=Conditioning((prompt,), whole=prompt),
        guidance_scale=settings.foreground_guidance_scale,
        generator=source.generator("foreground-steps", number),
        listen_to=prompt.content,
    )
    harvest = cultivate(garden.backbone, plan, settings, garden.observe)
    attention = harvest.attention if harvest.attention is not None else probability
    found = find_object(harvest.denoised, attention, settings)
    return Grown(harvest, _seedling(harvest, attention, found.mask), found.separated)


def composite(
    garden: Garden,
    prompts: Sequence[Encoded],
    background: Encoded,
    whole: Encoded,
    seedlings: Sequence[Seedling],
) -> Grown:
    """Stage 2: every subject planted into one scene; harvest the surroundings."""
    *regions, surroundings = equations.disjoint([s.mask for s in seedlings])
    plan = Plan(
        stage="composite",
        noise=garden.source.normal(garden.shape, "composite"),
        conditioning=Conditioning((*prompts, background), whole=whole),
        guidance_scale=garden.settings.guidance_scale,
        generator=garden.source.generator("composite-steps"),
        regions=torch.stack([*regions, surroundings]),
        plantings=tuple(map(Planting, seedlings, regions)),
    )
    harvest = cultivate(garden.backbone, plan, garden.settings, garden.observe)
    return Grown(harvest, _seedling(harvest, surroundings, surroundings))


def background(garden: Garden, prompt: Encoded, surroundings: Seedling) -> Grown:
    """Stage 3: the composite's surroundings planted, fresh noise where the subjects were."""
    plan = Plan(
        stage="background",
        noise=garden.source.normal(garden.shape, "background"),
        conditioning=Conditioning((prompt,), whole=prompt),
        guidance_scale=garden.settings.guidance_scale,
        generator=garden.source.generator("background-steps"),
        plantings=(Planting(surroundings, surroundings.mask),),
    )
    harvest = cultivate(garden.backbone, plan, garden.settings, garden.observe)
    return Grown(harvest, _seedling(harvest, surroundings.mask, surroundings.mask))


def _seedling(harvest: Harvest, attention: torch.Tensor, mask: torch.Tensor) -> Seedling:
    return Seedling(
        harvest.denoised.cpu(), harvest.noise.cpu(), harvest.sigma, attention.cpu(), mask.cpu()
    )
