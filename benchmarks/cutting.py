"""What layers cost besides the model, by the canvas's side: cutting out, lighting, shading.

    python -m benchmarks.cutting --out docs

Scenes of one subject are drawn by paddy in twelve steps; of the processor's seconds, on one thread,
those of UNet and autoencoder stand apart (:mod:`benchmarks.cost`). What is left is what a larger
model takes as well, on the CPU, whatever draws the pictures. Writes ``cutting.json``.
"""

from __future__ import annotations

import json
import statistics
from typing import Any

import torch
import typer
from rich.progress import track

from benchmarks.cost import Way, drawer, timed_drawing
from benchmarks.crew import Out
from benchmarks.designer import pairs
from taue import run

STEPS = 12
SIDES = (256, 512, 1024)


def main(out: Out, count: int = 4) -> None:
    """Draw so many scenes at each size and say what is spent besides the model."""
    torch.set_num_threads(1)
    ways = {
        side: Way(f"{side}", True, {"steps": STEPS, "canvas": {"width": side, "height": side}})
        for side in SIDES
    }
    first = ways[SIDES[0]].scene(pairs(1)[0])
    pipe = run.load(first, torch.device("cpu"), torch.float32)
    pipe.set_progress_bar_config(disable=True)
    told: dict[str, Any] = {"scenes": count, "steps": STEPS, "seconds": {}}
    for side, way in ways.items():
        rests = []
        for pair in track(pairs(count), f"{side} pixels"):
            scene = way.scene(pair)
            cost, _ = timed_drawing(drawer(way, pipe), pipe, scene)
            rests.append(cost["seconds"] - cost["model_seconds"])
        seconds: dict[str, Any] = {
            "median": round(statistics.median(rests), 2),
            "all": [round(rest, 2) for rest in rests],
        }
        told["seconds"][str(side)] = seconds
        typer.echo(f"{side:5} pixels: {seconds['median']} s")
    (out / "cutting.json").write_text(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    typer.run(main)
