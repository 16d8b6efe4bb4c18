"""The three stages of TAUE, in order. Read this first.

Each stage is :func:`taue.cultivate.cultivate` with another plan: the foreground injects the key
colour, the composite plants every subject's seedling, the background plants the composite's
surroundings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from taue import equations
from taue.backbones import Backbone, Conditioning, Encoded
from taue.bed import Planting
from taue.box import Box
from taue.cultivate import Harvest, Observer, Plan, cultivate
from taue.masks import find_object
from taue.noise import NoiseSource
from taue.placing import Placement, bounding_box, place, surrounded_by_key
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
class Sprout:
    """What a subject is grown from.

    Attributes:
        number: 1-based, of the subject; its noise depends on it alone.
        prompt: encoded, one.
        key: the key colour as scaled latents [C].
        box: where it goes.
        fits: whether it is brought into the box; if not, the layout only suggests the place.
        crop_ratio: when its seedling is harvested; the settings' own if None.
    """

    number: int
    prompt: Encoded
    key: tuple[float, ...]
    box: Box
    fits: bool
    crop_ratio: float | None = None


@dataclass(frozen=True)
class Grown:
    """A stage's end: scaled latents [1, C, h, w], what to plant next, UNet evaluations, and
    whether a foreground's object could be told from its key colour."""

    latents: Tensor
    seedling: Seedling
    evaluations: int
    separated: bool = True


def foregrounds(garden: Garden, sprouts: Sequence[Sprout]) -> list[Grown]:
    """Stage 1: subjects, each alone on its key colour, as one batch; harvest their seedlings.

    They all have one crop ratio, and all or none are brought into their boxes. Those that are
    grow in the middle of the canvas up to the harvest, are placed, and grow on.
    """
    settings, fits = garden.settings, sprouts[0].fits
    layouts = [_layout(garden, sprout) for sprout in sprouts]
    noise = [_keyed_noise(garden, s, layout) for s, layout in zip(sprouts, layouts, strict=True)]
    plan = replace(
        _foreground_plan(garden, sprouts, torch.cat(noise)),
        listen_to=tuple(content for s in sprouts for content in s.prompt.content),
    )
    harvest = cultivate(garden.backbone, plan, settings, garden.observe, until_harvest=fits)
    attention = harvest.attention if harvest.attention is not None else torch.stack(layouts)
    grown = _gathered(harvest, attention, settings)
    if not fits:
        return grown
    seedlings = [one.seedling for one in grown]
    wanted = [
        Placement.fit(object_box(seedling, settings), sprout.box)
        for seedling, sprout in zip(seedlings, sprouts, strict=True)
    ]
    placed = regrown(garden, sprouts, seedlings, wanted)
    return [
        replace(now, evaluations=now.evaluations + before.evaluations)
        for now, before in zip(placed, grown, strict=True)
    ]


def regrown(
    garden: Garden,
    sprouts: Sequence[Sprout],
    seedlings: Sequence[Seedling],
    placements: Sequence[Placement],
) -> list[Grown]:
    """Stage 1 from the harvest step on, with the subjects moved and scaled on their key colour.

    What moves is the denoised estimate; the noise is drawn anew, so that it stays white.
    """
    pairs = list(zip(seedlings, placements, strict=True))
    noise = [garden.source.normal(garden.shape, "placed", s.number) for s in sprouts]
    plan = replace(
        _foreground_plan(garden, sprouts, torch.cat(noise)),
        estimate=torch.cat([place(surrounded_by_key(s), p) for s, p in pairs]),
    )
    harvest = cultivate(garden.backbone, plan, garden.settings, garden.observe)
    attention = [place(s.attention[None, None], p)[0, 0].clamp(0, 1) for s, p in pairs]
    return _gathered(harvest, torch.stack(attention), garden.settings)


