"""What a background begins from that leaves out the first steps of its schedule."""

from __future__ import annotations

import torch
from torch import Tensor

from taue import equations
from taue.masks import grow
from taue.seedling import Seedling

BREADTH = 1 / 8
"""How smoothly the surroundings are filled in, as a share of the canvas's shorter side."""


def smoothly_filled(surroundings: Seedling) -> Tensor:
    """The surroundings' estimate [1, C, h, w], where the subjects were the smooth mean of what is
    around them; right beside them it still shows them."""
    denoised = surroundings.denoised
    outside = (surroundings.mask > 0.5).float()
    clear = (1 - grow(1 - outside, 1))[None, None]
    sigma = BREADTH * min(denoised.shape[-2:])
    near = equations.gaussian_blur(clear, sigma)
    mean = equations.gaussian_blur(denoised * clear, sigma) / near.clamp(min=1e-6)
    return torch.where(outside[None, None] > 0, denoised, mean)
