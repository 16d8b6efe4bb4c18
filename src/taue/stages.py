"""The stages of TAUE, in order. Read this first.

Each stage is :func:`taue.cultivate.cultivate` with rows of one kind: the foreground injects the
key colour, the composite plants every subject's seedling, the background plants the composite's
surroundings. Two more, ours, make layers of it (see :mod:`taue.layering`). Rows of several kinds
may share a pass.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from taue import equations
from taue.backbones import Backbone, Conditioning, Encoded
from taue.box import Box
from taue.cultivate import cultivate
from taue.errors import TaueError
from taue.flaws import Flaw, flaws
from taue.masks import find_harvested
from taue.noise import NoiseSource, seed_of
from taue.placing import Placement, bounding_box, place, surrounded_by_key
from taue.rows import Harvest, Observer, Row
from taue.seedling import Seedling
from taue.settings import Settings
from taue.space import Estimate
from taue.transplant import Planting


@dataclass(frozen=True)
class Context:
    """What all stages of one call share."""

    backbone: Backbone
    settings: Settings
    source: NoiseSource
    observe: Observer

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Of one row's latents, (1, C, h, w)."""
        return self.backbone.shape

    def noise_of(self, condition: SubjectCondition) -> NoiseSource:
        """What a subject's own noise derives from."""
        return self.source if condition.seed is None else NoiseSource(seed_of(condition.seed))

    def conditioning(
        self,
        prompts: Sequence[Encoded],
        whole: Encoded,
        scale: float,
        regions: Sequence[Tensor] | None = None,
    ) -> Conditioning:
        """What a row is conditioned on: one prompt everywhere, or one for each region [h, w]."""
        masks = None if regions is None else torch.stack(list(regions))
        return Conditioning(tuple(prompts), whole, scale, masks, self.settings.guidance_rescale)

    def cultivate(self, rows: Sequence[Row]) -> list[Harvest]:
        """One pass of these rows."""
        return cultivate(self.backbone, rows, self.settings, self.observe)


@dataclass(frozen=True)
class SubjectCondition:
    """What a subject is grown from.

    Attributes:
        number: 1-based, of the subject; its noise depends on it alone.
        prompt: encoded, one.
        key: the key colour as scaled latents [C].
        box: where it goes.
        fits: whether it is brought into the box; if not, the layout only suggests the place.
        crop_ratio: when its seedling is harvested.
        asked: whether the box was asked for.
        released: the whole scene's prompt with the subject's own negative prompt; None if it has
            none of its own.
        seed: of its own noise, if that is not the scene's.
    """

    number: int
    prompt: Encoded
    key: tuple[float, ...]
    box: Box
    fits: bool
    crop_ratio: float
    asked: bool = False
    released: Encoded | None = None
    seed: int | None = None


@dataclass(frozen=True)
class StageResult:
    """A stage's end: scaled latents [1, C, h, w], what to plant next, samples sent through the
    network, what is wrong with a foreground's object, whether the stage was cut short, and whether
    it is a user's own picture that was never drawn."""

    latents: Tensor
    seedling: Seedling
    evaluations: int
    flaws: tuple[Flaw, ...] = ()
    interrupted: bool = False
    own: bool = False

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
    harvests = context.cultivate(
        [
            replace(
                foreground_row(
                    context, condition, _keyed_noise(context, condition, layout, attempt)
                ),
                listen_to=condition.prompt.content,
                until_harvest=fits,
            )
            for condition, layout in zip(conditions, layouts, strict=True)
        ]
    )
    results = [
        grown_subject(
            context,
            condition,
            harvest,
            layout if harvest.attention is None else harvest.attention,
            ended=not fits,
        )
        for condition, harvest, layout in zip(conditions, harvests, layouts, strict=True)
    ]
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
    triples = list(zip(conditions, seedlings, placements, strict=True))
    rows = [
        replace(
            foreground_row(
                context, c, context.noise_of(c).normal(context.shape, "placed", c.number)
            ),
            estimate=place(surrounded_by_key(seedling), placement),
        )
        for c, seedling, placement in triples
    ]
    attention = [place(s.attention[None, None], p)[0, 0].clamp(0, 1) for _, s, p in triples]
    return [
        grown_subject(context, condition, harvest, one, ended=True)
        for condition, harvest, one in zip(
            conditions, context.cultivate(rows), attention, strict=True
        )
    ]


def composite(
    context: Context,
    conditions: Sequence[SubjectCondition],
    background: Encoded,
    whole: Encoded,
    results: Sequence[StageResult],
) -> StageResult:
    """Stage 2: every subject planted into one scene; harvest the surroundings.

    Of a foreground that could not be told from its key colour nothing is planted, unless the
    settings say so: the subject's prompt draws it anew where attention saw it.
    """
    *regions, surroundings = equations.disjoint([one.seedling.mask for one in results])
    row = composite_row(context, conditions, background, whole, results, [*regions, surroundings])
    return grown_scene(context, context.cultivate([row])[0], surroundings)


