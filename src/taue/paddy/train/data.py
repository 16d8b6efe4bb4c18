"""Stage 0: the training pictures, rendered once and kept as a memory-mapped array."""

from __future__ import annotations

import json
import multiprocessing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from rich.progress import track
from torch import Tensor

from taue.disk.writing import whole_file
from taue.paddy.scenes import render, sample_training
from taue.paddy.train.config import TrainConfig

PLAIN_SHARE, CROPPED_SHARE = 0.8, 0.1
"""Of the pictures, this share is the whole canvas and this share a crop of a larger one; the rest
was enlarged from fewer pixels. SDXL was trained so, and told so by its time ids."""


@dataclass(frozen=True)
class RenderedPictures:
    """Rendered pictures [N, H, W, 3] uint8, a caption and six time ids each."""

    images: np.ndarray
    captions: list[str]
    time_ids: np.ndarray
    """[N, 6]: original height, width, crop top, left, target height, width, in pixels."""

    @classmethod
    def open(cls, folder: Path) -> RenderedPictures:
        notes = json.loads((folder / "pictures.json").read_text())
        return cls(
            np.load(folder / "pictures.npy", mmap_mode="r"),
            [note["caption"] for note in notes],
            np.array([note["time_ids"] for note in notes], np.float32),
        )

    def __len__(self) -> int:
        return len(self.captions)

    def batch(self, samples: int, generator: torch.Generator) -> Tensor:
        """[samples, 3, H, W] in [-1, 1], drawn with replacement."""
        drawn = torch.randint(len(self), (samples,), generator=generator, device=generator.device)
        return to_tensor(self.images[np.sort(drawn.cpu().numpy())])

    def range(self, start: int, stop: int, device: str = "cpu") -> Tensor:
        return to_tensor(np.asarray(self.images[start:stop]), device)


def to_tensor(images: np.ndarray, device: str = "cpu") -> Tensor:
    """uint8 [B, H, W, 3] to float [B, 3, H, W] in [-1, 1]."""
    return torch.tensor(images).to(device).permute(0, 3, 1, 2).float() / 127.5 - 1


def picture(seed: int, index: int, resolution: int) -> tuple[np.ndarray, str, list[int]]:
    """Training picture number ``index``: uint8 [H, W, 3], caption, time ids."""
    rng = np.random.default_rng((seed, index))
    spec, caption = sample_training(rng)
    kind = rng.random()
    side = resolution
    if kind < PLAIN_SHARE:
        return render(spec, side).composite, caption, [side, side, 0, 0, side, side]
    if kind < PLAIN_SHARE + CROPPED_SHARE:
        larger = int(side * rng.uniform(1.05, 1.3))
        top, left = (int(rng.integers(0, larger - side + 1)) for _ in range(2))
        whole = render(spec, larger).composite
        cut = whole[top : top + side, left : left + side]
        return cut, caption, [larger, larger, top, left, side, side]
    smaller = int(rng.uniform(0.5, 0.9) * side)
    small = Image.fromarray(render(spec, max(64, smaller)).composite)
    large = np.asarray(small.resize((side, side), Image.Resampling.BICUBIC))
    return large, caption, [small.height, small.width, 0, 0, side, side]


def _picture(job: tuple[int, int, int]) -> tuple[np.ndarray, str, list[int]]:
    return picture(*job)


def render_pictures(config: TrainConfig) -> None:
    """Render all pictures to ``pictures.npy`` and ``pictures.json``, unless they are there."""
    notes_path = config.folder / "pictures.json"
    if notes_path.exists():
        return
    side, count = config.resolution, config.scenes
    images = np.lib.format.open_memmap(
        config.folder / "pictures.npy", "w+", np.uint8, (count, side, side, 3)
    )
    notes: list[dict[str, object]] = []
    jobs = ((config.seed, index, side) for index in range(count))
    with multiprocessing.get_context("spawn").Pool(config.workers) as pool:
        made = pool.imap(_picture, jobs, chunksize=64)
        for index, (image, caption, ids) in enumerate(track(made, "pictures", total=count)):
            images[index] = image
            notes.append({"caption": caption, "time_ids": ids})
    images.flush()
    with whole_file(notes_path) as stream:
        stream.write(json.dumps(notes).encode())
