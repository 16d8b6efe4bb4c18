"""The stages of TAUE, in order. Read this first.

Each stage is :func:`taue.cultivate.cultivate` with another plan: the foreground injects the key
colour, the composite plants every subject's seedling, the background plants the composite's
surroundings. Two more, ours, make layers of it (see :mod:`taue.layering`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from taue import equations
from taue.backbones import Backbone, Conditioning, Encoded
from taue.box import Box
from taue.cultivate import Harvest, Observer, Plan, cultivate
from taue.errors import TaueError
from taue.flaws import Flaw, flaws
from taue.masks import find_object
from taue.noise import NoiseSource
from taue.placing import Placement, bounding_box, place, surrounded_by_key
from taue.seedling import Seedling
from taue.settings import Settings
from taue.transplant import Planting


@dataclass(frozen=True)
class Context:
    """What all stages of one call share; ``shape`` is that of the latents, [1, C, h, w]."""

    backbone: Backbone
    settings: Settings
    source: NoiseSource
    shape: tuple[int, int, int, int]
    observe: Observer


@dataclass(frozen=True)
class SubjectCondition:
    """What a subject is grown from.

    Attributes:
        number: 1-based, of the subject; its noise depends on it alone.
        prompt: encoded, one.
        key: the key colour as scaled latents [C].
        box: where it goes.
        fits: whether it is brought into the box; if not, the layout only suggests the place.
        asked: whether the box was asked for.
        crop_ratio: when its seedling is harvested; the settings' own if None.
    """

    number: int
    prompt: Encoded
    key: tuple[float, ...]
    box: Box
    fits: bool
    asked: bool = False
    crop_ratio: float | None = None


@dataclass(frozen=True)
class StageResult:
    """A stage's end: scaled latents [1, C, h, w], what to plant next, UNet evaluations, what is
    wrong with a foreground's object, and whether the stage was cut short."""

    latents: Tensor
    seedling: Seedling
    evaluations: int
    flaws: tuple[Flaw, ...] = ()
    interrupted: bool = False

    @property
    def separated(self) -> bool:
        """Whether a foreground's object could be told from its key colour."""
        return Flaw.UNTOLD not in self.flaws


def foregrounds(context: Context, conditions: Sequence[SubjectCondition]) -> list[StageResult]:
    """Stage 1: subjects, each alone on its key colour, as one batch; harvest their seedlings.

    They all have one crop ratio, and all or none are brought into their boxes. Those with whose
    object something is wrong are begun anew with other noise, as often as the settings say; of each
    subject's beginnings the one with the fewest flaws counts.
    """
    results = _begun(context, conditions, 0)
    for attempt in range(1, context.settings.tries):
        lost = [i for i, one in enumerate(results) if one.flaws]
        if not lost or results[0].interrupted:
            break
        again = _begun(context, [conditions[i] for i in lost], attempt)
        for i, new in zip(lost, again, strict=True):
            better = min(new, results[i], key=lambda one: (not one.separated, len(one.flaws)))
            spent = results[i].evaluations + new.evaluations
            results[i] = replace(better, evaluations=spent, interrupted=new.interrupted)
    return results


def _begun(
    context: Context, conditions: Sequence[SubjectCondition], attempt: int
) -> list[StageResult]:
    """Stage 1 from noise. Subjects that are brought into their boxes grow in the middle of the
    canvas up to the harvest, are placed, and grow on."""
    settings, fits = context.settings, conditions[0].fits
    layouts = [_layout(context, condition) for condition in conditions]
    noise = [
        _keyed_noise(context, condition, layout, attempt)
        for condition, layout in zip(conditions, layouts, strict=True)
    ]
    plan = replace(
        _foreground_plan(context, conditions, torch.cat(noise)),
        listen_to=tuple(content for s in conditions for content in s.prompt.content),
    )
    harvest = cultivate(context.backbone, plan, settings, context.observe, until_harvest=fits)
    attention = harvest.attention if harvest.attention is not None else torch.stack(layouts)
    results = _gathered(context, conditions, harvest, attention, ended=not fits)
    if not fits:
        return results
    seedlings = [one.seedling for one in results]
    wanted = [
        Placement.fit(object_box(seedling, settings), condition.box)
        for seedling, condition in zip(seedlings, conditions, strict=True)
    ]
    placed = regrown(context, conditions, seedlings, wanted)
    return [
        replace(
            now,
            evaluations=now.evaluations + before.evaluations,
            flaws=tuple(dict.fromkeys((*before.flaws, *now.flaws))),
        )
        for now, before in zip(placed, results, strict=True)
    ]


