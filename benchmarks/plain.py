"""What paddy draws by itself: a sheet of fixed prompts through plain diffusers.

python benchmarks/plain.py --model paddy --out docs/paddy-plain.png
"""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Annotated

import torch
import typer
from diffusers import StableDiffusionXLPipeline
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


def main(
    out: Annotated[Path, typer.Option(help="The sheet.")],
    model: str = "paddy",
    steps: int = 50,
    guidance: float = 5.0,
) -> None:
    """One picture per prompt; the seed is the prompt's place."""
    pipe = StableDiffusionXLPipeline.from_pretrained(models.resolve(model).location)
    pipe.set_progress_bar_config(disable=True)
    side = min(TILE, pipe.unet.config.sample_size * pipe.vae_scale_factor)
    rows = -(-len(PROMPTS) // COLUMNS)
    page = Image.new("RGB", (COLUMNS * (side + 2), rows * (side + LABEL)), "white")
    draw = ImageDraw.Draw(page)
    for index, prompt in enumerate(PROMPTS):
        image = pipe(
            prompt,
            num_inference_steps=steps,
            guidance_scale=guidance,
            generator=torch.Generator().manual_seed(index),
        ).images[0]
        left, top = index % COLUMNS * (side + 2), index // COLUMNS * (side + LABEL)
        page.paste(image.resize((side, side), Image.Resampling.LANCZOS), (left, top + LABEL))
        draw.text((left + 1, top + 1), textwrap.fill(prompt, side // 6), "black", spacing=0)
    page.save(out)


if __name__ == "__main__":
    typer.run(main)
