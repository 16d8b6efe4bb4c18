"""The paper's applications on paddy, judged: many objects, new backgrounds, moving, harmony.

    python benchmarks/applications.py many --out docs
    python benchmarks/applications.py backgrounds --out docs
    python benchmarks/applications.py moves --out docs
    python benchmarks/applications.py harmony --out docs

Each writes ``applications-NAME.json`` and a sheet ``applications-NAME.png``.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import matplotlib.pyplot as plt
import numpy as np
import torch
import typer
from layout import alpha_box
from PIL import Image, ImageDraw
from rich.progress import track

from taue import Layers, TauePipeline, metrics
from taue.box import Box
from taue.paddy import scenes
from taue.paddy.judge import Judge, Sighting
from taue.paddy.judge.regions import shadow
from taue.paddy.judge.standing import DARKER

SEED, TILE, ROWS = 20_511, 128, 12
HARMONIES = (0.0, 0.25, 0.5, 0.75, 1.0)

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
Out = Annotated[Path, typer.Option(help="Folder for the figures and the sheet.")]


@dataclass(frozen=True)
class Scenery:
    """Objects (colour, kind) of different colours and kinds before a background."""

    objects: tuple[tuple[str, str], ...]
    background: str
    seed: int

    @property
    def prompts(self) -> list[str]:
        return [scenes.object_caption(*one) for one in self.objects]

    @property
    def whole(self) -> str:
        return scenes.whole_captions(self.prompts, self.background)[0]


def sceneries(count: int, objects: int) -> list[Scenery]:
    """Seeded; backgrounds come up equally, pairs are those that training saw."""
    rng = np.random.default_rng((SEED, objects))
    grounds = tuple(scenes.BACKGROUNDS)
    made: list[Scenery] = []
    for i in range(count):
        spec = scenes.sample_spec(rng, objects=objects)
        pairs = tuple((o.colour, o.kind) for o in spec.objects)
        made.append(Scenery(pairs, grounds[i % len(grounds)], SEED + i))
    return made


def load(model: str) -> TauePipeline:
    pipe = TauePipeline.from_pretrained(model)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def grown(pipe: TauePipeline, scenery: Scenery, **options: Any) -> Layers:
    return pipe(
        scenery.prompts,
        scenery.background,
        generator=torch.Generator().manual_seed(scenery.seed),
        **options,
    )


def all_there(asked: Sequence[tuple[str, str]], seen: Sighting) -> bool:
    """Every object asked for is seen in its own colour and kind."""
    return set(asked) <= {(o.colour, o.kind) for o in seen.objects}


def finish(out: Path, name: str, told: dict[str, Any], rows: list[list[Any]], each: Any) -> None:
    """Print the sum, write the figures and the sheet: a row of pictures for each scene."""
    print(json.dumps(told, indent=1))
    document = {"summary": told, "each": each}
    (out / f"applications-{name}.json").write_text(json.dumps(document, indent=1) + "\n")
    width = max(len(row) for row in rows) - 1
    page = Image.new("RGB", (width * (TILE + 4), len(rows) * (TILE + 18)), "white")
    draw = ImageDraw.Draw(page)
    for i, (label, *pictures) in enumerate(rows):
        draw.text((2, i * (TILE + 18) + 2), label, "black")
        for j, picture in enumerate(pictures):
            small = picture.convert("RGB").resize((TILE, TILE), Image.Resampling.LANCZOS)
            page.paste(small, (j * (TILE + 4), i * (TILE + 18) + 16))
    page.save(out / f"applications-{name}.png")


@app.command()
def many(out: Out, model: str = "paddy", count: int = 100) -> None:
    """Two and three objects: composites against plain generation from one prompt."""
    pipe, judge = load(model), Judge.load()
    told: dict[str, Any] = {}
    rows: list[list[Any]] = []
    each: list[dict[str, Any]] = []
    for objects in (1, 2, 3):
        right: dict[str, list[bool]] = {"ours": [], "plain": []}
        for scenery in track(sceneries(count, objects), f"{objects} objects"):
            layers = grown(pipe, scenery)
            plain = super(TauePipeline, pipe).__call__(
                scenery.whole, generator=torch.Generator().manual_seed(scenery.seed)
            )[0][0]
            seen = judge.look([layers.composite, plain])
            line = {
                "prompt": scenery.whole,
                "seed": scenery.seed,
                "ours": all_there(scenery.objects, seen[0]),
                "plain": all_there(scenery.objects, seen[1]),
            }
            each.append(line)
            for way, found in right.items():
                found.append(line[way])
            if objects > 1 and len(right["ours"]) <= ROWS // 2:
                cut = [s.image for s in layers.subjects]
                rows.append([scenery.whole, plain, layers.composite, layers.background, *cut])
        told[str(objects)] = {way: round(float(np.mean(r)), 4) for way, r in right.items()}
    finish(out, "many", told, rows, each)


def fidelity(layers: Layers) -> float | None:
    """PSNR (dB) of the raw foreground against the composite inside alpha."""
    alpha = np.asarray(layers.subjects[0].image)[..., 3] / np.float32(255)
    raw, composite = np.asarray(layers.foregrounds[0]), np.asarray(layers.composite)
    return metrics.psnr(raw, composite, metrics.inside(alpha))


def mean(values: Sequence[float | None]) -> float:
    return round(float(np.mean([v for v in values if v is not None])), 3)


@app.command()
def backgrounds(out: Out, model: str = "paddy", count: int = 100) -> None:
    """The same object before another background."""
    pipe, judge = load(model), Judge.load()
    grounds = tuple(scenes.BACKGROUNDS)
    each, rows = [], []
    for i, scenery in enumerate(track(sceneries(count, 1), "backgrounds")):
        layers = grown(pipe, scenery)
        other = grounds[(i + 1 + i // len(grounds) % (len(grounds) - 1)) % len(grounds)]
        again = layers.rebackground(pipe, other)
        seen = judge.look([layers.composite, again.composite])
        each.append(
            {
                "prompt": scenery.whole,
                "new": other,
                "psnr": fidelity(layers),
                "new_psnr": fidelity(again),
                "seen": all_there(scenery.objects, seen[0]),
                "still_seen": all_there(scenery.objects, seen[1]),
                "new_background_seen": seen[1].background == other,
            }
        )
        if len(rows) < ROWS:
            pictures = [layers.subjects[0].image, layers.composite, layers.background]
            rows.append([f"{scenery.whole}; {other}", *pictures, again.composite, again.background])
    finish(out, "backgrounds", kept_figures(each), rows, each)


def kept_figures(each: Sequence[dict[str, Any]]) -> dict[str, float]:
    before = [line for line in each if line["seen"]]
    told = {
        "count": len(each),
        "psnr": mean([line["psnr"] for line in each]),
        "new_psnr": mean([line["new_psnr"] for line in each]),
        "still_seen_of_seen": mean([float(line["still_seen"]) for line in before]),
    }
    if "new_background_seen" in each[0]:
        told["new_background_seen"] = mean([float(line["new_background_seen"]) for line in each])
    return told


@app.command()
def moves(out: Out, model: str = "paddy", count: int = 100) -> None:
    """The object moved and scaled by 0.7 to 1.4 within the canvas."""
    pipe, judge = load(model), Judge.load()
    rng = np.random.default_rng(SEED)
    each, rows = [], []
    for scenery in track(sceneries(count, 1), "moves"):
        layers = grown(pipe, scenery)
        start = alpha_box(alpha_of(layers))
        if start is None:
            continue
        limit = 0.95 / max(start.width, start.height)
        scale = float(rng.uniform(0.7, min(1.4, limit)))
        width, height = scale * start.width, scale * start.height
        x, y = rng.uniform(0, 1 - width), rng.uniform(0, 1 - height)
        wanted = Box(float(x), float(y), width, height)
        moved = layers.move(pipe, 1, wanted)
        end = alpha_box(alpha_of(moved))
        seen = judge.look([layers.composite, moved.composite])
        cells = pipe.unet.config.sample_size
        each.append(
            {
                "prompt": scenery.whole,
                "psnr": fidelity(layers),
                "new_psnr": fidelity(moved),
                "seen": all_there(scenery.objects, seen[0]),
                "still_seen": all_there(scenery.objects, seen[1]),
                "position_error_cells": None
                if end is None
                else cells * float(np.hypot(*np.subtract(end.centre, wanted.centre))),
                "scale_error": None
                if end is None
                else abs(float(np.sqrt(end.width * end.height / (width * height))) - 1),
            }
        )
        if len(rows) < ROWS:
            pictures = [layers.subjects[0].image, layers.composite, moved.subjects[0].image]
            rows.append([scenery.whole, *pictures, moved.composite, moved.background])
    told = {
        **kept_figures(each),
        "position_error_cells": mean([line["position_error_cells"] for line in each]),
        "scale_error": mean([line["scale_error"] for line in each]),
    }
    finish(out, "moves", told, rows, each)


def alpha_of(layers: Layers) -> torch.Tensor:
    return torch.from_numpy(np.asarray(layers.subjects[0].image)[..., 3] / np.float32(255))


def light_followed(layers: Layers, background: str) -> float | None:
    r"""How far the object's mean colour went from neutral to the scene's light.

    .. math:: \langle C - F, L - F \rangle / \lVert L - F \rVert^2, \quad L = F \cdot ambient
    """
    alpha = np.asarray(layers.subjects[0].image)[..., 3] / np.float32(255)
    within = metrics.inside(alpha)
    if not within.any():
        return None
    neutral = np.asarray(layers.foregrounds[0])[within].mean(axis=0)
    found = np.asarray(layers.composite)[within].mean(axis=0)
    way = neutral * np.array(scenes.BACKGROUNDS[background].ambient) - neutral
    length = float(way @ way)
    return None if length < 4.0 else float((found - neutral) @ way) / length


@app.command()
def harmony(out: Out, model: str = "paddy", count: int = 100) -> None:
    """From the foreground's look to the scene's light, at five settings."""
    pipe = load(model)
    each, rows = [], []
    for scenery in track(sceneries(count, 1), "harmony"):
        layers = grown(pipe, scenery)
        row: list[Any] = [scenery.whole, layers.subjects[0].image]
        for level in HARMONIES:
            layers.settings["harmony"] = level
            again = pipe.regrow(layers)
            alpha = np.asarray(again.subjects[0].image)[..., 3] > 127
            pictures = np.asarray(again.composite), np.asarray(again.background)
            ground = scenes.BACKGROUNDS[scenery.background].ground
            each.append(
                {
                    "prompt": scenery.whole,
                    "background": scenery.background,
                    "harmony": level,
                    "psnr": fidelity(again),
                    "followed": light_followed(again, scenery.background),
                    "shadow": (shadow(*pictures, alpha) or 0.0) >= DARKER if ground else None,
                }
            )
            row.append(again.composite)
        if len(rows) < ROWS:
            rows.append(row)
    told = {str(level): harmony_figures(each, level) for level in HARMONIES}
    free = [line for line in each if line["harmony"] == 1.0]
    told["by_background"] = {
        ground: mean([line["followed"] for line in free if line["background"] == ground])
        for ground in scenes.BACKGROUNDS
    }
    finish(out, "harmony", told, rows, each)
    curve(out / "applications-harmony-curve.png", told)


def harmony_figures(each: Sequence[dict[str, Any]], level: float) -> dict[str, float]:
    some = [line for line in each if line["harmony"] == level]
    return {
        "psnr": mean([line["psnr"] for line in some]),
        "followed": mean([line["followed"] for line in some]),
        "shadow": mean([float(line["shadow"]) for line in some if line["shadow"] is not None]),
    }


def curve(path: Path, told: dict[str, Any]) -> None:
    figure, left = plt.subplots(figsize=(5, 3), layout="constrained")
    right = left.twinx()
    levels = [told[str(level)] for level in HARMONIES]
    left.plot(HARMONIES, [x["psnr"] for x in levels], "o-", color="tab:blue")
    right.plot(HARMONIES, [x["followed"] for x in levels], "s-", color="tab:orange")
    left.set_xlabel("harmony")
    left.set_ylabel("raw foreground PSNR (dB)", color="tab:blue")
    right.set_ylabel("fraction of the way to the scene's light", color="tab:orange")
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    app()
