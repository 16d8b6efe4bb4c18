"""The judge: a small network that looks at pictures and says what is in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from taue.paddy.judge.network import FEATURES, SHIPPED, SIDE, JudgeNetwork, Seen, load_network
from taue.paddy.judge.sighting import Sighting, decode

AnyImage = Image.Image | NDArray[np.uint8]


def view(picture: AnyImage) -> NDArray[np.uint8]:
    """A picture of any size (PIL RGB, or uint8 [H, W, 3]) as uint8 [128, 128, 3], antialiased."""
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    image = image.convert("RGB")
    if image.size != (SIDE, SIDE):
        image = image.resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    return np.asarray(image)


def size_of(picture: AnyImage) -> tuple[int, int]:
    """Height and width in pixels."""
    if isinstance(picture, Image.Image):
        return picture.height, picture.width
    return picture.shape[0], picture.shape[1]


def views_to_tensor(views: Sequence[NDArray[np.uint8]] | NDArray[np.uint8]) -> Tensor:
    """uint8 [B, H, W, 3] to float [B, 3, H, W] in [-1, 1], channels last in memory."""
    stacked = torch.from_numpy(np.stack(list(views)))
    return stacked.permute(0, 3, 1, 2).float() / 127.5 - 1


BATCH = 32
"""Pictures looked at together."""


class Judge:
    """Knows paddy's words, and shares nothing with paddy's UNet and text encoders.

    It runs in single precision on the CPU, on as many threads as torch was told to use.
    """

    def __init__(self, network: JudgeNetwork) -> None:
        self.network = network.eval()

    @classmethod
    def load(cls, path: Path | None = None) -> Judge:
        """The shipped judge, or the one whose weights are at ``path``.

        Raises:
            TaueError: if there are no weights of a judge.
        """
        return cls(load_network(path or SHIPPED))

    def look(self, images: Sequence[AnyImage]) -> list[Sighting]:
        """What is seen in each picture (PIL, or uint8 [H, W, 3]) of any size.

        The whole canvas is looked at, at 128 x 128 pixels; masks come back at the picture's size.
        """
        sightings: list[Sighting] = []
        for some, seen in self._batches(images):
            sightings += [decode(seen, i, size_of(image)) for i, image in enumerate(some)]
        return sightings

    def features(self, images: Sequence[AnyImage]) -> NDArray[np.float32]:
        """What a Fréchet distance compares: [N, 128], means over each picture's grid."""
        parts = [seen.features.numpy() for _, seen in self._batches(images)]
        return np.concatenate([np.zeros((0, FEATURES), np.float32), *parts])

    @torch.no_grad()
    def _batches(self, images: Sequence[AnyImage]) -> Iterator[tuple[Sequence[AnyImage], Seen]]:
        for start in range(0, len(images), BATCH):
            some = images[start : start + BATCH]
            pictures = views_to_tensor([view(image) for image in some])
            yield some, self.network(pictures)
