"""The layers of two and three subjects, of moved ones, before new backgrounds and behind each
other, opened.

    python -m benchmarks.opened_scenes --out docs
    python -m benchmarks.opened_scenes --out docs --only overlapping

Grows 40 scenes of each sort with the defaults, none of them tuned on, and writes
``opened-scenes.json``: the figures of :mod:`taue.evaluation.opened` for every subject, as far as it
is not hidden, and the first of each sort, ``opened-SORT.png``. Sorts that are not drawn keep what
was written of them. ``truth`` there are the same figures of 100 rendered scenes of two and of three
objects, opened with their true layers: what the judge makes of pictures in which nothing is wrong;
and of ``rebackground`` how far one object's true colours are from each other in the light of the
same two backgrounds. Besides:

whole      of what other subjects hide of a subject, as its own foreground shows it, the share that
           its layer has at alpha > 0.5; None if they hide nothing
whole_iou  of that subject's layer and its foreground's alpha, both > 0.5
same_iou   after moving or before another background: of the layer's alpha > 0.5 and that of the
           first layer, brought to the same place
same_db    PSNR of their colours, weighted by the smaller alpha
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

import numpy as np
import torch
import typer
from numpy.typing import NDArray
from PIL import Image

from benchmarks.crew import Out, figure_in, share_out
from benchmarks.designer import GREY, TILE, mask, on, summed
from benchmarks.sceneries import Scenery
from taue import Box, Layers, Subject, TauePipeline
from taue.evaluation.opened import figures, weighted_psnr
from taue.layering import brought
from taue.paddy import scenes
from taue.paddy.judge import Judge
from taue.shown import in_front

SEED, COUNT, SHOWN = 50_112, 40, 6
SORTS = ("two", "three", "moved", "rebackground", "overlapping")
SUBJECTS = {"two": 2, "three": 3, "overlapping": 2}
BESIDE = ("two", "three")
"""Sorts that rendered scenes are measured beside."""

SEEDED_BY = 4
"""What the rendered scenes' seed has besides."""

HIDDEN = 100
"""Pixels that another subject must hide at least, for it to count."""

RENDERED, CANVAS, SEEN = 100, 256, 50
"""Rendered scenes of each number of objects, their side, and pixels of one that must be seen."""

RENDERED_BOX = Box(0.3, 0.3, 0.4, 0.4)
"""Where the rendered object is whose light changes."""

SubjectFigures = dict[str, float | None]


@dataclass(frozen=True)
class SceneJob:
    """A scene, its subjects' boxes if they are not the default ones, and what comes after it: a box
    to move to or another background."""

    sort: str
    scenery: Scenery
    boxes: tuple[Box, ...] = ()
    box: Box | None = None
    background: str | None = None


