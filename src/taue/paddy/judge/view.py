"""What the judge looks at: the whole canvas of any picture, brought to one size."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from taue.paddy.judge.network import SIDE

Picture = Image.Image | NDArray[np.uint8]


def view(picture: Picture) -> NDArray[np.uint8]:
    """A picture of any size (PIL RGB, or uint8 [H, W, 3]) as uint8 [128, 128, 3], antialiased."""
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    image = image.convert("RGB")
    if image.size != (SIDE, SIDE):
        image = image.resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    return np.asarray(image)


def size_of(picture: Picture) -> tuple[int, int]:
    """Height and width in pixels."""
    if isinstance(picture, Image.Image):
        return picture.height, picture.width
    return picture.shape[0], picture.shape[1]


def to_tensor(views: Sequence[NDArray[np.uint8]] | NDArray[np.uint8]) -> Tensor:
    """uint8 [B, H, W, 3] to float [B, 3, H, W] in [-1, 1], channels last in memory."""
    stacked = torch.from_numpy(np.stack(list(views)))
    return stacked.permute(0, 3, 1, 2).float() / 127.5 - 1
