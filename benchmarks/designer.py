"""Layers measured as a designer looks at them, and a sheet to look at.

    python -m benchmarks.designer --out docs

Grows 100 pairs of one subject and a background, with the seeds of ``SEED`` on which nothing was
tuned, and writes ``designer.json``, every pair's figures with their medians and worst tenths, and
``designer-1.png`` to ``designer-4.png``: pairs 0 to 39, unchosen. Of each pair the background, the
composite, the effects on grey and the subject on white, magenta and black. Of another ``--quality``
than the default the files are ``designer-QUALITY.json`` and so on.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from benchmarks.crew import Out, figure_in, share_out
from benchmarks.pair import OneSubject
from taue import Layers, TauePipeline
from taue.evaluation.opened import figures, pasted, shadow_figures, weighted_psnr
from taue.paddy import scenes
from taue.paddy.judge import Judge, Sighting
from taue.settings import Settings

SEED, COUNT, SHOWN, ON_A_SHEET = 1312, 100, 40, 10
DEFAULT = Settings().quality
HIGHER = {
    "iou", "cutout_db", "rawcut_db", "healed_iou", "healed_cut_db", "healed_db", "healed_near_db",
    "shadow_held", "shadow_iou", "control_shadow_held", "control_shadow_iou", "right", "raw_right",
    "colour_on_grey", "whole", "whole_iou", "same_iou", "same_db",
}  # fmt: skip
"""Figures of which more is better: their worst tenth is the lowest."""

TILE = 160
BACKDROPS = ((255, 255, 255), (255, 0, 255), (0, 0, 0))
GREY = (128, 128, 128)

SheetImages = list[Image.Image]


def pairs(count: int = COUNT) -> list[OneSubject]:
    """The fixed pairs: kinds, colours and backgrounds come up about equally."""
    rng = np.random.default_rng(SEED)

    def dealt(words: list[str]) -> list[str]:
        rounds = -(-count // len(words))
        return [str(w) for _ in range(rounds) for w in rng.permutation(words)][:count]

    colours, kinds = dealt(list(scenes.COLOURS)), dealt(list(scenes.KINDS))
    grounds = dealt(list(scenes.BACKGROUNDS))
    seeds = rng.integers(2**31, size=count)
    return [
        OneSubject(c, k, g, int(s))
        for c, k, g, s in zip(colours, kinds, grounds, seeds, strict=True)
    ]


@dataclass(frozen=True)
class DesignerJob:
    """A pair, the form and quality its layers are to have, and the folder that keeps them, if
    any."""

    pair: OneSubject
    layering: str
    quality: str
    kept: Path | None


def pair_layers(pipe: TauePipeline, job: DesignerJob) -> Layers:
    """One pair's layers, with the defaults otherwise."""
    return pipe(
        subjects=[job.pair.subject],
        background=job.pair.background,
        generator=torch.Generator().manual_seed(job.pair.seed),
        settings=Settings(layering=job.layering, quality=job.quality),
    )


def opened_pair(
    pipe: TauePipeline, judge: Judge, job: DesignerJob
) -> tuple[dict[str, float | None], NDArray[np.uint8], list[str]]:
    """A pair's figures, its row of the sheet, and what its user was warned of."""
    layers = pair_layers(pipe, job)
    if job.kept is not None:
        layers.save(job.kept)
    return designer_figures(judge, job.pair, layers), row(layers), layers.warnings


def designer_figures(judge: Judge, pair: OneSubject, layers: Layers) -> dict[str, float | None]:
    """What a designer sees of one subject's layers; see :mod:`taue.evaluation.opened`."""
    stack = layers.stack()
    subject, effects = stack.of("subject")[0].pixels, stack.of("effects")
    shade = np.max([e.pixels[..., 3] for e in effects], axis=0) / 255
    composite, background = np.asarray(layers.composite), np.asarray(layers.background)
    raw = composite if layers.raw_composite is None else np.asarray(layers.raw_composite)
    healed = composite if layers.healed is None else np.asarray(layers.healed)
    alpha = subject[..., 3:] / 255
    on_grey = (subject[..., :3] * alpha + 128 * (1 - alpha)).round().astype(np.uint8)
    seen, of_healed, of_raw, alone = judge.look([composite, healed, raw, on_grey])
    cut = np.asarray(layers.subjects[0].image)
    pictures = (background, subject, cut, shade)
    found: dict[str, float | None] = dict(figures(composite, *pictures, mask=mask(seen, pair.kind)))
    against = figures(healed, *pictures, mask=mask(of_healed, pair.kind))
    ground = scenes.BACKGROUNDS[pair.background].ground
    found |= {
        "healed_iou": against["iou"],
        "healed_left": against["left"],
        "healed_cut_db": against["rawcut_db"],
        "healed_db": weighted_psnr(composite, healed, np.ones(shade.shape)),
        "healed_near_db": weighted_psnr(composite, healed, near(alpha[..., 0])),
        "right": float(right(seen, pair)),
        "raw_right": float(right(of_raw, pair)),
        "colour_on_grey": float(any(o.colour == pair.colour for o in alone.objects)),
    }
    light = np.asarray(healed), background, alpha[..., 0]
    for name, effect in (("", shade), ("control_", pasted(alpha[..., 0]))):
        held = shadow_figures(*light, effect)
        found |= {f"{name}{figure}": held[figure] if ground else None for figure in held}
    return found


