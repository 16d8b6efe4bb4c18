"""The judge's training pictures, drawn once and kept as memory-mapped arrays."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderTiny
from numpy.typing import NDArray
from PIL import Image
from rich.progress import track
from torch import Tensor

from taue.disk.writing import whole_file
from taue.paddy.judge.judge import view, views_to_tensor
from taue.paddy.judge.network import SIDE
from taue.paddy.judge.train.samples import MOST, Sample, draw_sample

THROUGH_AUTOENCODER = 0.5
"""So many pictures are what the autoencoder makes of them."""

MOST_NOISE = 0.15
"""Standard deviation of the noise on their scaled latents, from 0 to this."""

CHUNK = 64


@dataclass(frozen=True)
class Album:
    """``pictures`` uint8 [N, 128, 128, 3], ``masks`` uint8 [N, 128, 128] (255 = object), and as in
    ``Sample`` ``names`` [N, 4, 2], ``boxes`` [N, 4, 4], ``backgrounds`` [N]."""

    pictures: NDArray[np.uint8]
    masks: NDArray[np.uint8]
    names: Tensor
    boxes: Tensor
    backgrounds: Tensor

    @classmethod
    def open(cls, folder: Path) -> Album:
        truth = np.load(folder / "truth.npz")
        arrays = (np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("pictures", "masks"))
        tensors = (torch.from_numpy(truth[name]) for name in ("names", "boxes", "backgrounds"))
        return cls(*arrays, *tensors)

    def __len__(self) -> int:
        return len(self.backgrounds)


def draw_album(folder: Path, vae: Path, count: int, seed: int) -> None:
    """Draw ``count`` pictures into ``folder``, unless they are there.

    Args:
        vae: a diffusers ``AutoencoderTiny``; half of the pictures pass through it.
    """
    if (folder / "truth.npz").exists():
        return
    coder = AutoencoderTiny.from_pretrained(vae).eval()
    shape = (count, SIDE, SIDE)
    pictures = np.lib.format.open_memmap(folder / "pictures.npy", "w+", np.uint8, (*shape, 3))
    masks = np.lib.format.open_memmap(folder / "masks.npy", "w+", np.uint8, shape)
    names = np.full((count, MOST, 2), -1, np.int64)
    boxes = np.zeros((count, MOST, 4), np.float32)
    backgrounds = np.zeros(count, np.int64)
    for start in track(range(0, count, CHUNK), "pictures"):
        indices = range(start, min(start + CHUNK, count))
        samples = [draw_sample(seed, index) for index in indices]
        drawn = round_trips(samples, coder, np.random.default_rng((seed, start, 1)))
        for index, sample, picture in zip(indices, samples, drawn, strict=True):
            pictures[index] = view(picture)
            whole = Image.fromarray((sample.mask * 255 + 0.5).astype(np.uint8))
            masks[index] = np.asarray(whole.resize((SIDE, SIDE), Image.Resampling.BILINEAR))
            names[index], boxes[index] = sample.names, sample.boxes
            backgrounds[index] = sample.background
    pictures.flush()
    masks.flush()
    with whole_file(folder / "truth.npz") as stream:
        np.savez(stream, names=names, boxes=boxes, backgrounds=backgrounds)


def round_trips(
    samples: list[Sample], coder: AutoencoderTiny, rng: np.random.Generator
) -> list[NDArray[np.uint8]]:
    """Their pictures, a random half of them through the autoencoder with some latent noise."""
    pictures = [sample.picture for sample in samples]
    chosen = rng.random(len(pictures)) < THROUGH_AUTOENCODER
    for side in {picture.shape[0] for picture in pictures}:
        which = [i for i, p in enumerate(pictures) if chosen[i] and p.shape[0] == side]
        for start in range(0, len(which), 8):
            some = which[start : start + 8]
            noise = rng.uniform(0, MOST_NOISE, len(some))
            done = round_trip([pictures[i] for i in some], coder, noise, int(rng.integers(2**31)))
            for i, picture in zip(some, done, strict=True):
                pictures[i] = picture
    return pictures


@torch.no_grad()
def round_trip(
    pictures: list[NDArray[np.uint8]],
    coder: AutoencoderTiny,
    noise: NDArray[np.floating],
    seed: int,
) -> list[NDArray[np.uint8]]:
    """Encoded, disturbed by ``noise`` (standard deviations of the scaled latents), decoded."""
    scale = float(coder.config["scaling_factor"])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        latents = coder.encode(views_to_tensor(pictures)).latents.float() * scale
        drawn = torch.randn(latents.shape, generator=torch.Generator().manual_seed(seed))
        noisy = latents + torch.from_numpy(noise).float()[:, None, None, None] * drawn
        decoded = coder.decode(noisy / scale).sample.float()
    whole = ((decoded.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    return list(whole.permute(0, 2, 3, 1).contiguous().numpy())
