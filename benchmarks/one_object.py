"""One object in other scenes, at other places, in other light, judged.

    python -m benchmarks.one_object --out docs

Each object grows once; from its seedling come a composite before another background, one at
another place, and five between its own look and the scene's light (``harmony``). Writes
``one-object.json``, the sheets ``new-backgrounds.png``, ``moves.png`` and ``harmony.png`` and the
curve ``harmony-curve.png``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import matplotlib.pyplot as plt
import numpy as np
import typer
from PIL import Image

from benchmarks.crew import Out, figure_in, share_out
from benchmarks.judged import contact_shadow, raw_psnr
from benchmarks.layout import alpha_box
from benchmarks.sceneries import (
    SEED,
    Scenery,
    SheetRow,
    all_there,
    sceneries,
    scenery_layers,
    sheet,
    thumbnail,
    write_figures,
)
from taue import Layers, TauePipeline, metrics
from taue.box import Box
from taue.paddy import scenes
from taue.paddy.judge import Judge
from taue.settings import Settings

HARMONIES = (0.0, 0.25, 0.5, 0.75, 1.0)
ROWS = 12

SAME = 60.0
"""Decibels at which pictures count as equal: a mean has no place for infinity."""

COLUMNS = {
    "new-backgrounds": ("subject", "composite", "background", "new composite", "new background"),
    "moves": ("subject", "composite", "moved subject", "moved composite", "its background"),
    "harmony": ("subject", *(f"harmony {level:g}" for level in HARMONIES)),
}
PicturesByKind = dict[str, list[Image.Image]]


def work(
    pipe: TauePipeline, judge: Judge, job: tuple[int, Scenery]
) -> tuple[dict[str, Any], PicturesByKind]:
    """One object through all applications: figures, and pictures for the sheets."""
    index, scenery = job
    # The stages: what has its layer keeps it, whatever harmony asks for later.
    layers = scenery_layers(pipe, scenery, settings=Settings(layering="difference"))
    told: dict[str, Any] = {
        "prompt": scenery.whole,
        "background": scenery.background,
        "seed": scenery.seed,
        "psnr": raw_psnr(layers)["foreground_psnr"],
        "seen": all_there(scenery.objects, judge.look([layers.composite])[0]),
    }
    pictures: PicturesByKind = {}
    told["rebackground"], pictures["new-backgrounds"] = behind(pipe, judge, index, scenery, layers)
    told["move"], pictures["moves"] = moved(pipe, judge, index, scenery, layers)
    told["harmony"], pictures["harmony"] = lit(pipe, scenery, layers)
    return told, {
        name: [thumbnail(p) for p in row] if index < ROWS else [] for name, row in pictures.items()
    }


def behind(
    pipe: TauePipeline, judge: Judge, index: int, scenery: Scenery, layers: Layers
) -> tuple[dict[str, Any], list[Image.Image]]:
    """The same object before another background."""
    grounds = tuple(scenes.BACKGROUNDS)
    other = grounds[(index + 1 + index // len(grounds) % (len(grounds) - 1)) % len(grounds)]
    again = layers.rebackground(pipe, other)
    seen = judge.look([again.composite])[0]
    told = {
        "background": other,
        "psnr": raw_psnr(again)["foreground_psnr"],
        "seen": all_there(scenery.objects, seen),
        "background_seen": seen.background == other,
    }
    row = [layers.subjects[0].image, layers.composite, layers.background]
    return told, [*row, again.composite, again.background]


def moved(
    pipe: TauePipeline, judge: Judge, index: int, scenery: Scenery, layers: Layers
) -> tuple[dict[str, Any] | None, list[Image.Image]]:
    """The object moved and scaled by 0.7 to 1.4 within the canvas; None if there is none."""
    start = alpha_box(alpha_of(layers))
    if start is None:
        return None, []
    rng = np.random.default_rng((SEED, index))
    limit = 0.95 / max(start.width, start.height)
    scale = float(rng.uniform(0.7, min(1.4, limit)))
    width, height = scale * start.width, scale * start.height
    x, y = rng.uniform(0, 1 - width), rng.uniform(0, 1 - height)
    wanted = Box(float(x), float(y), width, height)
    again = layers.move(pipe, 1, wanted)
    end = alpha_box(alpha_of(again))
    told: dict[str, Any] = {
        "scale": scale,
        "psnr": raw_psnr(again)["foreground_psnr"],
        "seen": all_there(scenery.objects, judge.look([again.composite])[0]),
        "position_error_cells": None,
        "scale_error": None,
    }
    if end is not None:
        cells = layers.masks[0].shape[-1]
        told["position_error_cells"] = cells * float(
            np.hypot(*np.subtract(end.centre, wanted.centre))
        )
        told["scale_error"] = abs(float(np.sqrt(end.width * end.height / (width * height))) - 1)
    row = [layers.subjects[0].image, layers.composite, again.subjects[0].image]
    return told, [*row, again.composite, again.background]


def lit(
    pipe: TauePipeline, scenery: Scenery, layers: Layers
) -> tuple[list[dict[str, Any]], list[Image.Image]]:
    """From the foreground's look to the scene's light."""
    lines: list[dict[str, Any]] = []
    row = [layers.subjects[0].image]
    for level in HARMONIES:
        settings = replace(layers.scene.settings, harmony=level, layering="first")
        again = pipe.regrow(replace(layers, scene=layers.scene.by(settings)))
        lines.append(
            {
                "harmony": level,
                "psnr": raw_psnr(again)["foreground_psnr"],
                "layer": layer_psnr(again),
                "followed": followed(again, scenery.background),
                "shadow": contact_shadow(again, scenery.background),
            }
        )
        row.append(again.composite)
    return lines, row


def layer_psnr(layers: Layers) -> float | None:
    """The first subject's layer against its raw foreground, inside what is cut out of that (dB)."""
    cut = layers.cuts[0] if layers.cuts else layers.subjects[0].image
    inside = metrics.inside(np.asarray(cut)[..., 3] / np.float32(255))
    layer, raw = (np.asarray(p)[..., :3] for p in (layers.subjects[0].image, layers.foregrounds[0]))
    found = metrics.psnr(layer, raw, inside)
    return None if found is None else min(found, SAME)