def jobs(count: int = COUNT) -> list[SceneJob]:
    """The fixed scenes, sort by sort; backgrounds come up equally."""
    made: list[SceneJob] = []
    grounds = list(scenes.BACKGROUNDS)
    for number, sort in enumerate(SORTS):
        rng = np.random.default_rng((SEED, number))
        for i in range(count):
            spec = scenes.sample_spec(rng, objects=SUBJECTS.get(sort, 1))
            objects = tuple((o.colour, o.kind) for o in spec.objects)
            seed = int(rng.integers(2**31))
            job = SceneJob(sort, Scenery(objects, grounds[i % len(grounds)], seed))
            if sort == "overlapping":
                job = replace(job, boxes=behind_each_other(rng))
            if sort == "moved":
                side = float(rng.uniform(0.3, 0.5))
                x, y = rng.uniform(0.02, 0.98 - side), rng.uniform(0.4, 0.95 - side)
                job = replace(job, box=Box(float(x), float(y), side, side))
            if sort == "rebackground":
                job = replace(job, background=grounds[(i + 1 + i // len(grounds)) % len(grounds)])
            made.append(job)
    return made


def behind_each_other(rng: np.random.Generator) -> tuple[Box, Box]:
    """A box, and one before it, to its right or left and a little lower."""
    side, x, y = rng.uniform(0.38, 0.46), rng.uniform(0.08, 0.16), rng.uniform(0.25, 0.4)
    right = x + side * rng.uniform(0.6, 0.75)
    places = (x, right) if rng.uniform() < 0.5 else (right, x)
    rear, front = (float(place) for place in places)
    lower = float(y + 0.1 * side)
    return Box(rear, float(y), float(side), float(side)), Box(
        front, lower, float(side), float(side)
    )


def opened_scene(
    pipe: TauePipeline, judge: Judge, job: SceneJob
) -> tuple[list[SubjectFigures], NDArray[np.uint8], list[str]]:
    """A row for each subject, the scene's row of the sheet, and what its user was warned of."""
    boxes = job.boxes or (None,) * len(job.scenery.prompts)
    first = pipe(
        [Subject(p, box=box) for p, box in zip(job.scenery.prompts, boxes, strict=True)],
        job.scenery.background,
        generator=torch.Generator().manual_seed(job.scenery.seed),
    )
    layers = first
    if job.box is not None:
        layers = first.move(pipe, 1, job.box)
    if job.background is not None:
        layers = first.rebackground(pipe, job.background)
    stack = layers.stack()
    subjects = [_pixels(one.image) for one in layers.subjects]
    shade = np.max([e.pixels[..., 3] for e in stack.of("effects")], axis=0) / 255
    pictures = _pixels(layers.composite), _pixels(layers.background), shade
    kinds = [kind for _, kind in job.scenery.objects]
    rows = subject_figures(judge, kinds, *pictures, subjects, [_pixels(cut) for cut in layers.cuts])
    if layers is not first:
        before = _pixels(first.subjects[0].image) / 255
        if job.box is not None:
            moved = brought(torch.from_numpy(before).permute(2, 0, 1).float(), job.box)
            before = moved.permute(1, 2, 0).numpy()
        rows = [row | same(before * 255, _pixels(layers.subjects[0].image)) for row in rows]
    return rows, overview(layers), layers.warnings


def subject_figures(
    judge: Judge,
    kinds: Sequence[str],
    composite: NDArray[np.uint8],
    background: NDArray[np.uint8],
    shade: NDArray[np.floating],
    subjects: Sequence[NDArray[np.uint8]],
    cuts: Sequence[NDArray[np.uint8]],
) -> list[SubjectFigures]:
    """The figures of every subject; colours and shape where no other is in front."""
    (seen,) = judge.look([composite])
    alphas = [s[..., 3] / 255 for s in subjects]
    everything = 1 - np.prod([1 - alpha for alpha in alphas], axis=0)
    rows: list[SubjectFigures] = []
    for i, (kind, subject) in enumerate(zip(kinds, subjects, strict=True)):
        covered = 1 - np.prod([np.ones(shade.shape), *(1 - a for a in alphas[i + 1 :])], axis=0)
        visible = subject.copy()
        visible[..., 3] = (subject[..., 3] * (1 - covered)).round()
        found: SubjectFigures = dict(
            figures(composite, background, visible, visible, shade, mask=mask(seen, kind))
        )
        # What other subjects change is no fault of this one's layers.
        thing = np.concatenate([subject[..., :3], 255 * everything[..., None]], -1)
        whole = figures(composite, background, thing, thing, shade, mask=seen.mask > 0.5)
        found |= {name: whole[name] for name in ("far", "structure", "coverage")}
        own, drawn = cuts[i][..., 3] > 127, alphas[i] > 0.5
        hidden = own & (covered > 0.5)
        much = hidden.sum() >= HIDDEN
        found["whole"] = float(drawn[hidden].mean()) if much else None
        found["whole_iou"] = float((own & drawn).sum() / (own | drawn).sum()) if much else None
        rows.append(found)
    return rows


def truth(judge: Judge, objects: int, count: int = RENDERED) -> list[SubjectFigures]:
    """The figures of rendered scenes' true layers, of all objects that are seen at all."""
    rng = np.random.default_rng((SEED, SEEDED_BY, objects))
    rows: list[SubjectFigures] = []
    for _ in range(count):
        spec = scenes.sample_spec(rng, objects=objects)
        scene = scenes.render(spec, CANVAS)
        layers = [one.lit for one in scene.objects]
        solid = [layer[..., 3] > 127 for layer in layers]
        # A shadow beneath an object is no part of an effects layer that anybody sees.
        shade = np.where(np.any(solid, axis=0), 0, scene.shadow)
        kinds = [one.kind for one in spec.objects]
        some = subject_figures(judge, kinds, scene.composite, scene.plate, shade, layers, layers)
        seen = [(s & ~in_front(solid, i)).sum() >= SEEN for i, s in enumerate(solid)]
        rows += [row for row, shown in zip(some, seen, strict=True) if shown]
    return rows


def true_lights(job: SceneJob) -> SubjectFigures:
    """The rendered object of a scene in the light of its first background and of its new one."""
    ((colour, kind),) = job.scenery.objects
    thing = (scenes.ObjectSpec(kind, colour, RENDERED_BOX),)
    specs = [
        scenes.SceneSpec(thing, ground, None, job.scenery.seed)
        for ground in (job.scenery.background, job.background)
    ]
    before, after = (scenes.render(spec, CANVAS).objects[0].lit for spec in specs)
    return same(before, after)


def same(before: NDArray[Any], after: NDArray[Any]) -> SubjectFigures:
    """How far two layers [H, W, 4] in 0..255 are one object."""
    solids = [layer[..., 3] > 127 for layer in (before, after)]
    weight = np.minimum(before[..., 3], after[..., 3]) / 255
    union = (solids[0] | solids[1]).sum()
    return {
        "same_iou": float((solids[0] & solids[1]).sum() / max(1, union)),
        "same_db": weighted_psnr(before[..., :3], after[..., :3], weight),
    }


def overview(layers: Layers) -> NDArray[np.uint8]:
    """Background, composite, effects on grey and up to three subjects on white."""
    stack = layers.stack()
    shade = np.zeros((*np.asarray(layers.composite).shape[:2], 4), np.uint8)
    shade[..., 3] = np.max([e.pixels[..., 3] for e in stack.of("effects")], axis=0)
    tiles = [np.asarray(layers.background), np.asarray(layers.composite), on(shade, GREY)]
    tiles += [on(_pixels(one.image), (255, 255, 255)) for one in layers.subjects]
    tiles += [np.full_like(tiles[0], 255)] * (6 - len(tiles))
    return np.concatenate([np.asarray(Image.fromarray(t).resize((TILE, TILE))) for t in tiles], 1)


def _pixels(image: Any) -> NDArray[np.uint8]:
    return np.asarray(image)


def main(
    out: Out,
    count: int = COUNT,
    model: str = "paddy",
    workers: int = 2,
    only: Annotated[list[str] | None, typer.Option(help="Draw these sorts alone.")] = None,
) -> None:
    """Grow the scenes, measure their layers, draw the sheets."""
    sorts = only or list(SORTS)
    chosen = [job for job in jobs(count) if job.sort in sorts]
    answers = share_out(opened_scene, chosen, model, "scenes", workers)
    path = out / "opened-scenes.json"
    told: dict[str, Any] = json.loads(path.read_text()) if only and path.exists() else {}
    told = {"sum": {}, "truth": {}, "each": []} | told
    told["each"] = [one for one in told["each"] if one["sort"] not in sorts]
    for sort in sorts:
        some = [(job, one) for job, one in zip(chosen, answers, strict=True) if job.sort == sort]
        rows = [row for _, (rows, _, _) in some for row in rows]
        told["sum"][sort] = summed(rows) | {
            "warned": sum(bool(warnings) for _, (_, _, warnings) in some)
        }
        told["each"] += [scene_row(job, rows, warnings) for job, (rows, _, warnings) in some]
        sheet = np.concatenate([drawn for _, (_, drawn, _) in some[:SHOWN]])
        Image.fromarray(sheet).save(figure_in(out, f"opened-{sort}.png"))
        if sort in BESIDE:
            told["truth"][sort] = summed(truth(Judge.load(), SUBJECTS[sort]))
        if sort == "rebackground":
            told["truth"][sort] = summed([true_lights(job) for job, _ in some])
    path.write_text(json.dumps(told, indent=1) + "\n")
    rendered = {f"{sort}, rendered": table for sort, table in told["truth"].items()}
    for sort, table in (told["sum"] | rendered).items():
        typer.echo(sort)
        for name, values in table.items():
            typer.echo(f"  {name:12s} {values}")


def scene_row(job: SceneJob, rows: Sequence[SubjectFigures], warnings: list[str]) -> dict[str, Any]:
    """What is written of one scene."""
    return (
        {"sort": job.sort, "whole": job.scenery.whole, "seed": job.scenery.seed}
        | ({"background": job.background} if job.background else {})
        | {"subjects": [{k: v and round(v, 4) for k, v in row.items()} for row in rows]}
        | ({"warnings": warnings} if warnings else {})
    )


if __name__ == "__main__":
    typer.run(main)