def composite(
    garden: Garden,
    sprouts: Sequence[Sprout],
    background: Encoded,
    whole: Encoded,
    seedlings: Sequence[Seedling],
) -> Grown:
    """Stage 2: every subject planted into one scene; harvest the surroundings."""
    settings = garden.settings
    *regions, surroundings = equations.disjoint([s.mask for s in seedlings])
    plan = Plan(
        stage="composite",
        noise=garden.source.normal(garden.shape, "composite"),
        conditioning=Conditioning((*(s.prompt for s in sprouts), background), whole=whole),
        guidance_scale=settings.guidance_scale,
        generators=(garden.source.generator("composite-steps"),),
        regions=torch.stack([*regions, surroundings]),
        plantings=tuple(
            Planting(seedling, region, sprout.crop_ratio, settings.harmony)
            for seedling, region, sprout in zip(seedlings, regions, sprouts, strict=True)
        ),
    )
    harvest = cultivate(garden.backbone, plan, settings, garden.observe)
    return _scene(harvest, surroundings)


def background(garden: Garden, prompt: Encoded, surroundings: Seedling) -> Grown:
    """Stage 3: the composite's surroundings planted, fresh noise where the subjects were."""
    plan = Plan(
        stage="background",
        noise=garden.source.normal(garden.shape, "background"),
        conditioning=Conditioning((prompt,), whole=prompt),
        guidance_scale=garden.settings.guidance_scale,
        generators=(garden.source.generator("background-steps"),),
        plantings=(Planting(surroundings, surroundings.mask),),
    )
    harvest = cultivate(garden.backbone, plan, garden.settings, garden.observe)
    return _scene(harvest, surroundings.mask)


def object_box(seedling: Seedling, settings: Settings) -> Box:
    """Where a seedling's object is, finer than the latent cells."""
    found = find_object(seedling.denoised, seedling.attention, settings)
    return bounding_box(found.presence)


def _layout(garden: Garden, sprout: Sprout) -> Tensor:
    """The probabilistic layout [h, w]: in the middle, where generating is easy, if the object is
    placed afterwards."""
    centre = (0.5, 0.5) if sprout.fits else sprout.box.centre
    size = sprout.box.width, sprout.box.height
    height, width = garden.shape[-2:]
    return equations.layout_probability(height, width, centre, size, garden.settings.layout_sigma)


def _keyed_noise(garden: Garden, sprout: Sprout, layout: Tensor) -> Tensor:
    source = garden.source
    uniform = source.uniform(tuple(layout.shape), "layout", sprout.number)
    outside = equations.layout_mask(layout, uniform)
    noise = source.normal(garden.shape, "foreground", sprout.number)
    key = torch.tensor(sprout.key)
    return equations.inject_key(noise, outside, key, garden.settings.key_strength)


def _foreground_plan(garden: Garden, sprouts: Sequence[Sprout], noise: Tensor) -> Plan:
    prompt = Encoded.stack([s.prompt for s in sprouts])
    numbers = tuple(s.number for s in sprouts)
    return Plan(
        stage="foreground",
        noise=noise,
        conditioning=Conditioning((prompt,), whole=prompt),
        guidance_scale=garden.settings.foreground_guidance_scale,
        generators=tuple(garden.source.generator("foreground-steps", n) for n in numbers),
        subjects=numbers,
        crop_ratio=sprouts[0].crop_ratio,
    )


def _gathered(harvest: Harvest, attention: Tensor, settings: Settings) -> list[Grown]:
    """The batch of a foreground pass, subject by subject."""
    grown: list[Grown] = []
    count = len(harvest.latents)
    for i in range(count):
        one = slice(i, i + 1)
        found = find_object(harvest.denoised[one], attention[i], settings)
        seedling = Seedling(
            harvest.denoised[one].cpu(),
            harvest.noise[one].cpu(),
            harvest.sigma,
            attention[i].cpu(),
            found.mask.cpu(),
            harvest.latents[one].cpu(),
        )
        share = harvest.evaluations // count
        grown.append(Grown(harvest.latents[one], seedling, share, found.separated))
    return grown


def _scene(harvest: Harvest, surroundings: Tensor) -> Grown:
    seedling = Seedling(
        harvest.denoised.cpu(),
        harvest.noise.cpu(),
        harvest.sigma,
        surroundings.cpu(),
        surroundings.cpu(),
        harvest.latents.cpu(),
    )
    return Grown(harvest.latents, seedling, harvest.evaluations)