def background(context: Context, prompt: Encoded, surroundings: Seedling) -> StageResult:
    """Stage 3: the composite's surroundings planted, fresh noise where the subjects were."""
    row = background_row(context, prompt, surroundings)
    return grown_scene(context, context.cultivate([row])[0], surroundings.mask)


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
    )


def composite_row(
    context: Context,
    conditions: Sequence[SubjectCondition],
    background: Encoded,
    whole: Encoded,
    results: Sequence[StageResult],
    regions: Sequence[Tensor],
) -> Row:
    """The scene with every subject planted; ``regions`` are the subjects' and, last, the rest."""
    settings = context.settings
    scale = settings.guidance_scale
    prompts = (*(s.prompt for s in conditions), background)
    regional = context.conditioning(prompts, whole, scale, regions)
    everywhere = context.conditioning((whole,), whole, scale)
    released = everywhere
    if any(one.released is not None for one in conditions):  # what it must not show it never shows
        own = (*(one.released or whole for one in conditions), whole)
        released = context.conditioning(own, whole, scale, regions)
    scene, every = settings.released_prompt == "scene", settings.planted_subjects == "all"
    return Row(
        stage="composite",
        noise=context.source.normal(context.shape, "composite"),
        conditioning=regional if settings.attention_blending == "regions" else everywhere,
        generator=context.source.generator("composite-steps"),
        crop_ratio=settings.crop_ratio,
        released=released if scene else None,
        plantings=tuple(
            Planting(one.seedling, region, settings.harmony, crop_ratio=condition.crop_ratio)
            for one, region, condition in zip(results, regions[:-1], conditions, strict=True)
            if one.separated or every
        ),
    )


def background_row(context: Context, prompt: Encoded, surroundings: Seedling) -> Row:
    """The scene's surroundings planted, under the background's prompt."""
    settings, ratio = context.settings, context.settings.crop_ratio
    return Row(
        stage="background",
        noise=context.source.normal(context.shape, "background"),
        conditioning=context.conditioning((prompt,), prompt, settings.guidance_scale),
        generator=context.source.generator("background-steps"),
        crop_ratio=ratio,
        plantings=(Planting(surroundings, surroundings.mask, crop_ratio=ratio),),
    )


def object_box(seedling: Seedling, settings: Settings) -> Box:
    """Where a seedling's object is, finer than the latent cells.

    Raises:
        TaueError: if it cannot be found.
    """
    found = find_harvested(seedling.estimate, seedling.attention, settings)
    try:
        return bounding_box(found.presence)
    except ValueError as error:
        raise TaueError(
            "a subject is lost: too small or too faint to be found again; give a larger box."
        ) from error


def _layout(context: Context, condition: SubjectCondition) -> Tensor:
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


def _keyed_noise(
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


def grown_subject(
    context: Context,
    condition: SubjectCondition,
    harvest: Harvest,
    attention: Tensor,
    *,
    ended: bool,
) -> StageResult:
    """What a foreground's row came to.

    What is planted later is how the pass ended, if it did and the settings say so: at the harvest
    step the estimate is blurred, and its noise is neither white nor of unit strength.

    Args:
        context: of the call.
        condition: the subject.
        harvest: its row's.
        attention: where attention saw it [h, w].
        ended: whether the row went on to its end, in its place.
    """
    settings = context.settings
    finished = ended and settings.planting == "finished"
    final = harvest.latents.cpu()
    denoised, noise = harvest.denoised.cpu(), harvest.noise.cpu()
    if finished:
        denoised = final
        noise = context.noise_of(condition).normal(context.shape, "planted", condition.number)
    source = Estimate(denoised, noise, harvest.level)
    found = find_harvested(source, attention, settings, solid=not finished)
    seedling = Seedling(
        denoised,
        noise,
        harvest.level,
        attention.cpu(),
        found.mask.cpu(),
        final,
        family=context.backbone.family,
    )
    # Before it is placed an object is wherever it grew.
    box = condition.box if ended and condition.asked else None
    wrong = flaws(found.mask.cpu().numpy(), box, separated=found.separated)
    return StageResult(harvest.latents, seedling, harvest.evaluations, wrong, harvest.interrupted)


def grown_scene(context: Context, harvest: Harvest, surroundings: Tensor) -> StageResult:
    """What a scene's row came to; ``surroundings`` [h, w] is what of it can be planted."""
    outside = surroundings.cpu()
    seedling = Seedling(
        harvest.denoised.cpu(),
        harvest.noise.cpu(),
        harvest.level,
        outside,
        outside,
        harvest.latents.cpu(),
        family=context.backbone.family,
    )
    return StageResult(
        harvest.latents, seedling, harvest.evaluations, interrupted=harvest.interrupted
    )
