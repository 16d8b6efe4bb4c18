"""Values on the latent grid: what the paper's equations and ours are both written with."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F

from taue.shapes import Same


def gaussian_blur(values: Same, sigma: float) -> Same:
    r""":math:`G_\sigma` over the last two dimensions (in cells), the border repeated.

    Whose: the paper's, stage 1.
    """
    if sigma <= 0:
        return values
    radius = max(1, math.ceil(3 * sigma))
    offsets = torch.arange(-radius, radius + 1, dtype=values.dtype, device=values.device)
    kernel = torch.exp(-offsets.square() / (2 * sigma**2))
    kernel = kernel / kernel.sum()
    planes = values.reshape(-1, 1, *values.shape[-2:])
    planes = F.pad(planes, (radius,) * 4, mode="replicate")
    planes = F.conv2d(planes, kernel.view(1, 1, 1, -1))
    planes = F.conv2d(planes, kernel.view(1, 1, -1, 1))
    return planes.reshape(values.shape)


def scale_to_unit(values: Same) -> Same:
    """Scale to [0, 1] by minimum and maximum; a constant map becomes zeros.

    Whose: ours, what the paper leaves open.
    """
    low, high = values.min(), values.max()
    return (values - low) / (high - low).clamp(min=1e-12)
