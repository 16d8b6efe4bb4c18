"""Hard requests: what goes wrong with their subjects, and whether the user is told.

    python -m benchmarks.failures grow --out FAILURES
    python -m benchmarks.failures score FAILURES --labels docs/failures.json

``grow`` makes the fixed requests (small boxes, boxes at the border, layouts that only suggest, few
steps, an object in its key's colour, numbers of objects, three subjects) and draws sheets without
the warnings: the composite with its boxes, and the subjects on white. Somebody looks and writes the
labels, for each request's number what is wrong with each subject: missing, doubled, cut, large.
``score`` compares: a failure is found if its subject is warned of in whatever words. The thresholds
were tuned on other requests of the same kinds; none of these was seen then.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from PIL import Image, ImageDraw

from benchmarks.crew import Out, share_out
from taue import Box, Subject, TauePipeline
from taue.arrays import Bytes
from taue.paddy import scenes
from taue.paddy.judge import Judge
from taue.settings import Settings

SEED, FURTHER_SEED = 4321, 8642
TILE, COLUMNS, ON_A_SHEET = 176, 4, 24

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
Sides = tuple[float, float, float, float]


@dataclass(frozen=True)
class Hard:
    """One hard request; a subject without a box is placed by default."""

    group: str
    subjects: tuple[str, ...]
    boxes: tuple[Sides | None, ...]
    background: str
    seed: int
    settings: dict[str, Any] = field(default_factory=dict)


def requests() -> list[Hard]:
    """The fixed requests: 140 of all groups, and 60 further ones of those that fail most."""
    return [*_mixed(SEED, 50, 14, 12), *_mixed(FURTHER_SEED, 0, 20, 0)]


def _mixed(order: int, boxed: int, bordered: int, other: int) -> list[Hard]:
    """So many of each group, in an order that mixes them."""
    rng = np.random.default_rng(order)
    kinds, colours = list(scenes.KINDS), list(scenes.COLOURS)
    made: list[Hard] = []

    def one(words: list[str]) -> str:
        return str(rng.choice(words))

    def caption() -> str:
        return scenes.object_caption(one(colours), one(kinds))

    def small() -> Sides:
        width, height = rng.uniform(0.1, 0.2, 2)
        return rng.uniform(0, 1 - width), rng.uniform(0.3, 1 - height), width, height

    def edge() -> Sides:
        width, height = rng.uniform(0.3, 0.6, 2)
        return float(rng.choice([0, 1 - width])), float(rng.choice([0, 1 - height])), width, height

    def add(group: str, words: tuple[str, ...], box: Sides | None = None, **settings: Any) -> None:
        ground, seed = one(list(scenes.BACKGROUNDS)), int(rng.integers(2**31))
        made.append(Hard(group, words, (box,) * len(words), ground, seed, settings))

    for _ in range(boxed):
        add("small box", (caption(),), small())
    for _ in range(bordered):
        add("at the border", (caption(),), edge())
        add("suggested, small", (caption(),), small(), placement="suggest")
        add("suggested, at the border", (caption(),), edge(), placement="suggest")
    for _ in range(other):
        add("few steps", (caption(),), num_inference_steps=int(rng.choice([6, 8, 10])))
        add("its key's colour", (f"a green {one(kinds)}",), key="green")
        add("many", (f"{one(['two', 'three', 'many'])} {one(colours)} {one(kinds)}s",))
        add("three subjects", (caption(), caption(), caption()))
    return [made[i] for i in np.random.default_rng(order).permutation(len(made))]


def warnings_and_tile(pipe: TauePipeline, _judge: Judge, hard: Hard) -> tuple[list[str], Bytes]:
    """The warnings of one request, and its tile."""
    subjects = [
        Subject(prompt, box=None if box is None else Box(*box))
        for prompt, box in zip(hard.subjects, hard.boxes, strict=True)
    ]
    layers = pipe(
        subjects=subjects,
        background=hard.background,
        generator=torch.Generator().manual_seed(hard.seed),
        settings=Settings(**hard.settings),
    )
    return layers.warnings, tile(hard, [layer.image for layer in layers.subjects], layers.composite)


def tile(hard: Hard, subjects: list[Image.Image], composite: Image.Image) -> Bytes:
    """The composite with its boxes beside the subjects on white."""
    width, height = composite.size
    shown, alone = composite.copy(), Image.new("RGBA", composite.size, "white")
    for box in hard.boxes:
        if box is not None:
            x, y, w, h = box
            corners = (x * width, y * height, (x + w) * width, (y + h) * height)
            ImageDraw.Draw(shown).rectangle(corners, outline="red")
    for subject in subjects:
        alone.alpha_composite(subject)
    tiles = [picture.convert("RGB").resize((TILE, TILE)) for picture in (shown, alone)]
    return np.concatenate([np.asarray(picture) for picture in tiles], axis=1)


@app.command("grow")
def grow_requests(
    out: Out, first: int = 0, count: int | None = None, model: str = "paddy", workers: int = 2
) -> None:
    """Grow the requests; write what was warned of, and sheets."""
    chosen = list(enumerate(requests()))[first:][:count]
    answers = share_out(warnings_and_tile, [hard for _, hard in chosen], model, "requests", workers)
    told = {
        str(number): asdict(hard) | {"warnings": warnings}
        for (number, hard), (warnings, _) in zip(chosen, answers, strict=True)
    }
    (out / f"requests-{first}.json").write_text(json.dumps(told, indent=1) + "\n")
    for start in range(0, len(chosen), ON_A_SHEET):
        part = slice(start, start + ON_A_SHEET)
        tiles = [
            captioned(f"{number}: {hard.group}. {', '.join(hard.subjects)}", picture)
            for (number, hard), (_, picture) in zip(chosen[part], answers[part], strict=True)
        ]
        tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % COLUMNS)
        rows = [np.concatenate(tiles[i : i + COLUMNS], 1) for i in range(0, len(tiles), COLUMNS)]
        Image.fromarray(np.concatenate(rows)).save(out / f"failures-{first + start:03}.png")


def captioned(words: str, picture: Bytes) -> Bytes:
    band = Image.new("RGB", (picture.shape[1], 14))
    ImageDraw.Draw(band).text((2, 1), words, fill="white")
    return np.concatenate([np.asarray(band), picture])


@app.command("score")
def score_warnings(
    folder: Path, labels: Annotated[Path, typer.Option(help="What was seen.")]
) -> None:
    """How many failures were found, and how much was warned of without one."""
    seen = json.loads(labels.read_text())["seen"]
    told: dict[str, Any] = {}
    for path in sorted(folder.glob("requests-*.json")):
        told |= json.loads(path.read_text())
    counts = {"requests": len(seen), "failures": 0, "found": 0, "warned of without one": 0}
    for number, wrong in seen.items():
        for i, flaw in enumerate(wrong, 1):
            warned = any(w.startswith(f"subject {i} ") for w in told[number]["warnings"])
            counts["failures"] += bool(flaw)
            counts["found"] += bool(flaw) and warned
            counts["warned of without one"] += warned and not flaw
    typer.echo(json.dumps(counts))


if __name__ == "__main__":
    app()
