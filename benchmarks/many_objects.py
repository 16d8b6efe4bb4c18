"""Two and three objects in one composite, judged against plain generation from one prompt.

    python -m benchmarks.many_objects --out docs

Writes ``many-objects.json`` and the sheet ``many-objects.png``: plain generation left, ours right.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, cast

import numpy as np
import torch
import typer
from diffusers import StableDiffusionXLPipeline
from PIL import Image

from benchmarks.crew import Out, figure_in, share_out
from benchmarks.sceneries import (
    Scenery,
    SheetRow,
    all_there,
    sceneries,
    scenery_layers,
    sheet,
    thumbnail,
    write_figures,
)
from taue import TauePipeline
from taue.flaws import Flaw
from taue.paddy.judge import Judge

ROWS = 6
COLUMNS = ("one prompt", "composite", "background", "subject 1", "subject 2", "subject 3")


def work(
    pipe: TauePipeline, judge: Judge, scenery: Scenery
) -> tuple[dict[str, Any], list[Image.Image]]:
    """One scene made both ways: the judge's answers and the pictures, small."""
    layers = scenery_layers(pipe, scenery)
    plain_pipe = StableDiffusionXLPipeline(**pipe.components)
    plain_pipe.set_progress_bar_config(disable=True)
    drawn = plain_pipe(scenery.whole, generator=torch.Generator().manual_seed(scenery.seed))
    plain = cast("Any", drawn).images[0]
    ours, theirs = judge.look([layers.composite, plain])
    count = len(scenery.objects)
    line = {
        "prompt": scenery.whole,
        "objects": count,
        "seed": scenery.seed,
        "ours": all_there(scenery.objects, ours),
        "plain": all_there(scenery.objects, theirs),
        "ours_seen": len(ours.objects),
        "plain_seen": len(theirs.objects),
        "background": ours.background == scenery.background,
        "unseparated": sum(Flaw.UNTOLD in warning for warning in layers.warnings),
    }
    cut = [one.image for one in layers.subjects]
    return line, [thumbnail(p) for p in (plain, layers.composite, layers.background, *cut)]


def summary(each: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Shares of fully right scenes by the number of objects, and what is asked of them."""
    told: dict[str, Any] = {}
    for count in sorted({line["objects"] for line in each}):
        some = [line for line in each if line["objects"] == count]
        told[str(count)] = {
            "scenes": len(some),
            **{way: round(float(np.mean([x[way] for x in some])), 4) for way in ("ours", "plain")},
            "ours_more_than_asked": _more(some, "ours"),
            "plain_more_than_asked": _more(some, "plain"),
            "background_right": round(float(np.mean([x["background"] for x in some])), 4),
        }
    several = [line for line in each if line["objects"] > 1]
    told["wrong_of_several"] = {
        way: int(sum(not line[way] for line in several)) for way in ("ours", "plain")
    }
    return told


def _more(lines: Sequence[dict[str, Any]], way: str) -> float:
    return round(float(np.mean([x[f"{way}_seen"] > x["objects"] for x in lines])), 4)


def main(
    out: Out,
    model: str = "paddy",
    count: Annotated[int, typer.Option(help="Scenes of two objects, and of three.")] = 100,
    workers: Annotated[int, typer.Option(help="Processes, one a core.")] = 2,
) -> None:
    """Composites against plain generation from one prompt naming all objects."""
    jobs = [one for objects in (2, 3) for one in sceneries(count, objects)]
    answers = share_out(work, jobs, model, "many objects", workers)
    shown = [*answers[:ROWS], *answers[count : count + ROWS]]
    rows: list[SheetRow] = [(line["prompt"], pictures) for line, pictures in shown]
    each = [line for line, _ in answers]
    write_figures(out / "many-objects.json", summary(each), each)
    sheet(figure_in(out, "many-objects.png"), COLUMNS, rows)


if __name__ == "__main__":
    typer.run(main)
