"""Inception v3 as FID has it (arXiv 1706.08500): the network of 2015, pooled to 2048 features.

Names and shapes are those of ``pt_inception-2015-12-05-6726825d.pth``, which pytorch-fid and
torch-fidelity share, so that it loads as it is. Against torchvision's network: averages leave the
padding out, and the last block takes a maximum.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from taue.arrays import Bytes
from taue.evaluation.weights import read_weights, take

SIDE = 299
OPTION = "inception"


class BasicConv2d(nn.Module):
    def __init__(self, into: int, out: int, **convolution: Any) -> None:
        super().__init__()
        self.conv = nn.Conv2d(into, out, bias=False, **convolution)
        self.bn = nn.BatchNorm2d(out, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv(x)))


def _average(x: Tensor) -> Tensor:
    return F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)


def _maximum(x: Tensor) -> Tensor:
    return F.max_pool2d(x, 3, stride=1, padding=1)


def _chain(block: nn.Module, x: Tensor, *names: str) -> Tensor:
    for name in names:
        x = getattr(block, name)(x)
    return x


class InceptionA(nn.Module):
    def __init__(self, into: int, pooled: int, w: float) -> None:
        super().__init__()
        c64, c48, c96 = int(64 * w), int(48 * w), int(96 * w)
        self.branch1x1 = BasicConv2d(into, c64, kernel_size=1)
        self.branch5x5_1 = BasicConv2d(into, c48, kernel_size=1)
        self.branch5x5_2 = BasicConv2d(c48, c64, kernel_size=5, padding=2)
        self.branch3x3dbl_1 = BasicConv2d(into, c64, kernel_size=1)
        self.branch3x3dbl_2 = BasicConv2d(c64, c96, kernel_size=3, padding=1)
        self.branch3x3dbl_3 = BasicConv2d(c96, c96, kernel_size=3, padding=1)
        self.branch_pool = BasicConv2d(into, pooled, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        branches = [
            self.branch1x1(x),
            _chain(self, x, "branch5x5_1", "branch5x5_2"),
            _chain(self, x, "branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3"),
            self.branch_pool(_average(x)),
        ]
        return torch.cat(branches, 1)


class InceptionB(nn.Module):
    def __init__(self, into: int, w: float) -> None:
        super().__init__()
        c64, c96 = int(64 * w), int(96 * w)
        self.branch3x3 = BasicConv2d(into, int(384 * w), kernel_size=3, stride=2)
        self.branch3x3dbl_1 = BasicConv2d(into, c64, kernel_size=1)
        self.branch3x3dbl_2 = BasicConv2d(c64, c96, kernel_size=3, padding=1)
        self.branch3x3dbl_3 = BasicConv2d(c96, c96, kernel_size=3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        double = _chain(self, x, "branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3")
        return torch.cat([self.branch3x3(x), double, F.max_pool2d(x, 3, stride=2)], 1)


class InceptionC(nn.Module):
    def __init__(self, into: int, inner: int, w: float) -> None:
        super().__init__()
        out = int(192 * w)
        wide: dict[str, Any] = {"kernel_size": (1, 7), "padding": (0, 3)}
        tall: dict[str, Any] = {"kernel_size": (7, 1), "padding": (3, 0)}
        self.branch1x1 = BasicConv2d(into, out, kernel_size=1)
        self.branch7x7_1 = BasicConv2d(into, inner, kernel_size=1)
        self.branch7x7_2 = BasicConv2d(inner, inner, **wide)
        self.branch7x7_3 = BasicConv2d(inner, out, **tall)
        self.branch7x7dbl_1 = BasicConv2d(into, inner, kernel_size=1)
        self.branch7x7dbl_2 = BasicConv2d(inner, inner, **tall)
        self.branch7x7dbl_3 = BasicConv2d(inner, inner, **wide)
        self.branch7x7dbl_4 = BasicConv2d(inner, inner, **tall)
        self.branch7x7dbl_5 = BasicConv2d(inner, out, **wide)
        self.branch_pool = BasicConv2d(into, out, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        branches = [
            self.branch1x1(x),
            _chain(self, x, *(f"branch7x7_{i}" for i in range(1, 4))),
            _chain(self, x, *(f"branch7x7dbl_{i}" for i in range(1, 6))),
            self.branch_pool(_average(x)),
        ]
        return torch.cat(branches, 1)


class InceptionD(nn.Module):
    def __init__(self, into: int, w: float) -> None:
        super().__init__()
        c192 = int(192 * w)
        self.branch3x3_1 = BasicConv2d(into, c192, kernel_size=1)
        self.branch3x3_2 = BasicConv2d(c192, int(320 * w), kernel_size=3, stride=2)
        self.branch7x7x3_1 = BasicConv2d(into, c192, kernel_size=1)
        self.branch7x7x3_2 = BasicConv2d(c192, c192, kernel_size=(1, 7), padding=(0, 3))
        self.branch7x7x3_3 = BasicConv2d(c192, c192, kernel_size=(7, 1), padding=(3, 0))
        self.branch7x7x3_4 = BasicConv2d(c192, c192, kernel_size=3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        three = _chain(self, x, "branch3x3_1", "branch3x3_2")
        seven = _chain(self, x, *(f"branch7x7x3_{i}" for i in range(1, 5)))
        return torch.cat([three, seven, F.max_pool2d(x, 3, stride=2)], 1)


class InceptionE(nn.Module):
    """The last two blocks; the very last one takes a ``maximum`` where the other averages."""

    def __init__(self, into: int, w: float, *, maximum: bool) -> None:
        super().__init__()
        c384, c448 = int(384 * w), int(448 * w)
        wide: dict[str, Any] = {"kernel_size": (1, 3), "padding": (0, 1)}
        tall: dict[str, Any] = {"kernel_size": (3, 1), "padding": (1, 0)}
        self.pool = _maximum if maximum else _average
        self.branch1x1 = BasicConv2d(into, int(320 * w), kernel_size=1)
        self.branch3x3_1 = BasicConv2d(into, c384, kernel_size=1)
        self.branch3x3_2a = BasicConv2d(c384, c384, **wide)
        self.branch3x3_2b = BasicConv2d(c384, c384, **tall)
        self.branch3x3dbl_1 = BasicConv2d(into, c448, kernel_size=1)
        self.branch3x3dbl_2 = BasicConv2d(c448, c384, kernel_size=3, padding=1)
        self.branch3x3dbl_3a = BasicConv2d(c384, c384, **wide)
        self.branch3x3dbl_3b = BasicConv2d(c384, c384, **tall)
        self.branch_pool = BasicConv2d(into, int(192 * w), kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        three = self.branch3x3_1(x)
        double = _chain(self, x, "branch3x3dbl_1", "branch3x3dbl_2")
        branches = [
            self.branch1x1(x),
            self.branch3x3_2a(three),
            self.branch3x3_2b(three),
            self.branch3x3dbl_3a(double),
            self.branch3x3dbl_3b(double),
            self.branch_pool(self.pool(x)),
        ]
        return torch.cat(branches, 1)


class InceptionV3(nn.Module):
    """The network; ``width`` 1 is the real one, a 16th the smallest."""

    def __init__(self, width: float = 1.0) -> None:
        super().__init__()
        w = width

        def c(channels: int) -> int:
            return int(channels * w)

        self.Conv2d_1a_3x3 = BasicConv2d(3, c(32), kernel_size=3, stride=2)
        self.Conv2d_2a_3x3 = BasicConv2d(c(32), c(32), kernel_size=3)
        self.Conv2d_2b_3x3 = BasicConv2d(c(32), c(64), kernel_size=3, padding=1)
        self.Conv2d_3b_1x1 = BasicConv2d(c(64), c(80), kernel_size=1)
        self.Conv2d_4a_3x3 = BasicConv2d(c(80), c(192), kernel_size=3)
        self.Mixed_5b = InceptionA(c(192), c(32), w)
        self.Mixed_5c = InceptionA(c(256), c(64), w)
        self.Mixed_5d = InceptionA(c(288), c(64), w)
        self.Mixed_6a = InceptionB(c(288), w)
        self.Mixed_6b = InceptionC(c(768), c(128), w)
        self.Mixed_6c = InceptionC(c(768), c(160), w)
        self.Mixed_6d = InceptionC(c(768), c(160), w)
        self.Mixed_6e = InceptionC(c(768), c(192), w)
        self.Mixed_7a = InceptionD(c(768), w)
        self.Mixed_7b = InceptionE(c(1280), w, maximum=False)
        self.Mixed_7c = InceptionE(c(2048), w, maximum=True)
        self.fc = nn.Linear(c(2048), 1008)

    def forward(self, x: Tensor) -> Tensor:
        """Features [B, 2048] of pictures [B, 3, 299, 299] in [-1, 1]."""
        x = _chain(self, x, "Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3")
        x = F.max_pool2d(x, 3, stride=2)
        x = F.max_pool2d(_chain(self, x, "Conv2d_3b_1x1", "Conv2d_4a_3x3"), 3, stride=2)
        x = _chain(
            self, x, *(f"Mixed_{name}" for name in "5b 5c 5d 6a 6b 6c 6d 6e 7a 7b 7c".split())
        )
        return x.mean(dim=(2, 3))


class Inception:
    """Features of pictures for FID, with where the weights are from."""

    def __init__(self, network: InceptionV3, source: str, sha256: str) -> None:
        self.network, self.source, self.sha256 = network.eval(), source, sha256

    @classmethod
    def load(cls, name: str, device: torch.device) -> Inception:
        """From a file, folder or hub id.

        Raises:
            TaueError: if there are no such weights, or they are another network's.
        """
        weights = read_weights(name, OPTION)
        first = weights.tensors.get("Conv2d_1a_3x3.conv.weight")
        network = InceptionV3(1.0 if first is None else len(first) / 32)
        take(network, weights.tensors, f"{OPTION} {name!r}", "pt_inception-2015-12-05-6726825d.pth")
        return cls(network.to(device), name, weights.sha256)

    @torch.no_grad()
    def features(self, picture: Bytes) -> NDArray[np.float32]:
        """Of a picture uint8 [H, W, 3]: [2048]. Resized bilinearly, without antialiasing, as
        pytorch-fid does."""
        device = self.network.fc.weight.device
        unit = torch.from_numpy(picture).to(device).permute(2, 0, 1)[None].float() / 255
        sized = F.interpolate(unit, (SIDE, SIDE), mode="bilinear", align_corners=False)
        return self.network(sized * 2 - 1)[0].cpu().numpy()
