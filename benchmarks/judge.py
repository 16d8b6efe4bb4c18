"""How good paddy's judge is: on held-out renders, on planted mistakes, against labels made by eye.

    python -m benchmarks.judge --out docs

writes ``judge.json`` (every figure) and ``judge.png`` (pictures with what the judge sees in them).
Renders are judged as they are and after the autoencoder with latent noise; their seeds are not
those of the judge's training.

Labels are read as ``benchmarks.judge_agreement.read_labels`` says.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from diffusers import AutoencoderTiny
from rich.progress import track

from benchmarks.crew import figure_in
from benchmarks.judge_agreement import read_labels, shares_agreed
from benchmarks.judge_planted import MISTAKES, DrawnResult, draw_result
from benchmarks.judge_sheet import sighting_sheet
from taue.arrays import Bytes
from taue.evaluation.frechet import frechet
from taue.models import NAMED
from taue.paddy.judge import Judge
from taue.paddy.judge.findings import Asked, SeenLayer, Verdict
from taue.paddy.judge.regions import iou
from taue.paddy.judge.train.album import round_trip
from taue.paddy.judge.verdict import judge_layers
from taue.paddy.scenes import RenderedScene, SceneSpec, render, sample_spec

SEED = 977
"""Training draws from (0, index), the renders here from (977, index)."""

NOISE = 0.05
"""Standard deviation of the noise on the scaled latents of a round trip."""

KEYS = ((20, 235, 20), (235, 20, 235))
"""Green and magenta as paddy paints them under guidance, RGB."""


def held_out(count: int, side: int) -> list[tuple[SceneSpec, RenderedScene]]:
    """Single objects before backgrounds, every second one in a pair that paddy never saw."""
    rngs = [np.random.default_rng((SEED, index)) for index in range(count)]
    specs = [sample_spec(rng, held_out=i % 2 == 1, objects=1) for i, rng in enumerate(rngs)]
    return [(spec, render(spec, side)) for spec in specs]


def passed(pictures: Sequence[Bytes], coder: AutoencoderTiny, seed: int) -> list[Bytes]:
    """The pictures through the autoencoder, with noise, eight at a time."""
    done: list[Bytes] = []
    for start in range(0, len(pictures), 8):
        some = list(pictures[start : start + 8])
        done += round_trip(some, coder, np.full(len(some), NOISE), seed + start)
    return done


def shares_right(
    judge: Judge, scenes: list[tuple[SceneSpec, RenderedScene]], shown: list[Bytes]
) -> dict:
    """Shares of what is right, and overlaps, over pictures of single objects."""
    lines: list[dict[str, float]] = []
    for (spec, scene), sighting in zip(scenes, judge.look(shown), strict=True):
        thing, alpha = spec.objects[0], scene.objects[0].rgba[..., 3] > 127
        found = sighting.surest
        lines.append(
            {
                "kind": found is not None and found.kind == thing.kind,
                "colour": found is not None and found.colour == thing.colour,
                "background": sighting.background == spec.background,
                "one object": len(sighting.objects) == 1,
                "mask IoU": iou(sighting.mask > 0.5, alpha) or 0.0,
                "box IoU": found.box.iou(thing.box) if found else 0.0,
            }
        )
    return {name: round(statistics.fmean(line[name] for line in lines), 4) for name in lines[0]}


def counts_right(judge: Judge, coder: AutoencoderTiny, count: int, side: int) -> dict[str, float]:
    """How often the number of objects is right, by that number, after the autoencoder."""
    shares: dict[str, float] = {}
    for number in (0, 1, 2, 3):
        rngs = [np.random.default_rng((SEED, 1, number, index)) for index in range(count)]
        specs = [sample_spec(rng, objects=max(1, number)) for rng in rngs]
        if number == 0:
            specs = [replace(spec, objects=()) for spec in specs]
        pictures = passed([render(spec, side).composite for spec in specs], coder, number)
        right = [len(sighting.objects) == number for sighting in judge.look(pictures)]
        shares[str(number)] = round(statistics.fmean(right), 4)
    return shares


def mistakes_found(judge: Judge, coder: AutoencoderTiny, count: int, side: int) -> dict[str, Any]:
    """Results with one mistake each: how many are found, and how often a right one is accused.

    Composite, background and foreground go through the autoencoder; the cut-out does not.
    """
    rights: list[DrawnResult] = []
    for index in range(count):
        rng = np.random.default_rng((SEED, 2, index))
        spec = sample_spec(rng, held_out=index % 2 == 1, objects=1)
        key = np.array(KEYS[spec.objects[0].colour == "green"]) + rng.normal(0, 10, 3)
        rights.append(draw_result(spec, side, np.clip(key, 0, 255)))
    known = layers_of(judge, coder, rights, {})
    clean = verdicts(rights, known)
    accused = [not verdict.right for verdict in clean]
    table: dict[str, Any] = {"results": count, "right results accused of anything": mean(accused)}
    for number, (name, (plant, finds)) in enumerate(MISTAKES.items()):
        rngs = [np.random.default_rng((SEED, 3, number, index)) for index in range(count)]
        wrong = [plant(drawn, rng) for drawn, rng in zip(rights, rngs, strict=True)]
        judged = verdicts(wrong, layers_of(judge, coder, wrong, known))
        table[name] = {
            "found": mean([finds(verdict.subjects[0]) for verdict in judged]),
            "false alarms": mean([finds(verdict.subjects[0]) for verdict in clean]),
        }
    return table


Known = dict[int, SeenLayer]
"""Layers by the identity of the picture that they were before the autoencoder."""


def layers_of(
    judge: Judge, coder: AutoencoderTiny, results: list[DrawnResult], known: Known
) -> Known:
    """Every picture of the results after the autoencoder, looked at; known ones are not redone."""
    drawn = [p for one in results for p in (one.composite, one.background, one.foreground)]
    fresh = {id(picture): picture for picture in drawn if id(picture) not in known}
    pictures = passed(list(fresh.values()), coder, len(known))
    layers = [SeenLayer(*both) for both in zip(pictures, judge.look(pictures), strict=True)]
    return known | dict(zip(fresh, layers, strict=True))


def verdicts(results: list[DrawnResult], layers: Known) -> list[Verdict]:
    return [
        judge_layers(
            [Asked(one.thing.caption)],
            str(one.spec.background),
            layers[id(one.composite)],
            layers[id(one.background)],
            [layers[id(one.foreground)]],
            [one.cutout],
        )
        for one in results
    ]


def mean(answers: Sequence[bool]) -> float:
    return round(statistics.fmean(answers), 4)


def render_distances(
    judge: Judge, coder: AutoencoderTiny, count: int, side: int
) -> dict[str, float]:
    """Fréchet distances of renders to other renders, to their round trips and to plates alone."""
    one, other = (
        [
            render(sample_spec(np.random.default_rng((SEED, 4 + part, i))), side)
            for i in range(count)
        ]
        for part in (0, 1)
    )
    first = judge.features([scene.composite for scene in one])
    others = {
        "other renders": [scene.composite for scene in other],
        "their round trips": passed([scene.composite for scene in other], coder, 0),
        "plates without objects": [scene.plate for scene in other],
    }
    distances = {name: frechet(first, judge.features(p)) for name, p in others.items()}
    return {"pictures": count} | {name: round(d, 3) for name, d in distances.items()}


def shown_pictures(coder: AutoencoderTiny, side: int) -> list[Bytes]:
    """What the sheet shows: scenes of one to three objects, a plate, an object on its key."""
    pictures: list[Bytes] = []
    for index in range(24):
        rng = np.random.default_rng((SEED, 6, index))
        spec = sample_spec(rng, objects=(1, 2, 3, 1, 1, 1)[index % 6])
        if index % 6 == 3:
            pictures.append(render(replace(spec, objects=()), side).composite)
        elif index % 6 == 4:
            key = np.array(KEYS[spec.objects[0].colour == "green"])
            pictures.append(draw_result(spec, side, key).foreground)
        elif index % 6 == 5:
            plant = tuple(MISTAKES.values())[(1, 2, 3, 5)[index // 6]][0]
            right = draw_result(spec, side, np.array(KEYS[0]))
            pictures.append(plant(right, rng).composite)
        else:
            pictures.append(render(spec, side).composite)
    return passed(pictures, coder, 0)


def main(
    out: Annotated[Path, typer.Option(help="Folder for judge.json and judge.png.")],
    vae: Annotated[Path, typer.Option(help="paddy's autoencoder.")] = Path(NAMED["paddy"], "vae"),
    weights: Annotated[Path | None, typer.Option(help="Another judge's weights.")] = None,
    labels: Annotated[Path, typer.Option(help="Skipped if it is not there.")] = Path(
        "docs/judge/labels.json"
    ),
    side: Annotated[int, typer.Option(help="Bytes of the renders.")] = 256,
    count: Annotated[int, typer.Option(help="Renders of each kind.")] = 400,
) -> None:
    """Measure, print, write figures and a sheet."""
    out.mkdir(parents=True, exist_ok=True)
    judge = Judge.load(weights)
    coder = AutoencoderTiny.from_pretrained(vae).eval()
    scenes = held_out(count, side)
    composites = [scene.composite for _, scene in scenes]
    steps = {
        "held-out renders": lambda: shares_right(judge, scenes, composites),
        "after the autoencoder": lambda: shares_right(judge, scenes, passed(composites, coder, 0)),
        "number of objects": lambda: counts_right(judge, coder, count // 4, side),
        "planted mistakes": lambda: mistakes_found(judge, coder, count // 2, side),
        "Fréchet distance of renders to": lambda: render_distances(judge, coder, count, side),
    }
    if labels.exists():
        said, pictures = read_labels(labels)
        steps["agreement with labels by eye"] = lambda: shares_agreed(said, judge.look(pictures))
    document: dict[str, Any] = {"renders": count, "side": side, "latent noise": NOISE}
    document |= {name: step() for name, step in track(steps.items(), "measuring")}
    text = json.dumps(document, indent=2, ensure_ascii=False)
    print(text)
    (out / "judge.json").write_text(text + "\n")
    shown = shown_pictures(coder, side)
    sighting_sheet(shown, judge.look(shown)).save(figure_in(out, "judge.png"))


if __name__ == "__main__":
    typer.run(main)