def regrown(
    context: Context,
    conditions: Sequence[SubjectCondition],
    seedlings: Sequence[Seedling],
    placements: Sequence[Placement],
) -> list[StageResult]:
    """Stage 1 from the harvest step on, with the subjects moved and scaled on their key colour.

    What moves is the denoised estimate; the noise is drawn anew, so that it stays white.
    """
    pairs = list(zip(seedlings, placements, strict=True))
    noise = [context.source.normal(context.shape, "placed", s.number) for s in conditions]
    plan = replace(
        _foreground_plan(context, conditions, torch.cat(noise)),
        estimate=torch.cat([place(surrounded_by_key(s), p) for s, p in pairs]),
    )
    harvest = cultivate(context.backbone, plan, context.settings, context.observe)
    attention = [place(s.attention[None, None], p)[0, 0].clamp(0, 1) for s, p in pairs]
    return _gathered(context, conditions, harvest, torch.stack(attention), ended=True)


def composite(
    context: Context,
    conditions: Sequence[SubjectCondition],
    background: Encoded,
    whole: Encoded,
    results: Sequence[StageResult],
) -> StageResult:
    """Stage 2: every subject planted into one scene; harvest the surroundings.

    Of a foreground that could not be told from its key colour nothing is planted: the subject's
    prompt draws it anew where attention saw it.
    """
    settings = context.settings
    *regions, surroundings = equations.disjoint([one.seedling.mask for one in results])
    plan = Plan(
        stage="composite",
        noise=context.source.normal(context.shape, "composite"),
        conditioning=Conditioning((*(s.prompt for s in conditions), background), whole=whole),
        guidance_scale=settings.guidance_scale,
        generators=(context.source.generator("composite-steps"),),
        regions=torch.stack([*regions, surroundings]),
        released=Conditioning((whole,), whole) if settings.released_prompt == "scene" else None,
        plantings=tuple(
            Planting(one.seedling, region, condition.crop_ratio, settings.harmony)
            for one, region, condition in zip(results, regions, conditions, strict=True)
            if one.separated
        ),
    )
    harvest = cultivate(context.backbone, plan, settings, context.observe)
    return _scene(harvest, surroundings)


def background(context: Context, prompt: Encoded, surroundings: Seedling) -> StageResult:
    """Stage 3: the composite's surroundings planted, fresh noise where the subjects were."""
    plan = Plan(
        stage="background",
        noise=context.source.normal(context.shape, "background"),
        conditioning=Conditioning((prompt,), whole=prompt),
        guidance_scale=context.settings.guidance_scale,
        generators=(context.source.generator("background-steps"),),
        plantings=(Planting(surroundings, surroundings.mask),),
    )
    harvest = cultivate(context.backbone, plan, context.settings, context.observe)
    return _scene(harvest, surroundings.mask)


