"""Do objects go where their boxes say? Boxes against the bounding boxes of alpha, on paddy.

python -m benchmarks.layout --model paddy --out docs
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated

import matplotlib.pyplot as plt
import numpy as np
import torch
import typer

from benchmarks.crew import Out, figure_in, share_out
from benchmarks.sceneries import write_figures
from taue import TauePipeline, matte, stages
from taue.backbones.sdxl import SDXLBackbone
from taue.box import Box
from taue.noise import NoiseSource
from taue.paddy.judge import Judge
from taue.paddy.scenes import ASPECT, COLOURS, KINDS, object_caption
from taue.settings import Settings

SEED, BATCH = 20261122, 8
SIDES, STRETCH = (0.3, 0.6), 0.15
"""The longer side of a box, and how far its aspect may be from its kind's own."""


@dataclass(frozen=True)
class Wish:
    """One object and where it is wanted."""

    colour: str
    kind: str
    box: Box


def wishes(count: int) -> list[Wish]:
    """Seeded objects in boxes of about their own aspect, anywhere inside the canvas."""
    rng = np.random.default_rng(SEED)
    made: list[Wish] = []
    for index in range(count):
        kind = KINDS[index % len(KINDS)]
        colour = tuple(COLOURS)[int(rng.integers(len(COLOURS)))]
        longer = rng.uniform(*SIDES)
        aspect = ASPECT[kind] * rng.uniform(1 - STRETCH, 1 + STRETCH)
        width, height = (longer, longer / aspect) if aspect > 1 else (longer * aspect, longer)
        x, y = rng.uniform(0, 1 - width), rng.uniform(0, 1 - height)
        made.append(Wish(colour, kind, Box(float(x), float(y), float(width), float(height))))
    return made


def alpha_box(alpha: np.ndarray) -> Box | None:
    """The bounding box of alpha over one half [H, W], None if there is none."""
    rows = np.flatnonzero((alpha > 0.5).any(axis=1))
    columns = np.flatnonzero((alpha > 0.5).any(axis=0))
    if not len(rows):
        return None
    height, width = alpha.shape
    left, top = int(columns[0]) / width, int(rows[0]) / height
    right, bottom = (int(columns[-1]) + 1) / width, (int(rows[-1]) + 1) / height
    return Box(left, top, right - left, bottom - top)


@torch.no_grad()
def foregrounds_alone(
    pipe: TauePipeline, _judge: Judge, job: tuple[bool, int, list[Wish]]
) -> list[dict[str, float]]:
    """A batch of foregrounds alone: the later stages do not move the object."""
    fits, first, batch = job
    settings = replace(Settings(), layering="difference", placement="fit" if fits else "suggest")
    backbone = SDXLBackbone(pipe)
    prompts = [object_caption(wish.colour, wish.kind) for wish in batch]
    conditions = [
        stages.SubjectCondition(
            number,
            backbone.encode_prompt(prompt, None),
            backbone.keys[settings.key_for(prompt)],
            wish.box,
            fits,
            settings.crop_ratio,
        )
        for number, (prompt, wish) in enumerate(zip(prompts, batch, strict=True), first)
    ]
    context = stages.Context(backbone, settings, NoiseSource(SEED), lambda step: None)
    found: list[dict[str, float]] = []
    for wish, grown in zip(batch, stages.foregrounds(context, conditions), strict=True):
        picture = backbone.decode(grown.latents)[0]
        box = alpha_box(matte.extract(picture, grown.seedling.mask)[3].numpy())
        if box is None:
            found.append({"iou": 0.0, "stretch": float("nan")})
            continue
        stretch = box.width / box.height / ASPECT[wish.kind] - 1
        found.append({"iou": box.iou(wish.box), "stretch": stretch})
    return found


def summary(found: list[dict[str, float]]) -> dict[str, float]:
    ious = np.array([one["iou"] for one in found])
    stretch = np.abs([one["stretch"] for one in found])
    return {
        "median_iou": round(float(np.median(ious)), 3),
        "share_above_half": round(float((ious > 0.5).mean()), 3),
        "share_within_15_percent_of_own_aspect": round(float((stretch <= STRETCH).mean()), 3),
    }


def main(
    out: Out,
    model: str = "paddy",
    count: int = 200,
    workers: Annotated[int, typer.Option(help="Processes, one a core.")] = 2,
) -> None:
    """Both ways of honouring boxes on the same wishes."""
    asked = wishes(count)
    batches = [(start + 1, asked[start : start + BATCH]) for start in range(0, count, BATCH)]
    results: dict[str, list[dict[str, float]]] = {}
    for name, fits in {"fit": True, "suggest": False}.items():
        answers = share_out(
            foregrounds_alone, [(fits, *batch) for batch in batches], model, name, workers
        )
        results[name] = [one for answer in answers for one in answer]
    told = {name: summary(found) for name, found in results.items()}
    write_figures(out / "layout.json", told, results)
    figure, axes = plt.subplots(figsize=(6, 3), layout="constrained")
    for name, found in results.items():
        ious = [one["iou"] for one in found]
        axes.hist(ious, bins=np.linspace(0, 1, 21).tolist(), alpha=0.6, label=name)
    axes.set(xlabel="IoU of the box and the bounding box of alpha", ylabel=f"of {count} objects")
    axes.legend()
    figure.savefig(figure_in(out, "layout.png"), dpi=110)


if __name__ == "__main__":
    typer.run(main)
