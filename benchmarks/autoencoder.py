"""paddy's autoencoder on pictures that it never saw: PSNR of the round trip, and a sheet.

python -m benchmarks.autoencoder --model paddy --sheet sheet.png
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from diffusers import AutoencoderTiny
from PIL import Image

from taue import models
from taue.paddy.train.data import picture, to_tensor

UNSEEN_SEED = 1_000_003
"""No training run has this seed, so none of its pictures was trained on."""


@torch.no_grad()
def main(
    model: str = "paddy",
    vae: Annotated[Path | None, typer.Option(help="A VAE's folder instead of a model's.")] = None,
    count: int = 200,
    side: Annotated[int, typer.Option(help="Side of the pictures in pixels.")] = 256,
    sheet: Annotated[Path | None, typer.Option(help="Originals over round trips.")] = None,
) -> None:
    """Print PSNR (mean, of the mean error, median picture) and the latents' statistics."""
    folder = vae or Path(models.resolve(model).location) / "vae"
    network = AutoencoderTiny.from_pretrained(folder).eval()
    scale = float(network.config["scaling_factor"])
    images = np.stack([picture(UNSEEN_SEED, i, side)[0] for i in range(count)])
    pictures = to_tensor(images)
    latents = torch.cat([network.encode(p).latents for p in pictures.split(20)])
    decoded = torch.cat([network.decode(part).sample for part in latents.split(20)]).clamp(-1, 1)
    errors = ((decoded - pictures) / 2).square().mean(dim=(1, 2, 3))
    key = torch.tensor([0.0, 1.0, 1.0, 0.0]).view(1, 4, 1, 1).expand(1, 4, 16, 16)
    green = (network.decode(key / scale).sample[0, :, 32:-32, 32:-32].mean(dim=(1, 2)) + 1) * 127.5
    found = {
        "psnr_mean": round(-10 * errors.log10().mean().item(), 2),
        "psnr_of_mean_error": round(-10 * errors.mean().log10().item(), 2),
        "psnr_median": round(-10 * errors.median().log10().item(), 2),
        "scaled_latent_std": [round(s, 3) for s in (latents * scale).std(dim=(0, 2, 3)).tolist()],
        "scaled_latent_mean": [round(m, 3) for m in (latents * scale).mean(dim=(0, 2, 3)).tolist()],
        "key_0110_decodes_to": [round(c) for c in green.tolist()],
    }
    print(json.dumps(found))
    if sheet:
        shown = torch.cat([pictures[:12], decoded[:12]])
        array = ((shown + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()
        rows = [np.concatenate(list(array[i : i + 12]), axis=1) for i in (0, 12)]
        Image.fromarray(np.concatenate(rows)).save(sheet)


if __name__ == "__main__":
    typer.run(main)
