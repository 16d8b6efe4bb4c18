"""What every kind of prediction takes at SDXL's full size, without a GPU: seconds and memory.

    python -m benchmarks.full_size_cpu --out docs

A scene of one subject is drawn by paddy in each quality, one of two in the default, and the calls
of its UNet are written down by their stages. SDXL's own UNet, with random weights in bfloat16, then
predicts each of them twice at 512 x 512, a window the same share of the canvas: what is alive at
most besides the weights, and how long the second one takes beside a plain picture's, which is
predicted at once after it. torch counts the FLOPs, as :mod:`benchmarks.counted` does. Writes
``full-size-cpu.json``.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Annotated, Any

import torch
import typer
from diffusers import UNet2DConditionModel
from rich.progress import track

from benchmarks.counted import Architecture, Call, grid, prediction, scene, work
from benchmarks.crew import Out, load_quiet
from benchmarks.full_size import UNET
from benchmarks.peak import TOKENS, beyond
from taue.memory import GIBIBYTE

CELLS = 64
PLAIN = Call(2, CELLS, CELLS, 1)
SCENES = (("balanced", 1), ("fast", 1), ("best", 1), ("balanced", 2))


def kinds(model: str) -> dict[Call, list[str]]:
    """Calls of the scenes at ``CELLS`` a side, and the stages that make them."""
    pipe = load_quiet(model)
    own = int(pipe.network.config["sample_size"])
    tokens = pipe.encode_prompt("a")[0].shape[1]
    found: dict[Call, list[str]] = {PLAIN: ["plain"]}
    for quality, count in SCENES:
        for stages in work(pipe, tokens, scene(0, quality, grid(count))).values():
            for stage, calls in stages.items():
                for call in calls:
                    rows, columns = (side * CELLS // own for side in (call.rows, call.columns))
                    names = found.setdefault(replace(call, rows=rows, columns=columns), [])
                    if stage not in names:
                        names.append(stage)
    return found


def seconds_of(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


@torch.no_grad()
def main(out: Out, model: str = "paddy", threads: Annotated[int, typer.Option()] = 2) -> None:
    """Predict every kind, and write and say it."""
    torch.set_num_threads(1)
    found = kinds(model)
    torch.set_num_threads(threads)
    counted = Architecture.of(UNET, TOKENS)
    torch.set_default_dtype(torch.bfloat16)
    unet = UNet2DConditionModel(**UNET).eval()
    torch.set_default_dtype(torch.float32)
    plain_tera = counted.gflops(PLAIN) / 1000
    rows: list[dict[str, Any]] = []
    for call, stages in track(found.items(), "kinds"):
        tera = counted.gflops(call) / 1000
        with prediction(unet, call, TOKENS, dtype=torch.bfloat16) as predict:
            gib = beyond(unet, predict) / GIBIBYTE
            seconds = seconds_of(predict)
        with prediction(unet, PLAIN, TOKENS, dtype=torch.bfloat16) as predict:
            plain_seconds = seconds_of(predict)
        rows.append(
            asdict(call)
            | {"stages": stages, "tflops": round(tera, 3), "gib": round(gib, 3)}
            | {"seconds": round(seconds, 2), "plain_seconds": round(plain_seconds, 2)}
            | {"flops_of_plain": round(tera / plain_tera, 3)}
            | {"seconds_of_plain": round(seconds / plain_seconds, 3)}
        )
        typer.echo(json.dumps(rows[-1]))
    weights = unet.get_memory_footprint() / GIBIBYTE
    told = {"side": 8 * CELLS, "threads": threads, "weights_gib": round(weights, 2), "kinds": rows}
    (out / "full-size-cpu.json").write_text(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    typer.run(main)