def alpha_of(layers: Layers) -> np.ndarray:
    """The first subject's alpha [H, W] in [0, 1]."""
    return np.asarray(layers.subjects[0].image)[..., 3] / np.float32(255)


def followed(layers: Layers, background: str) -> tuple[float, float] | None:
    r"""How far the object's mean colour went from neutral F towards the scene's light L.

    .. math:: \langle C - F, L - F \rangle, \lVert L - F \rVert^2, \quad L = F \cdot ambient

    The fraction of the way is the first over the second; sums of both over many scenes give the
    least-squares fraction, which no scene of nearly neutral light can spoil.
    """
    within = metrics.inside(alpha_of(layers))
    if not within.any():
        return None
    neutral = np.asarray(layers.foregrounds[0])[within].mean(axis=0)
    found = np.asarray(layers.composite)[within].mean(axis=0)
    way = neutral * np.array(scenes.BACKGROUNDS[background].ambient) - neutral
    return float((found - neutral) @ way), float(way @ way)


def fraction(went: Sequence[tuple[float, float] | None]) -> float:
    """Of the way to the scene's light, over many scenes."""
    known = np.array([one for one in went if one is not None]).sum(axis=0)
    return round(float(known[0] / known[1]), 4)


def mean(values: Sequence[float | bool | None]) -> float:
    """Over what is known."""
    return round(float(np.mean([v for v in values if v is not None])), 4)


def summary(each: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Means over all objects, of each application and of each harmony."""
    told: dict[str, Any] = {
        "objects": len(each),
        "psnr": mean([line["psnr"] for line in each]),
        "seen": mean([line["seen"] for line in each]),
    }
    for name in ("rebackground", "move"):
        done = [(line["seen"], line[name]) for line in each if line[name] is not None]
        told[name] = {
            "count": len(done),
            "psnr": mean([one["psnr"] for _, one in done]),
            "still_seen_of_seen": mean([one["seen"] for seen, one in done if seen]),
        }
    moves = [line["move"] for line in each if line["move"] is not None]
    for name in ("position_error_cells", "scale_error"):
        told["move"][name] = mean([one[name] for one in moves])
    told["rebackground"]["background_seen"] = mean(
        [line["rebackground"]["background_seen"] for line in each]
    )
    told["harmony"] = {
        str(level): {
            "psnr": mean([line["harmony"][i]["psnr"] for line in each]),
            "layer": mean([line["harmony"][i]["layer"] for line in each]),
            "followed": fraction([line["harmony"][i]["followed"] for line in each]),
            "shadow": mean([line["harmony"][i]["shadow"] for line in each]),
        }
        for i, level in enumerate(HARMONIES)
    }
    told["followed_by_background"] = {
        ground: fraction([x["harmony"][-1]["followed"] for x in each if x["background"] == ground])
        for ground in dict.fromkeys(x["background"] for x in each)
    }
    return told


def curve(path: Path, told: dict[str, Any]) -> None:
    """Fidelity and light against harmony."""
    figure, left = plt.subplots(figsize=(5, 3), layout="constrained")
    right = left.twinx()
    levels = [told["harmony"][str(level)] for level in HARMONIES]
    left.plot(HARMONIES, [x["psnr"] for x in levels], "o-", color="tab:blue")
    right.plot(HARMONIES, [x["followed"] for x in levels], "s-", color="tab:orange")
    left.set_xlabel("harmony")
    left.set_ylabel("raw foreground PSNR (dB)", color="tab:blue")
    right.set_ylabel("way to the scene's light", color="tab:orange")
    figure.savefig(path, dpi=110)


def main(
    out: Out,
    model: str = "paddy",
    count: int = 100,
    workers: Annotated[int, typer.Option(help="Processes, one a core.")] = 2,
) -> None:
    """New backgrounds, moves and harmony over the same objects."""
    answers = share_out(work, list(enumerate(sceneries(count, 1))), model, "one object", workers)
    each = [line for line, _ in answers]
    told = summary(each)
    write_figures(out / "one-object.json", told, each)
    for name, columns in COLUMNS.items():
        rows: list[SheetRow] = [(line["prompt"], row[name]) for line, row in answers[:ROWS]]
        sheet(figure_in(out, f"{name}.png"), columns, rows)
    curve(figure_in(out, "harmony-curve.png"), told)


if __name__ == "__main__":
    typer.run(main)
