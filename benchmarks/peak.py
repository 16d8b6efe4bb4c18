"""What layers take of memory at SDXL's full size: counted, without any of it.

    python -m benchmarks.peak --out docs

SDXL's UNet and autoencoder are built of tensors that have sizes and no numbers, and called as
scenes of one, two, four and eight subjects call them at 1024 x 1024: foregrounds side by side and
in turn, listened to; a composite with a prompt for each region; pictures decoded and encoded.
PyTorch's own tracker says what is alive at most. Weights are in half precision, the autoencoder in
single, as diffusers uses SDXL's. Writes ``peak.json``: GiB, and ratios to a plain picture's.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import torch
import typer
from diffusers import AutoencoderKL, UNet2DConditionModel
from rich.progress import track
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.distributed._tools.mem_tracker import MemTracker
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from benchmarks.counted import Call, prediction
from benchmarks.crew import Out
from benchmarks.full_size import UNET, VAE
from taue.backbones.cross_attention import AttentionTap, installed
from taue.memory import GIBIBYTE

SUBJECTS = (1, 2, 4, 8)
CELLS, PIXELS, TOKENS, LISTENED = 128, 1024, 77, (1, 2, 3)
ENCODERS = (
    (CLIPTextModel, {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12}),
    (
        CLIPTextModelWithProjection,
        {
            "hidden_size": 1280,
            "intermediate_size": 5120,
            "num_hidden_layers": 32,
            "num_attention_heads": 20,
            "projection_dim": 1280,
        },
    ),
)
"""SDXL's text encoders, where they are not defaults."""


def beyond(module: Any, call: Callable[[], object]) -> int:
    """Bytes that a call takes at its peak besides a model's weights."""
    tracker = MemTracker()
    tracker.track_external(module)
    with tracker, torch.no_grad():
        call()
    [snapshot] = tracker.get_tracker_snapshot("peak").values()
    return int(snapshot["Total"]) - module.get_memory_footprint(return_buffers=False)


def unet_call(unet: Any, samples: int, prompts: int = 1, *, listened: bool = False) -> int:
    """Bytes of one prediction of so many samples, each with so many prompts, besides weights."""
    tap = AttentionTap([LISTENED] * (samples // 2), CELLS, CELLS, TOKENS)
    call = Call(samples, CELLS, CELLS, prompts)
    with (
        installed(unet, tap.wrap) if listened else nullcontext(),
        prediction(unet, call, TOKENS, dtype=torch.float16) as predict,
    ):
        return beyond(unet, predict)


def every_part() -> dict[str, Any]:
    """Bytes of every part: its weights, and what its calls take besides."""
    with torch.device("meta"):
        encoders = [
            kind(CLIPTextConfig(vocab_size=49408, **changes)).half() for kind, changes in ENCODERS
        ]
    told: dict[str, Any] = {
        "encoders": sum(one.get_memory_footprint(return_buffers=False) for one in encoders)
    }
    with FakeTensorMode():
        torch.set_default_dtype(torch.float16)  # models of such tensors are not cast
        unet = UNet2DConditionModel(**UNET)
        torch.set_default_dtype(torch.float32)
        vae = AutoencoderKL(**VAE)
        told["unet"] = {"weights": unet.get_memory_footprint(return_buffers=False)}
        calls = [("plain", 2, 1, False)]
        calls += [(f"foregrounds, {n}", 2 * n, 1, True) for n in SUBJECTS]
        calls += [(f"composite, {n}", 2, n + 1, False) for n in SUBJECTS]
        for name, samples, prompts, listened in track(calls, "UNet"):
            told["unet"][name] = unet_call(unet, samples, prompts, listened=listened)
        told["vae"] = {"weights": vae.get_memory_footprint(return_buffers=False)}
        latents = torch.empty(1, 4, CELLS, CELLS)
        told["vae"]["decode"] = beyond(vae, lambda: vae.decode(latents))
        picture = torch.empty(1, 3, PIXELS, PIXELS)
        told["vae"]["encode"] = beyond(vae, lambda: vae.encode(picture))
    return told


def peaks(told: dict[str, Any]) -> dict[str, int]:
    """The most that is alive at once: of a plain picture with everything loaded, and of scenes
    like that and in low memory."""
    unet, vae = told["unet"], told["vae"]
    loaded = told["encoders"] + unet["weights"] + vae["weights"]
    most = {"plain": loaded + max(unet["plain"], vae["decode"])}
    for n in SUBJECTS:
        scene = unet[f"composite, {n}"]
        at_once = max(unet[f"foregrounds, {n}"], scene, vae["decode"], vae["encode"])
        most[f"normal, {n}"] = loaded + at_once
        apart = (
            told["encoders"],
            unet["weights"] + max(unet["foregrounds, 1"], scene),
            vae["weights"] + max(vae["decode"], vae["encode"]),
        )
        most[f"low, {n}"] = max(apart)
    most["plain, offloaded"] = max(
        told["encoders"], unet["weights"] + unet["plain"], vae["weights"] + vae["decode"]
    )
    return most


def main(out: Out) -> None:
    """Count, and write and say it."""
    told = every_part()
    most = peaks(told)
    written = {
        "bytes": told,
        "gib": {name: round(value / GIBIBYTE, 2) for name, value in most.items()},
        "of_plain": {name: round(value / most["plain"], 3) for name, value in most.items()},
    }
    (out / "peak.json").write_text(json.dumps(written, indent=1) + "\n")
    for name, value in written["gib"].items():
        typer.echo(f"{name:20}{value:8.2f} GiB{written['of_plain'][name]:8.3f}")


if __name__ == "__main__":
    typer.run(main)