def refined(
    context: Context,
    conditions: Sequence[SubjectCondition],
    together: StageResult,
    estimates: Tensor,
    keys: Tensor,
    cores: Sequence[Tensor],
    outsides: Sequence[Tensor],
) -> list[StageResult]:
    """Stage 4: what the composite shows of each subject, grown on from the harvest step on a key.

    Its core is held to where the composite ended, its surroundings to the key; the rim between them
    is free to become an edge.

    Args:
        together: the composite.
        estimates: what to continue from [n, C, h, w], in conditions' order.
        keys: the key colours as scaled latents [n, C, 1, 1].
        cores, outsides: masks [h, w] for each subject.
    """
    count, ended = len(conditions), together.latents.cpu()
    level = together.seedling.sigma
    own = (together.seedling.at(level) - ended) / level
    plantings = []
    for row, (core, outside, key) in enumerate(zip(cores, outsides, keys, strict=True)):
        plain = key.expand(context.shape[1:])[None]
        plantings += [
            Planting(Seedling(ended, own, level, core, core), core, to_end=True, row=row),
            Planting(Seedling(plain, own, level, outside, outside), outside, to_end=True, row=row),
        ]
    plan = replace(
        _foreground_plan(context, conditions, own.expand(count, -1, -1, -1)),
        stage="refine",
        generators=tuple(context.source.generator("refine-steps", s.number) for s in conditions),
        guidance_scale=context.settings.guidance_scale,
        crop_ratio=None,
        estimate=estimates,
        plantings=tuple(plantings),
    )
    harvest = cultivate(context.backbone, plan, context.settings, context.observe)
    share = harvest.evaluations // count
    return [
        replace(together, latents=harvest.latents[row : row + 1], evaluations=share)
        for row in range(count)
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
    level = together.seedling.sigma
    begun = together.seedling.at(level)
    own = (begun - together.latents.cpu()) / level
    layers = Seedling(estimate, own, level, held, held)
    plan = Plan(
        stage="heal",
        noise=own,
        conditioning=Conditioning((whole,), whole),
        guidance_scale=context.settings.guidance_scale,
        generators=(context.source.generator("heal-steps"),),
        crop_ratio=(1 + context.settings.crop_ratio) / 2,
        estimate=estimate,
        plantings=(Planting(layers, held, to_end=True),),
    )
    harvest = cultivate(context.backbone, plan, context.settings, context.observe)
    return replace(together, latents=harvest.latents, evaluations=harvest.evaluations)


def object_box(seedling: Seedling, settings: Settings) -> Box:
    """Where a seedling's object is, finer than the latent cells.

    Raises:
        TaueError: if it cannot be found.
    """
    found = find_object(seedling.denoised, seedling.attention, settings)
    try:
        return bounding_box(found.presence)
    except ValueError as error:
        raise TaueError(
            "a subject is lost: too small or too faint to be found again; give a larger box."
        ) from error


def _layout(context: Context, condition: SubjectCondition) -> Tensor:
    """The probabilistic layout [h, w]: in the middle, where generating is easy, if the object is
    placed afterwards."""
    centre = (0.5, 0.5) if condition.fits else condition.box.centre
    size = condition.box.width, condition.box.height
    height, width = context.shape[-2:]
    return equations.layout_probability(height, width, centre, size, context.settings.layout_sigma)


def _keyed_noise(
    context: Context, condition: SubjectCondition, layout: Tensor, attempt: int
) -> Tensor:
    source = context.source
    name = (condition.number, attempt) if attempt else (condition.number,)
    uniform = source.uniform(tuple(layout.shape), "layout", *name)
    outside = equations.layout_mask(layout, uniform)
    noise = source.normal(context.shape, "foreground", *name)
    key = torch.tensor(condition.key)
    return equations.inject_key(noise, outside, key, context.settings.key_strength)


def _foreground_plan(
    context: Context, conditions: Sequence[SubjectCondition], noise: Tensor
) -> Plan:
    prompt = Encoded.stack([s.prompt for s in conditions])
    numbers = tuple(s.number for s in conditions)
    return Plan(
        stage="foreground",
        noise=noise,
        conditioning=Conditioning((prompt,), whole=prompt),
        guidance_scale=context.settings.foreground_guidance_scale,
        generators=tuple(context.source.generator("foreground-steps", n) for n in numbers),
        subjects=numbers,
        crop_ratio=conditions[0].crop_ratio,
    )


def _gathered(
    context: Context,
    conditions: Sequence[SubjectCondition],
    harvest: Harvest,
    attention: Tensor,
    *,
    ended: bool,
) -> list[StageResult]:
    """The batch of a foreground pass, subject by subject.

    What is planted later is how the pass ended, if it did and the settings say so: at the harvest
    step the estimate is blurred, and its noise is neither white nor of unit strength.
    """
    settings = context.settings
    finished = ended and settings.planting == "finished"
    results: list[StageResult] = []
    share = harvest.evaluations // len(conditions)
    for i, condition in enumerate(conditions):
        one = slice(i, i + 1)
        final = harvest.latents[one].cpu()
        denoised, noise = harvest.denoised[one].cpu(), harvest.noise[one].cpu()
        if finished:
            denoised, noise = (
                final,
                context.source.normal(context.shape, "planted", condition.number),
            )
        found = find_object(denoised, attention[i], settings, solid=not finished)
        seedling = Seedling(
            denoised, noise, harvest.sigma, attention[i].cpu(), found.mask.cpu(), final
        )
        # Before it is placed an object is wherever it grew.
        box = condition.box if ended and condition.asked else None
        wrong = flaws(found.mask.cpu().numpy(), box, separated=found.separated)
        results.append(
            StageResult(harvest.latents[one], seedling, share, wrong, harvest.interrupted)
        )
    return results


def _scene(harvest: Harvest, surroundings: Tensor) -> StageResult:
    seedling = Seedling(
        harvest.denoised.cpu(),
        harvest.noise.cpu(),
        harvest.sigma,
        surroundings.cpu(),
        surroundings.cpu(),
        harvest.latents.cpu(),
    )
    return StageResult(harvest.latents, seedling, harvest.evaluations)
