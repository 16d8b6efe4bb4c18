"""What a model draws by itself: a sheet of fixed prompts through plain diffusers.

python -m benchmarks.plain --model paddy --out docs/figures/paddy-plain.png
"""

from __future__ import annotations

import inspect
import textwrap
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from diffusers import DiffusionPipeline, LCMScheduler
from PIL import Image, ImageDraw

from taue import models

PROMPTS = (
    "a red apple", "a blue car", "a yellow star", "a purple cube", "a white cup", "a pink duck",
    "a black umbrella", "an orange fish", "a green tree", "a brown house", "a red boat",
    "a blue rocket",
    "a sunny beach", "a beach at sunset", "snowy mountains", "a city at night", "a green meadow",
    "a desert", "a dark forest", "the ocean", "a living room", "outer space", "a kitchen",
    "an autumn park",
    "a red apple on a beach at sunset", "a desert with a yellow star",
    "a white cube, a city at night", "a pink mushroom in a dark forest",
    "a purple house in a green meadow",
    "a black cup in a living room", "an orange boat on the ocean", "a brown chair in a kitchen",
    "a blue ball on a sunny beach", "a yellow lamp, a living room", "a red gift in snowy mountains",
    "an autumn park with a white duck",
)  # fmt: skip
COLUMNS, LABEL, TILE = 6, 26, 160


Lora = Annotated[
    Path | None, typer.Option(help="A LoRA for few steps, which LCM's scheduler then takes.")
]
Device = Annotated[str, typer.Option(help="Where the networks run.")]


def load_plain(model: str, lora: Path | None, device: str) -> Any:
    """Plain diffusers' own pipeline of a model, quiet."""
    pipe: Any = DiffusionPipeline.from_pretrained(models.resolve(model).location)
    if lora is not None:
        pipe.load_lora_weights(lora)
        pipe.scheduler = LCMScheduler.from_config(pipe.scheduler.config)
    pipe.set_progress_bar_config(disable=True)
    return pipe.to(device)


def settings(pipe: Any, steps: int | None, guidance: float | None) -> dict[str, Any]:
    """Steps and guidance for a call: the given ones, or else the pipeline's own."""
    own = inspect.signature(pipe.__call__).parameters
    given = {"num_inference_steps": steps, "guidance_scale": guidance}
    return {n: own[n].default if value is None else value for n, value in given.items()}


def main(
    out: Annotated[Path, typer.Option(help="The sheet.")],
    model: str = "paddy",
    steps: int | None = None,
    guidance: float | None = None,
    lora: Lora = None,
    device: Device = "cpu",
) -> None:
    """One picture per prompt; the seed is the prompt's place."""
    pipe = load_plain(model, lora, device)
    side = min(TILE, pipe.default_sample_size * pipe.vae_scale_factor)
    rows = -(-len(PROMPTS) // COLUMNS)
    page = Image.new("RGB", (COLUMNS * (side + 2), rows * (side + LABEL)), "white")
    draw = ImageDraw.Draw(page)
    for index, prompt in enumerate(PROMPTS):
        image = pipe(
            prompt,
            **settings(pipe, steps, guidance),
            generator=torch.Generator().manual_seed(index),
        ).images[0]
        left, top = index % COLUMNS * (side + 2), index // COLUMNS * (side + LABEL)
        page.paste(image.resize((side, side), Image.Resampling.LANCZOS), (left, top + LABEL))
        draw.text((left + 1, top + 1), textwrap.fill(prompt, side // 6), "black", spacing=0)
    page.save(out)


if __name__ == "__main__":
    typer.run(main)
