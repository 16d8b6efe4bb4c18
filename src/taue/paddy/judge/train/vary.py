"""Small changes of a batch that leave every name true."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

LIGHT, TINT, LIFT, NOISE = 0.12, 0.05, 0.05, 0.03
"""Most change of the brightness as a factor, of each channel as a factor, of the black level, and
most noise, the latter two for values in [-1, 1]."""

SATURATION = (0.85, 1.3)
"""Guidance paints colours fuller, rarely paler."""

BLURRED = 0.3


def vary(pictures: Tensor, generator: torch.Generator) -> Tensor:
    """Other light, tint, saturation, sharpness and noise for each of [B, 3, H, W] in [-1, 1]."""

    def uniform(*shape: int) -> Tensor:
        return torch.rand((len(pictures), *shape, 1, 1), generator=generator)

    soft = F.avg_pool2d(pictures, 3, stride=1, padding=1, count_include_pad=False)
    blur = uniform(1) * (uniform(1) < BLURRED)
    pictures = torch.lerp(pictures, soft, blur)
    grey = pictures.mean(dim=1, keepdim=True)
    least, most = SATURATION
    pictures = grey + (pictures - grey) * (least + (most - least) * uniform(1))
    factor = (1 + LIGHT * (2 * uniform(1) - 1)) * (1 + TINT * (2 * uniform(3) - 1))
    pictures = (pictures + 1) * factor - 1 + LIFT * (2 * uniform(1) - 1)
    noise = torch.randn(pictures.shape, generator=generator)
    return (pictures + NOISE * uniform(1) * noise).clamp(-1, 1)


def mirror(
    pictures: Tensor, masks: Tensor, boxes: Tensor, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """A random half of the pictures [B, 3, H, W], masks [B, H, W] and boxes [B, 4, 4] mirrored."""
    chosen = torch.rand(len(pictures), generator=generator) < 0.5
    left, top, right, bottom = boxes.unbind(-1)
    other = torch.stack([1 - right, top, 1 - left, bottom], dim=-1)
    return (
        torch.where(chosen[:, None, None, None], pictures.flip(-1), pictures),
        torch.where(chosen[:, None, None], masks.flip(-1), masks),
        torch.where(chosen[:, None, None], other, boxes),
    )
