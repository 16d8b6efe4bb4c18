"""What tells where, how light and how dark, worked out on a grid no finer than it can tell.

Where a scene shows a subject, its light and its shadow are told in pixels at :data:`SIDE`. On a
larger canvas they are worked out on one of about so many, in a fraction of the time, and brought
back; what a layer consists of, its colours and its alpha, stays as fine as the canvas is. On a
canvas of less than twice ``SIDE`` nothing changes.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from taue.arrays import Array, Region

SIDE = 256
"""Shorter side in pixels of the coarsest grid."""

MOSTLY = 0.5
"""The share of a coarse pixel above which it counts as a region's."""


def coarse(values: Array) -> Array:
    """Values [H, W, ...] as means of squares of pixels [h, w, ...], whose shorter side is ``SIDE``
    or more and less than twice that; at the far sides of what is there."""
    step = _step(values.shape)
    if step == 1:
        return values
    return _pixels(F.avg_pool2d(_planes(values), step, ceil_mode=True), values.shape)


def coarse_region(region: Region) -> Region:
    """A region [H, W] where it takes most of a coarse pixel [h, w]."""
    return region if _step(region.shape) == 1 else coarse(region.astype(np.float32)) > MOSTLY


def fine(values: Array, shape: tuple[int, ...]) -> Array:
    """Coarse values [h, w, ...], all finite, smoothly on the canvas [H, W, ...].

    Args:
        shape: the canvas's, (H, W) or more.
    """
    step = _step(shape)
    if step == 1 or values.shape[:2] == tuple(shape[:2]):
        return values
    large = F.interpolate(_planes(values), scale_factor=step, mode="bilinear", align_corners=False)
    return _pixels(large[..., : shape[0], : shape[1]], values.shape)


def fine_region(region: Region, shape: tuple[int, ...]) -> Region:
    """A coarse region [h, w] on the canvas [H, W], its outline straightened."""
    if region.shape == tuple(shape[:2]):
        return region
    return fine(region.astype(np.float32), shape) > MOSTLY


def _step(shape: tuple[int, ...]) -> int:
    """Pixels along a side of a coarse one."""
    return max(1, min(shape[:2]) // SIDE)


def _planes(values: Array) -> Tensor:
    """Values [H, W, ...] as torch's functions for pictures take them [1, C, H, W]."""
    pixels = torch.from_numpy(np.ascontiguousarray(values, np.float32))
    return pixels.reshape(1, *values.shape[:2], -1).permute(0, 3, 1, 2)


def _pixels(planes: Tensor, like: tuple[int, ...]) -> Array:
    """The opposite of :func:`_planes`; ``like`` is a shape whose last sides they have."""
    pixels = planes[0].permute(1, 2, 0)
    return pixels.reshape(*pixels.shape[:2], *like[2:]).contiguous().numpy()
