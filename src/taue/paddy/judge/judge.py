"""The judge: a small network that looks at pictures and says what is in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from taue.paddy.judge.decode import decode
from taue.paddy.judge.network import FEATURES, JudgeNetwork, Seen
from taue.paddy.judge.sighting import Sighting
from taue.paddy.judge.view import Picture, size_of, to_tensor, view
from taue.paddy.judge.weights import SHIPPED, load_network

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

    def look(self, images: Sequence[Picture]) -> list[Sighting]:
        """What is seen in each picture (PIL, or uint8 [H, W, 3]) of any size.

        The whole canvas is looked at, at 128 x 128 pixels; masks come back at the picture's size.
        """
        sightings: list[Sighting] = []
        for some, seen in self._batches(images):
            sightings += [decode(seen, i, size_of(image)) for i, image in enumerate(some)]
        return sightings

    def features(self, images: Sequence[Picture]) -> NDArray[np.float32]:
        """What a Fréchet distance compares: [N, 128], means over each picture's grid."""
        parts = [seen.features.numpy() for _, seen in self._batches(images)]
        return np.concatenate([np.zeros((0, FEATURES), np.float32), *parts])

    @torch.no_grad()
    def _batches(self, images: Sequence[Picture]) -> Iterator[tuple[Sequence[Picture], Seen]]:
        for start in range(0, len(images), BATCH):
            some = images[start : start + BATCH]
            pictures = to_tensor([view(image) for image in some])
            yield some, self.network(pictures)
