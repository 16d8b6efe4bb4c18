"""The judge's network: where objects are, what they are, and what is behind them; and its weights
on disk, half precision there, single in memory.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from taue.disk.writing import whole_file
from taue.errors import TaueError
from taue.paddy.scenes import BACKGROUNDS, COLOURS, KINDS

SIDE = 128
"""Pictures of any size are judged at so many pixels each way."""

GRID = 16
"""Cells each way of the grid on which objects are found."""

GROUNDS: tuple[str | None, ...] = (*BACKGROUNDS, None)
"""What may be behind the objects; None is a plain ground."""

FEATURES = 128

RARE = -2.2
"""Log odds of a centre at first: one cell in ten, so that early steps are calm."""


class Seen(NamedTuple):
    """Raw answers to B pictures.

    ``centre`` [B, 1, 16, 16] log odds that an object's middle is in the cell; ``kind``
    [B, 20, 16, 16] and ``colour`` [B, 10, 16, 16] logits; ``sides`` [B, 4, 16, 16] distances from
    the cell's middle to the box's left, top, right and bottom, as fractions of the canvas;
    ``mask`` [B, 1, 128, 128] log odds of "some object"; ``background`` [B, 13] logits over
    ``GROUNDS``; ``features`` [B, 128].
    """

    centre: Tensor
    kind: Tensor
    colour: Tensor
    sides: Tensor
    mask: Tensor
    background: Tensor
    features: Tensor


def convolution(into: int, out: int, size: int = 3, stride: int = 1) -> nn.Sequential:
    """Convolution, batch norm, ReLU. Batch norm, unlike group norm, keeps absolute colours."""
    return nn.Sequential(
        nn.Conv2d(into, out, size, stride, padding=size // 2, bias=False),
        nn.BatchNorm2d(out),
        nn.ReLU(),
    )


class Residual(nn.Module):
    """x + two convolutions."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = convolution(width, width)
        self.second = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.norm(self.second(self.first(x))))


class JudgeNetwork(nn.Module):
    """Down to 8 x 8 cells, up again to 16 x 16 for the objects and to full size for the mask."""

    def __init__(self) -> None:
        super().__init__()
        self.to_64 = convolution(12, 32)
        self.to_32 = nn.Sequential(convolution(32, 64, stride=2), Residual(64))
        self.to_16 = nn.Sequential(convolution(64, 128, stride=2), Residual(128))
        self.to_8 = nn.Sequential(convolution(128, 192, stride=2), Residual(192), Residual(192))
        self.wide = nn.Conv2d(192, 128, 1)
        self.neck = convolution(128, FEATURES)
        self.objects = nn.Conv2d(FEATURES, 1 + len(KINDS) + len(COLOURS) + 4, 1)
        self.behind = nn.Sequential(
            nn.Linear(FEATURES, FEATURES), nn.ReLU(), nn.Linear(FEATURES, len(GROUNDS))
        )
        self.neck_to_32 = nn.Conv2d(FEATURES, 64, 1)
        self.up_32 = convolution(64, 32)
        self.up_64 = convolution(32, 24)
        self.pixels = nn.Conv2d(24, 4, 1)
        bias = self.objects.bias
        assert bias is not None
        with torch.no_grad():
            bias.zero_()
            bias[0] = RARE

    def forward(self, pictures: Tensor) -> Seen:
        """Look at pictures [B, 3, 128, 128] in [-1, 1]."""
        at_64 = self.to_64(F.pixel_unshuffle(pictures, 2))
        at_32 = self.to_32(at_64)
        at_16 = self.to_16(at_32)
        at_8 = self.to_8(at_16)
        neck = self.neck(at_16 + doubled(self.wide(at_8)))
        sizes = [1, len(KINDS), len(COLOURS), 4]
        centre, kind, colour, sides = self.objects(neck).float().split(sizes, dim=1)
        features = neck.float().mean(dim=(2, 3))
        fine = self.up_32(at_32 + doubled(self.neck_to_32(neck)))
        fine = self.up_64(at_64 + doubled(fine))
        mask = F.pixel_shuffle(self.pixels(fine).float(), 2)
        background = self.behind(features).float()
        return Seen(centre, kind, colour, F.softplus(sides), mask, background, features)


def doubled(x: Tensor) -> Tensor:
    """Twice the size, cells repeated."""
    return F.interpolate(x, scale_factor=2, mode="nearest")


SHIPPED = Path(__file__).with_name("weights.safetensors")


def save_network(network: JudgeNetwork, path: Path) -> None:
    """Write the weights to ``path``, all or nothing; statistics of batch norms in single precision.

    Those may be smaller than half precision can hold.
    """
    statistics = {name for name, _ in network.named_buffers()}
    tensors = {
        name: value.contiguous() if name in statistics else value.half().contiguous()
        for name, value in network.state_dict().items()
    }
    with whole_file(path) as stream:
        stream.write(save(tensors))


def load_network(path: Path) -> JudgeNetwork:
    """The network with the weights at ``path``, ready to look.

    Raises:
        TaueError: if there are none, or they are another network's.
    """
    network = JudgeNetwork()
    try:
        network.load_state_dict(load_file(path))
    except (OSError, SafetensorError, RuntimeError) as error:
        raise TaueError(
            f"weights {str(path)!r} are not a judge's; name a file that "
            "python -m taue.paddy.judge.train has written."
        ) from error
    return network.to(memory_format=torch.channels_last).eval()
