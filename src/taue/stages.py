"""The stages of TAUE, in order. Read this first.

Each stage is :func:`taue.cultivate.cultivate` with rows of one kind: the foreground injects the
key colour, the composite plants every subject's seedling, the background plants the composite's
surroundings. Two more, ours, make layers of it (see :mod:`taue.layering`). Rows of several kinds
may share a pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import compress

from torch import Tensor

from taue import finish
from taue.backbones import Encoded
from taue.box import Box
from taue.context import Context, StageResult, Start, SubjectCondition
from taue.errors import TaueError
from taue.flaws import Flaw, flaws
from taue.key_sight import like_key
from taue.masks import find_harvested
from taue.placing import Placement, bounding_box, place, surrounded_by_key
from taue.rows import Harvest
from taue.seedling import Seedling
from taue.settings import Settings
from taue.space import Estimate
from taue.stage_rows import (
    background_row,
    composite_row,
    foreground_row,
    keyed_noise,
    layout_of,
    scene_regions,
)


def foregrounds(context: Context, conditions: Sequence[SubjectCondition]) -> list[StageResult]:
    """Stage 1: subjects, each alone on its key colour, as one batch; harvest their seedlings.

    They all have one crop ratio, and all or none are brought into their boxes. One whose object has
    its key's hue by sight is begun anew on the other key, where that is ours to choose. Those with
    whose object something is wrong are begun anew with other noise, as often as the settings say,
    and on the other key if theirs may have swallowed it; of each subject's beginnings the one with
    the fewest flaws counts. What is wrong before it comes into its box is brought there only if it
    is what counts in the end.
    """
    conditions = list(conditions)
    begun = zip(conditions, _begun(context, conditions, 0), strict=True)
    results = [_looked_at(context, condition, one) for condition, one in begun]
    like = [i for i, one in enumerate(results) if _like_key(conditions[i], one)]
    _begin_anew(context, results, conditions, like, like, 0)
    for attempt in range(1, context.settings.tries):
        lost = [i for i, one in enumerate(results) if one.flaws]
        swallowed = [i for i in lost if {Flaw.UNTOLD, Flaw.MISSING} & set(results[i].flaws)]
        _begin_anew(context, results, conditions, lost, swallowed, attempt)
    return _in_boxes(context, results)


def _looked_at(context: Context, condition: SubjectCondition, result: StageResult) -> StageResult:
    """A foreground with its picture, if there is an object to be seen and another key for it."""
    unseen = result.interrupted or not result.separated or result.unplaced is not None
    if condition.choice is None or unseen:
        return result
    return replace(result, picture=context.picture(result.latents))


def _like_key(condition: SubjectCondition, result: StageResult) -> bool:
    """Whether a foreground that was looked at has its key's hue."""
    if condition.choice is None or result.picture is None:
        return False
    return like_key(result.picture, result.seedling.mask.numpy(), condition.choice.used.rgb)


def _begin_anew(
    context: Context,
    results: list[StageResult],
    conditions: list[SubjectCondition],
    which: Sequence[int],
    on_others: Sequence[int],
    attempt: int,
) -> None:
    """Begin some foregrounds anew, some of them on their other keys; results and conditions are
    changed in place."""
    if not which or results[0].interrupted:
        return
    for i in on_others:
        conditions[i] = conditions[i].on_other_key
    again = _begun(context, [conditions[i] for i in which], attempt)
    for i, new in zip(which, again, strict=True):
        better = min(new, results[i], key=lambda one: (not one.separated, len(one.flaws)))
        spent = results[i].evaluations + new.evaluations
        results[i] = replace(better, evaluations=spent, interrupted=new.interrupted)


def _begun(
    context: Context, conditions: Sequence[SubjectCondition], attempt: int
) -> list[StageResult]:
    """Stage 1 from noise. Subjects that are brought into their boxes grow in the middle of the
    canvas up to the harvest, are placed, and grow on; what is seen to be wrong by then waits."""
    settings, fits = context.settings, conditions[0].fits
    margin = settings.effort.window
    if fits:
        placing = settings.effort.placing(conditions[0].crop_ratio)
        conditions = [replace(one, crop_ratio=placing) for one in conditions]
    steps, ratio = context.steps("foreground"), conditions[0].crop_ratio
    parted = margin is not None and not fits and finish.goes_on(steps, ratio)
    once = fits and settings.effort.predicts_once(steps)
    layouts = [layout_of(context, condition) for condition in conditions]
    rows = [
        replace(
            foreground_row(context, condition, keyed_noise(context, condition, layout, attempt)),
            listen_to=condition.prompt.content,
            until_harvest=fits or parted,
            goes_on=once or parted,
        )
        for condition, layout in zip(conditions, layouts, strict=True)
    ]
    harvests = context.cultivate(rows)
    attention = [
        layout if harvest.attention is None else harvest.attention
        for harvest, layout in zip(harvests, layouts, strict=True)
    ]
    if parted:
        harvests = finish.ended(context, rows, harvests, attention, margin)
    results = [
        grown_subject(context, condition, harvest, seen, ended=not fits)
        for condition, harvest, seen in zip(conditions, harvests, attention, strict=True)
    ]
    if not fits:
        return results
    waiting = [
        replace(one, unplaced=condition) for one, condition in zip(results, conditions, strict=True)
    ]
    # What could not be told from its key may be yet, where it is placed.
    to_come = [not one.flaws or not one.separated for one in waiting]
    placed = iter(_in_boxes(context, list(compress(waiting, to_come))))
    return [next(placed) if comes else one for one, comes in zip(waiting, to_come, strict=True)]


