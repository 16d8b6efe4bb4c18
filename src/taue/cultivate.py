"""The one denoising loop: transplant, attend by region, harvest.

Every stage and every application is this loop with another plan.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field

import torch
from torch import Tensor

from taue import equations
from taue.attention import AttentionTap, RegionBlend
from taue.backbones import Backbone, Conditioning
from taue.seedling import Seedling
from taue.settings import Settings
from taue.space import noise_levels


@dataclass(frozen=True)
class Planting:
    """A seedling and the region that it is planted into (region [h, w], 1 = inside)."""

    seedling: Seedling
    region: Tensor


@dataclass(frozen=True)
class Plan:
    """One pass.

    Attributes:
        stage: "foreground", "composite" or "background".
        subject: 1-based number of the subject, or None.
        noise: unit noise to start from [1, C, h, w].
        conditioning: prompts, one per mask of ``regions``.
        guidance_scale: classifier-free guidance.
        generator: for stochastic schedulers.
        regions: masks [K, h, w] summing to 1, or None for one prompt everywhere.
        plantings: what grows where; the regions do not overlap.
        listen_to: positions of the tokens whose attention is collected until the harvest.
    """

    stage: str
    noise: Tensor
    conditioning: Conditioning
    guidance_scale: float
    generator: torch.Generator
    subject: int | None = None
    regions: Tensor | None = None
    plantings: tuple[Planting, ...] = ()
    listen_to: tuple[int, ...] = ()


@dataclass(frozen=True)
class Harvest:
    """The end of one pass and what was harvested on its way.

    ``latents`` [1, C, h, w] scaled, at noise level zero unless interrupted. ``denoised``,
    ``noise`` and ``sigma`` are the state at the harvest step (see :class:`Seedling`);
    ``attention`` is [h, w] in [0, 1] if the plan listened, else None.
    """

    latents: Tensor
    denoised: Tensor
    noise: Tensor
    sigma: float
    attention: Tensor | None
    evaluations: int


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
    backbone: Backbone, plan: Plan, settings: Settings, observe: Observer = lambda step: None
) -> Harvest:
    """Denoise ``plan.noise`` by its plan. Latents stay float32 between steps."""
    scheduler = backbone.new_scheduler(settings.num_inference_steps)
    levels = noise_levels(scheduler)
    device = backbone.device
    height, width = plan.noise.shape[-2:]
    crop = equations.harvest_step(settings.num_inference_steps, settings.crop_ratio)
    order = int(getattr(scheduler, "order", 1))  # iterations a step
    crop *= order
    held = crop + order if settings.hold_crop_step else crop
    extra = backbone.extra_step_arguments(scheduler, plan.generator)
    evaluations = backbone.evaluations(plan.guidance_scale)
    bed = _Bed(plan.plantings, settings, levels.sigmas[0], device) if plan.plantings else None
    tap = AttentionTap(plan.listen_to, height, width, guided=evaluations == 2)

    latents = plan.noise.to(device, torch.float32) * scheduler.init_noise_sigma
    harvest: tuple[Tensor, Tensor, float] | None = None
    count = len(scheduler.timesteps)
    done = 0
    with ExitStack() as stack:
        if plan.regions is not None:
            stack.enter_context(backbone.blending(RegionBlend(plan.regions.to(device))))
        if plan.listen_to:
            stack.enter_context(backbone.listening(tap))
        for index, timestep in enumerate(scheduler.timesteps):
            if bed is not None and index <= crop:
                grown = bed.plant(levels.to_exploding(latents, index), levels.sigmas[index])
                latents = levels.from_exploding(grown, index)
            tap.enabled = index < crop
            output = backbone.predict(
                scheduler.scale_model_input(latents, timestep),
                timestep,
                plan.conditioning,
                plan.guidance_scale,
            )
            exploding = levels.to_exploding(latents, index)
            if index <= crop:
                noise = levels.to_noise(output, exploding, index)
                sigma = levels.sigmas[index]
                harvest = exploding - sigma * noise, noise, sigma
            if bed is not None and index < held:
                blended = bed.blend(levels.to_noise(output, exploding, index))
                output = levels.from_noise(blended, exploding, index)
            latents = scheduler.step(output, timestep, latents, **extra, return_dict=False)[0]
            done += 1
            step = Step(plan, index, count, timestep, latents)
            observe(step)
            latents = step.latents.to(torch.float32)
            if step.interrupted:
                break
    assert harvest is not None
    attention = tap.map() if plan.listen_to else None
    return Harvest(latents, *harvest, attention, done * evaluations)


class _Bed:
    """All plantings of one pass, laid side by side: their regions are disjoint."""

    def __init__(
        self,
        plantings: tuple[Planting, ...],
        settings: Settings,
        sigma_0: float,
        device: torch.device,
    ) -> None:
        first = plantings[0].seedling.denoised
        self.region = torch.zeros(1, 1, *first.shape[-2:], device=device)
        self.end = torch.zeros_like(first, device=device)
        self.noise = torch.zeros_like(first, device=device)
        for planting in plantings:
            region = planting.region.to(device, torch.float32)[None, None]
            denoised, noise = filtered(planting.seedling, planting.region, settings)
            # The same line as from sigma_0, kept at its end: with all levels lowered by sigma_0,
            # float32 resolves it even where sigma_0 is thousands (zero terminal SNR).
            end = equations.planted_start(
                denoised, noise, planting.seedling.sigma - sigma_0, 0.0, settings.noise_strength
            )
            self.region = self.region + region
            self.end = torch.where(region > 0, end.to(device), self.end)
            self.noise = torch.where(region > 0, noise.to(device), self.noise)

    def plant(self, latents: Tensor, sigma: float) -> Tensor:
        """Impose the seedlings on variance-exploding latents, sigma along their straight lines.

        Deterministic schedulers stay on the line by themselves once the seedling's noise is
        blended in; stochastic ones do not, so the region is imposed again at every step.
        """
        return equations.transplant(self.region, self.end + sigma * self.noise, latents)

    def blend(self, noise: Tensor) -> Tensor:
        return equations.blend_noise(self.region, self.noise, noise)


def filtered(seedling: Seedling, region: Tensor, settings: Settings) -> tuple[Tensor, Tensor]:
    """The seedling's denoised estimate and noise after the high-pass filter f.

    By default only the estimate is sharpened, its edges extended beyond the region first, because
    sharpening noisy latents raises their noise and drags the key colour across the edge. With
    ``filter_noisy`` it is the paper's letter, f(L): then the whole difference counts as estimate.
    """
    if settings.sharpening == 0:
        return seedling.denoised, seedling.noise
    if settings.filter_noisy:
        latents = equations.high_pass(seedling.at(seedling.sigma), settings.sharpening)
        return latents - seedling.sigma * seedling.noise, seedling.noise
    mask = (region > 0.5).to(seedling.denoised)[None, None]
    extended = equations.extend_edges(seedling.denoised, mask)
    return equations.high_pass(extended, settings.sharpening), seedling.noise
