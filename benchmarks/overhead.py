"""What our loop adds to a pass: nothing planted in it, beside diffusers' own call.

    python -m benchmarks.overhead --out docs

Both draw the same prompt from the same noise to latents, in turn, on one thread; the ratio is that
of process time in each round, so that others' work on the machine is in neither. Writes
``overhead.json``.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
import typer
from diffusers import StableDiffusionXLPipeline
from rich.progress import track

from benchmarks.crew import Out, load_quiet
from taue.backbones import Conditioning
from taue.backbones.sdxl import SDXLBackbone
from taue.cultivate import cultivate
from taue.rows import Row
from taue.settings import Settings

PROMPT, SCALE = "a red apple, a beach at sunset", 5.0


def seconds(call: Callable[[], Any]) -> float:
    """Of the process, which a call takes."""
    began = time.process_time()
    call()
    return time.process_time() - began


def main(out: Out, rounds: int = 12, steps: int = 50, model: str = "paddy") -> None:
    """Draw a prompt both ways, ``rounds`` times after one that warms up."""
    torch.set_num_threads(1)
    pipe = load_quiet(model)
    backbone = SDXLBackbone(pipe, None, None)
    noise = torch.randn(backbone.shape, generator=torch.Generator().manual_seed(1))
    encoded = backbone.encode_prompt(PROMPT, None)
    row = Row(
        "composite", noise, Conditioning((encoded,), encoded, SCALE),
        torch.Generator().manual_seed(1), crop_ratio=0.6,
    )  # fmt: skip
    settings = Settings(num_inference_steps=steps)

    def ours() -> Any:
        return cultivate(backbone, [row], settings)[0].latents

    def theirs() -> Any:
        return StableDiffusionXLPipeline.__call__(
            pipe, prompt_embeds=encoded.prompt, negative_prompt_embeds=encoded.negative,
            pooled_prompt_embeds=encoded.pooled, num_inference_steps=steps, guidance_scale=SCALE,
            negative_pooled_prompt_embeds=encoded.negative_pooled, latents=noise.clone(),
            output_type="latent", return_dict=False,
        )[0]  # fmt: skip

    apart = (ours() - theirs()).abs().max().item()
    pairs = [(seconds(ours), seconds(theirs)) for _ in track(range(rounds), "rounds")]
    told = {
        "rounds": rounds,
        "steps": steps,
        "threads": 1,
        "latents_apart": apart,
        "seconds": round(statistics.median(b for _, b in pairs), 3),
        "ratio": round(statistics.median(a / b for a, b in pairs), 3),
    }
    (out / "overhead.json").write_text(json.dumps(told, indent=1) + "\n")
    typer.echo(told)


if __name__ == "__main__":
    typer.run(main)