def _in_boxes(context: Context, results: Sequence[StageResult]) -> list[StageResult]:
    """Foregrounds with those that are not in their boxes yet brought there, where they grow on."""
    waiting = [(one.unplaced, one) for one in results if one.unplaced is not None]
    if not waiting:
        return list(results)
    conditions, grown = zip(*waiting, strict=True)
    wanted = [
        Placement.fit(object_box(one.seedling, context.settings), condition.box)
        for condition, one in waiting
    ]
    placed = iter(
        regrown(context, conditions, [one.seedling for one in grown], wanted, harvested=True)
    )
    return [one if one.unplaced is None else _after(one, next(placed)) for one in results]


def _after(before: StageResult, now: StageResult) -> StageResult:
    """What a foreground came to that grew on, with what is known of it from before."""
    return replace(
        now,
        evaluations=now.evaluations + before.evaluations,
        flaws=tuple(dict.fromkeys((*before.flaws, *now.flaws))),
    )


def regrown(
    context: Context,
    conditions: Sequence[SubjectCondition],
    seedlings: Sequence[Seedling],
    placements: Sequence[Placement],
    *,
    harvested: bool = False,
) -> list[StageResult]:
    """Stage 1 from the harvest step on, with the subjects moved and scaled on their key colour.

    What moves is the denoised estimate; the noise is drawn anew, so that it stays white. If it was
    ``harvested`` at that very step, its prediction may do for the step, and the next one is the
    first.
    """
    triples = list(zip(conditions, seedlings, placements, strict=True))
    steps, ratio = context.steps("foreground"), conditions[0].crop_ratio
    later = harvested and context.settings.effort.predicts_once(steps)
    rows = [
        replace(
            foreground_row(
                context, c, context.noise_of(c).normal(context.shape, "placed", c.number)
            ),
            estimate=place(surrounded_by_key(seedling), placement),
            begin=finish.next_begin(steps, ratio) if later else None,
        )
        for c, seedling, placement in triples
    ]
    found = [find_harvested(s.estimate, s.attention, context.settings) for s in seedlings]
    regions = [
        _placed(finish.region_of(one), p) for one, (*_, p) in zip(found, triples, strict=True)
    ]
    attention = [_placed(s.attention, p) for _, s, p in triples]
    harvests = finish.grown_on(context, rows, regions, context.settings.effort.window)
    return [
        grown_subject(context, condition, harvest, one, ended=True)
        for condition, harvest, one in zip(conditions, harvests, attention, strict=True)
    ]


def _placed(values: Tensor, placement: Placement) -> Tensor:
    """Values in [0, 1] [h, w], moved and scaled."""
    return place(values[None, None], placement)[0, 0].clamp(0, 1)


def composite(
    context: Context,
    conditions: Sequence[SubjectCondition],
    background: Encoded,
    whole: Encoded,
    results: Sequence[StageResult],
    start: Start | None = None,
) -> StageResult:
    """Stage 2: every subject planted into one scene; harvest the surroundings.

    Of a foreground that could not be told from its key colour nothing is planted, unless the
    settings say so: the subject's prompt draws it anew where attention saw it.
    """
    regions = scene_regions(results)
    row = composite_row(context, conditions, background, whole, results, regions, start)
    return grown_scene(context, context.cultivate([row])[0], regions[-1])


def background(context: Context, prompt: Encoded, surroundings: Seedling) -> StageResult:
    """Stage 3: the composite's surroundings planted, fresh noise where the subjects were."""
    row = background_row(context, prompt, surroundings)
    return grown_scene(context, context.cultivate([row])[0], surroundings.mask)


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
    mask, told = found.mask.cpu().numpy(), found.separated
    wrong = flaws(mask, box, separated=told, brought=condition.fits)
    return StageResult(
        harvest.latents,
        seedling,
        harvest.evaluations,
        wrong,
        separated=told,
        interrupted=harvest.interrupted,
    )


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
