"""Stage 1: the autoencoder, whose first three channels are tied to colour."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderTiny
from torch import Tensor, nn

from taue.disk.writing import whole_file
from taue.paddy import architecture
from taue.paddy.train.config import TrainConfig
from taue.paddy.train.data import RenderedPictures
from taue.paddy.train.loop import fit
from taue.paddy.train.workers import launch

LATENT_NOISE = 0.05
"""Noise that training adds to scaled latents, because a denoiser's latents are never exact."""

TIE, UNIT, SIZE = 0.3, 0.01, 1e-3
"""Weights: the pull towards the colours, the free channel's unit variance, small latents."""


def train_autoencoder(config: TrainConfig) -> None:
    """Train on the rendered pictures and save ``FOLDER/vae`` in diffusers' layout."""
    launch(_work, config.workers, config)


def _work(rank: int, workers: int, config: TrainConfig) -> None:
    torch.manual_seed(config.seed)
    vae = _initial(config).to(config.device, memory_format=torch.channels_last)
    pictures = RenderedPictures.open(config.folder)

    def loss(samples: int, generator: torch.Generator) -> dict[str, Tensor]:
        images = random_crop(pictures.batch(samples, generator), config.crop, generator)
        images = images.to(config.device, memory_format=torch.channels_last)
        return autoencoder_loss(vae, images, generator)

    fit(
        "autoencoder",
        nn.ModuleDict({"vae": vae}),
        loss,
        config.autoencoder,
        folder=config.folder,
        rank=rank,
        workers=workers,
        seed=config.seed,
    )
    if rank == 0:
        vae.save_pretrained(config.folder / "vae")


def _initial(config: TrainConfig) -> AutoencoderTiny:
    """Fresh weights, or those of the run to grow from: convolutions fit pictures of any size."""
    if config.grow is None:
        return architecture.autoencoder()
    return AutoencoderTiny.from_pretrained(config.grow / "vae")


def random_crop(images: Tensor, side: int, generator: torch.Generator) -> Tensor:
    """One piece [B, 3, side, side] of all pictures, or the whole where they are no larger."""
    height, width = (max(1, extent - side + 1) for extent in images.shape[-2:])
    top, left = (
        int(torch.randint(places, (), generator=generator, device=generator.device))
        for places in (height, width)
    )
    return images[..., top : top + side, left : left + side]


def autoencoder_loss(
    vae: AutoencoderTiny, images: Tensor, generator: torch.Generator
) -> dict[str, Tensor]:
    """Pixels, edges, colour tie, and latents of bounded size.

    Args:
        images: [B, 3, H, W] in [-1, 1].
    """
    scale = float(vae.config["scaling_factor"])
    with torch.autocast(images.device.type, dtype=torch.bfloat16):
        latents = vae.encode(images).latents.float() * scale
        noise = torch.randn(latents.shape, generator=generator, device=latents.device)
        decoded = vae.decode((latents + LATENT_NOISE * noise) / scale).sample.float()
    pixels = F.l1_loss(decoded, images)
    edges = F.l1_loss(decoded.diff(dim=-1), images.diff(dim=-1))
    edges = edges + F.l1_loss(decoded.diff(dim=-2), images.diff(dim=-2))
    colours = latents.new_tensor(architecture.COLOUR_OF_CHANNEL)
    tie = F.mse_loss(
        torch.einsum("bchw,cr->brhw", latents[:, :3], colours),
        F.avg_pool2d(images, architecture.LATENT_FACTOR),
    )
    free = latents[:, 3]
    unit = (free.std() - 1).square() + free.mean().square()
    total = pixels + edges + TIE * tie + UNIT * unit + SIZE * latents.square().mean()
    psnr = -10 * torch.log10(F.mse_loss(decoded, images) / 4)
    return {"loss": total, "psnr": psnr.detach(), "tie": tie.detach(), "unit": unit.detach()}


@torch.no_grad()
def encode_pictures(config: TrainConfig) -> Path:
    """Every picture's scaled latents as ``latents.npy``, float16."""
    path = config.folder / "latents.npy"
    if path.exists():
        return path
    vae = AutoencoderTiny.from_pretrained(config.folder / "vae").to(config.device).eval()
    scale = float(vae.config["scaling_factor"])
    pictures = RenderedPictures.open(config.folder)
    side = config.resolution // architecture.LATENT_FACTOR
    latents = np.zeros((len(pictures), architecture.LATENT_CHANNELS, side, side), np.float16)
    for start in range(0, len(pictures), 128):
        images = pictures.range(start, start + 128, config.device)
        with torch.autocast(images.device.type, dtype=torch.bfloat16):
            encoded = vae.encode(images).latents.float() * scale
        latents[start : start + len(images)] = encoded.cpu().numpy()
    with whole_file(path) as stream:
        np.save(stream, latents)
    return path
