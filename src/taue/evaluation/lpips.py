"""LPIPS on AlexNet (arXiv 1801.03924, version 0.1), as a map over the picture.

The trunk is plain torch with torchvision's names, so that ``alexnet-owt-7be5be79.pth`` loads as it
is; the linear heads are those that torchmetrics ships.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
import torchmetrics
from numpy.typing import NDArray
from torch import Tensor, nn

from taue.errors import TaueError
from taue.evaluation.weights import read_weights, take

OPTION = "alexnet"
HEADS = Path(torchmetrics.__file__).parent / "functional/image/lpips_models/alex.pth"
SHIFT, SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)
COMPARED = (1, 4, 7, 9, 11)
"""Layers of the trunk, its ReLUs, that are compared."""

SMALLEST = 35
"""Pixels of a side, below which the trunk's pooling leaves nothing."""


class AlexNet(nn.Module):
    """AlexNet's convolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 64, 11, stride=4, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2),
            nn.Conv2d(64, 192, 5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2),
            nn.Conv2d(192, 384, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(384, 256, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(256, 256, 3, padding=1),
            nn.ReLU(),
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        """What the five layers answer to [B, 3, H, W]."""
        captured: list[Tensor] = []
        for place, layer in enumerate(self.features):
            x = layer(x)
            if place in COMPARED:
                captured.append(x)
        return captured


class Lpips:
    """The distance of two pictures at every pixel, with where the trunk's weights are from."""

    def __init__(self, trunk: AlexNet, source: str, sha256: str) -> None:
        self.trunk, self.source, self.sha256 = trunk.eval(), source, sha256
        device = next(trunk.parameters()).device
        heads = torch.load(HEADS, map_location=device, weights_only=True)
        self.heads = [heads[f"lin{i}.model.1.weight"] for i in range(len(COMPARED))]

    @classmethod
    def load(cls, name: str, device: torch.device) -> Lpips:
        """From a file, folder or hub id.

        Raises:
            TaueError: if there are no such weights, or they are another network's.
        """
        weights, trunk = read_weights(name, OPTION), AlexNet()
        own = {key: value for key, value in weights.tensors.items() if key.startswith("features.")}
        take(trunk, own, f"{OPTION} {name!r}", "torchvision's alexnet-owt-7be5be79.pth")
        return cls(trunk.to(device), name, weights.sha256)

    @torch.no_grad()
    def distances(
        self, one: NDArray[np.floating], other: NDArray[np.floating]
    ) -> NDArray[np.float32]:
        """[H, W] of two pictures [H, W, 3] in [0, 1].

        Raises:
            TaueError: if they are too small for the network.
        """
        if min(one.shape[:2]) < SMALLEST:
            raise TaueError(f"pictures of {one.shape[1]} x {one.shape[0]} are too small for LPIPS.")
        first, second = (self.trunk(self._scaled(picture)) for picture in (one, other))
        total = torch.zeros(())
        for a, b, head in zip(first, second, self.heads, strict=True):
            difference = (_normalised(a) - _normalised(b)) ** 2
            layer = F.conv2d(difference, head)
            total = total + F.interpolate(layer, one.shape[:2], mode="bilinear").cpu()
        return total[0, 0].numpy()

    def _scaled(self, picture: NDArray[np.floating]) -> Tensor:
        values = torch.from_numpy(np.asarray(picture, np.float32)).permute(2, 0, 1)[None] * 2 - 1
        shift, scale = (torch.tensor(v).view(1, 3, 1, 1) for v in (SHIFT, SCALE))
        return ((values - shift) / scale).to(self.heads[0].device)


def _normalised(features: Tensor) -> Tensor:
    return features / (features.square().sum(dim=1, keepdim=True) + 1e-8).sqrt()
