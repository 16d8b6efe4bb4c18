"""What every kind of prediction takes at SDXL's full size, without a GPU: seconds and memory.

    python -m benchmarks.full_size_cpu --out docs

A scene of one subject is drawn by paddy in each quality, one of two in the default, and the calls
of its UNet are written down by their stages. SDXL's own UNet, with random weights in bfloat16, then
predicts each of them twice at 512 x 512, a window the same share of the canvas, and says how long
the second took and what was alive at most besides the weights; torch counts the FLOPs, as
:mod:`benchmarks.counted` does. Writes ``full-size-cpu.json``. Linux alone tells the most memory.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from diffusers import UNet2DConditionModel
from rich.progress import track

from benchmarks.counted import Architecture, Call, grid, prediction, scene, work
from benchmarks.crew import Out, load_quiet
from benchmarks.full_size import UNET
from taue.memory import GIBIBYTE

CELLS, TOKENS = 64, 77
PLAIN = "plain"
SCENES = (("balanced", 1), ("fast", 1), ("best", 1), ("balanced", 2))
STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def kinds(model: str) -> dict[Call, list[str]]:
    """Calls of the scenes at ``CELLS`` a side, and the stages that make them."""
    pipe = load_quiet(model)
    own = int(pipe.network.config["sample_size"])
    tokens = pipe.encode_prompt("a")[0].shape[1]
    found: dict[Call, list[str]] = {Call(2, CELLS, CELLS, 1): [PLAIN]}
    for quality, count in SCENES:
        for stages in work(pipe, tokens, scene(0, quality, grid(count))).values():
            for stage, calls in stages.items():
                for call in calls:
                    rows, columns = (side * CELLS // own for side in (call.rows, call.columns))
                    names = found.setdefault(replace(call, rows=rows, columns=columns), [])
                    if stage not in names:
                        names.append(stage)
    return found


def measured(call: Callable[[], object]) -> tuple[float, float]:
    """Seconds of a second call, and the GiB that the process grew by at most."""
    call()
    before = resident("VmRSS")
    RESET.write_text("5")
    began = time.perf_counter()
    call()
    return time.perf_counter() - began, resident("VmHWM") - before


def resident(name: str) -> float:
    """GiB of the process, now ("VmRSS") or at most since that was reset ("VmHWM")."""
    found = re.search(rf"{name}:\s+(\d+) kB", STATUS.read_text())
    return int(found[1]) * 1024 / GIBIBYTE if found else float("nan")


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
    rows: list[dict[str, Any]] = []
    for call, stages in track(found.items(), "kinds"):
        with prediction(unet, call, TOKENS, dtype=torch.bfloat16) as predict:
            seconds, grown = measured(predict)
        tera = counted.gflops(call) / 1000
        rows.append(
            asdict(call)
            | {"stages": stages, "seconds": round(seconds, 2), "gib": round(grown, 2)}
            | {"tflops": round(tera, 3), "tflops_a_second": round(tera / seconds, 3)}
        )
    plain = rows[0]
    for row in rows:
        row["of_plain"] = {
            name: round(row[name] / plain[name], 3) for name in ("seconds", "tflops", "gib")
        }
        typer.echo(json.dumps(row))
    weights = unet.get_memory_footprint() / GIBIBYTE
    told = {"side": 8 * CELLS, "threads": threads, "weights_gib": round(weights, 2), "kinds": rows}
    (out / "full-size-cpu.json").write_text(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    typer.run(main)
