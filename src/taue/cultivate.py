"""The one denoising loop: transplant, attend by region, harvest.

Every stage and every application is this loop with another plan.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from taue import equations
from taue.attention import AttentionTap, RegionBlend
from taue.backbones import Backbone, Conditioning
from taue.settings import Settings
from taue.space import NoiseLevels, noise_levels
from taue.transplant import Planting, Transplant


@dataclass(frozen=True)
class Plan:
    """One pass over a batch of B latents.

    Attributes:
        stage: "foreground", "composite", "background", "refine" or "heal".
        noise: unit noise to start from [B, C, h, w].
        conditioning: prompts, one per mask of ``regions``.
        guidance_scale: classifier-free guidance.
        generators: for stochastic schedulers, one per sample.
        subjects: 1-based numbers of the subjects that the samples are; empty for scenes.
        crop_ratio: when to harvest; the settings' own if None.
        estimate: a denoised estimate [B, C, h, w] to continue from at the harvest step,
            ``estimate + sigma_k noise``, instead of starting from noise alone.
        regions: masks [K, h, w] summing to 1, or None for one prompt everywhere.
        released: the conditioning, one prompt everywhere, that takes the regions' place from the
            step on at which the last planted seedling is released; None to keep the regions.
        plantings: what grows where; the regions do not overlap.
        listen_to: positions of the tokens whose attention is collected until the harvest, for
            each sample.
    """

    stage: str
    noise: Tensor
    conditioning: Conditioning
    guidance_scale: float
    generators: tuple[torch.Generator, ...]
    subjects: tuple[int, ...] = ()
    crop_ratio: float | None = None
    estimate: Tensor | None = None
    regions: Tensor | None = None
    released: Conditioning | None = None
    plantings: tuple[Planting, ...] = ()
    listen_to: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True)
class Harvest:
    """The end of one pass and what was harvested on its way.

    ``latents`` [B, C, h, w] scaled, at noise level zero unless interrupted. ``denoised``,
    ``noise`` and ``sigma`` are the state at the harvest step (see :class:`taue.Seedling`);
    ``attention`` is [B, h, w] in [0, 1] if the plan listened, else None. ``interrupted`` if an
    observer ended the pass.
    """

    latents: Tensor
    denoised: Tensor
    noise: Tensor
    sigma: float
    attention: Tensor | None
    evaluations: int
    interrupted: bool = False


@dataclass
class Step:
    """What an observer sees after a step, and may change: the scheduler's latents."""

    plan: Plan
    index: int
    count: int
    timestep: Tensor
    latents: Tensor
    interrupted: bool = field(default=False)


Observer = Callable[[Step], None]


@torch.no_grad()
def cultivate(
    backbone: Backbone,
    plan: Plan,
    settings: Settings,
    observe: Observer = lambda step: None,
    *,
    until_harvest: bool = False,
) -> Harvest:
    """Denoise ``plan.noise`` by its plan. Latents stay float32 between steps.

    With ``until_harvest`` the pass ends with the harvest, and its ``latents`` are the estimate.
    """
    scheduler = backbone.new_scheduler(settings.num_inference_steps)
    levels = noise_levels(scheduler)
    device = backbone.device
    height, width = plan.noise.shape[-2:]
    order = int(getattr(scheduler, "order", 1))  # iterations a step
    count = len(scheduler.timesteps)
    crop = order * equations.harvest_step(
        settings.num_inference_steps, plan.crop_ratio or settings.crop_ratio
    )
    extra = backbone.extra_step_arguments(scheduler, plan.generators)
    evaluations = backbone.evaluations(plan.guidance_scale)
    tap = AttentionTap(plan.listen_to, height, width, guided=evaluations == 2)
    transplant = Transplant(plan.plantings, settings, levels, order, device, len(plan.noise))

    first = 0 if plan.estimate is None else crop
    latents = _begin(plan, scheduler, levels, first, device)
    harvest: tuple[Tensor, Tensor, float] | None = None
    if plan.estimate is not None:
        # What it continues from, not what the model makes of it: guidance on fresh noise
        # overshoots, and the noise in the object would be twice as strong as it should be.
        harvest = plan.estimate.to(device), plan.noise.to(device), levels.sigmas[first]
    done, step = 0, None
    with ExitStack() as stack:
        regional = stack.enter_context(_attending(backbone, plan, tap))
        conditioning = plan.conditioning
        for index in range(first, count):
            timestep = scheduler.timesteps[index]
            latents = transplant.plant(latents, index)
            tap.enabled = index < crop
            if plan.released is not None and index >= (transplant.released or crop):
                regional.close()
                conditioning = plan.released
            output = backbone.predict(
                scheduler.scale_model_input(latents, timestep),
                timestep,
                conditioning,
                plan.guidance_scale,
            )
            done += 1
            if index <= crop and plan.estimate is None:
                exploding = levels.to_exploding(latents, index)
                predicted = levels.to_noise(output, exploding, index)
                sigma = levels.sigmas[index]
                harvest = exploding - sigma * predicted, predicted, sigma
                if until_harvest and index == crop:
                    latents = harvest[0]
                    break
            output = transplant.blend(output, latents, index)
            latents = scheduler.step(output, timestep, latents, **extra, return_dict=False)[0]
            step = Step(plan, index, count, timestep, latents)
            observe(step)
            latents = step.latents.to(torch.float32)
            if step.interrupted:
                break
        else:
            latents = transplant.plant(latents, count)
    assert harvest is not None
    attention = tap.maps() if plan.listen_to else None
    spent = done * evaluations * len(plan.noise)
    interrupted = step is not None and step.interrupted
    return Harvest(latents, *harvest, attention, spent, interrupted)


def _attending(backbone: Backbone, plan: Plan, tap: AttentionTap) -> ExitStack:
    """Cross-attention steered and listened to as the plan says, until the stack is closed."""
    stack = ExitStack()
    if plan.regions is not None:
        masks = plan.regions.to(backbone.device)
        stack.enter_context(backbone.blending(RegionBlend(masks)))
    if plan.listen_to:
        stack.enter_context(backbone.listening(tap))
    return stack


def _begin(
    plan: Plan, scheduler: Any, levels: NoiseLevels, first: int, device: torch.device
) -> Tensor:
    """The scheduler's latents before iteration ``first``, and the scheduler set to begin there."""
    noise = plan.noise.to(device, torch.float32)
    if plan.estimate is None:
        return noise * scheduler.init_noise_sigma
    if hasattr(scheduler, "set_begin_index"):
        scheduler.set_begin_index(first)
    begun = plan.estimate.to(device, torch.float32) + levels.sigmas[first] * noise
    return levels.from_exploding(begun, first)