def near(alpha: NDArray[np.floating], pixels: int = 32) -> NDArray[np.floating]:
    """1 within so many pixels of an object, 0 elsewhere."""
    return (np.asarray(ndimage.distance_transform_edt(alpha <= 0)) <= pixels).astype(float)


def mask(seen: Sighting, kind: str) -> NDArray[np.bool_]:
    """Where the judge sees an object of the kind, the largest one; nowhere if it sees none."""
    found = [o.mask for o in seen.objects if o.kind == kind]
    return max(found, key=np.count_nonzero) if found else np.zeros(seen.mask.shape, bool)


def right(seen: Sighting, pair: OneSubject) -> bool:
    """Whether exactly the one object is seen, before its background."""
    named = [(o.colour, o.kind) for o in seen.objects]
    return named == [(pair.colour, pair.kind)] and seen.background == pair.background


def row(layers: Layers) -> NDArray[np.uint8]:
    """A pair as a designer opens it, one tile beside the other."""
    stack = layers.stack()
    subject, effects = stack.of("subject")[0].pixels, stack.of("effects")
    tiles = [np.asarray(layers.background), np.asarray(layers.composite)]
    tiles += [on(effects[0].pixels, GREY), *(on(subject, colour) for colour in BACKDROPS)]
    return np.concatenate([np.asarray(Image.fromarray(t).resize((TILE, TILE))) for t in tiles], 1)


def on(layer: NDArray[np.uint8], colour: tuple[int, int, int]) -> NDArray[np.uint8]:
    """A layer over a plain colour."""
    alpha = layer[..., 3:] / 255
    return (layer[..., :3] * alpha + np.array(colour) * (1 - alpha)).round().astype(np.uint8)


def summed(rows: list[dict[str, float | None]]) -> dict[str, dict[str, float]]:
    """Mean, median and worst tenth of each figure, over the pairs that have it."""
    table: dict[str, dict[str, float]] = {}
    for name in rows[0]:
        values = [value for one in rows if (value := one[name]) is not None]
        if not values:
            continue
        worst = float(np.quantile(values, 0.1 if name in HIGHER else 0.9))
        table[name] = {
            "mean": round(float(np.mean(values)), 4),
            "median": round(float(np.median(values)), 4),
            "worst_tenth": round(worst, 4),
        }
    return table


def main(
    out: Out = Path("designer"),
    count: int = COUNT,
    model: str = "paddy",
    workers: int = 2,
    layering: str = "first",
    quality: str = DEFAULT,
    keep: Annotated[Path | None, typer.Option(help="Keep the shown pairs' layers here.")] = None,
) -> None:
    """Grow the pairs, measure their layers, draw the sheets."""
    chosen = pairs()[:count]
    kept = [keep / f"{i:02}" if keep and i < SHOWN else None for i in range(count)]
    jobs = [
        DesignerJob(pair, layering, quality, folder)
        for pair, folder in zip(chosen, kept, strict=True)
    ]
    name = "designer" if quality == DEFAULT else f"designer-{quality}"
    answers = share_out(opened_pair, jobs, model, "layers", workers)
    rows = [figures_ for figures_, _, _ in answers]
    told: dict[str, Any] = {
        "sum": summed(rows),
        "pairs": [
            {"subject": j.subject, "background": j.background, "seed": j.seed}
            | {name: None if v is None else round(v, 4) for name, v in figures_.items()}
            | ({"warnings": warnings} if warnings else {})
            for j, (figures_, _, warnings) in zip(chosen, answers, strict=True)
        ],
    }
    (out / f"{name}.json").write_text(json.dumps(told, indent=1) + "\n")
    pictures = [picture for _, picture, _ in answers[:SHOWN]]
    for start in range(0, len(pictures), ON_A_SHEET):
        sheet = np.concatenate(pictures[start : start + ON_A_SHEET])
        Image.fromarray(sheet).save(figure_in(out, f"{name}-{start // ON_A_SHEET + 1}.png"))
    for figure, values in told["sum"].items():
        typer.echo(f"{figure:15s} " + " ".join(f"{k} {v:.3f}" for k, v in values.items()))


if __name__ == "__main__":
    typer.run(main)
