"""Shifting: a seedling moved as it is, noise included, by whole cells of the latent grid.

What the paper does where :mod:`taue.placing` scales an estimate and draws its noise anew; and one
seedling in several places.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from taue import equations
from taue.box import Box
from taue.masks import grow
from taue.placing import NEAR
from taue.seedling import Seedling


@dataclass(frozen=True)
class Shift:
    """So many cells down and to the right."""

    rows: int
    columns: int

    @classmethod
    def bringing(cls, found: Box, wanted: Box, size: tuple[int, int]) -> Shift:
        """From ``found`` onto the middle of the foot of ``wanted``, on a grid of ``size``
        (rows, columns)."""
        across = wanted.centre[0] - found.centre[0]
        down = (wanted.y + wanted.height) - (found.y + found.height)
        return cls(round(down * size[0]), round(across * size[1]))


def shifted(seedling: Seedling, shift: Shift) -> Seedling:
    """A seedling elsewhere; what leaves the canvas is gone, what comes from beyond is the border's
    latents and no object."""
    rows, columns = shift.rows, shift.columns
    final, layer = seedling.final, seedling.layer
    return replace(
        seedling,
        denoised=equations.shift(seedling.denoised, rows, columns),
        noise=equations.shift(seedling.noise, rows, columns),
        attention=_cleared(seedling.attention, rows, columns),
        mask=_cleared(seedling.mask, rows, columns),
        final=None if final is None else equations.shift(final, rows, columns),
        layer=None if layer is None else _cleared(layer, *_pixels(layer, seedling, shift)),
    )


def in_places(seedling: Seedling, shifts: Iterable[Shift]) -> Seedling:
    """A seedling where it is and shifted to each of other places, later ones in front.

    A copy brings the cells around its object with it, but for those of objects that are there.
    """
    whole = seedling
    for shift in shifts:
        copy = shifted(seedling, shift)
        free = grow(copy.mask, NEAR) * (1 - whole.mask)
        region = torch.maximum(copy.mask, free)[None, None]
        final = None
        if copy.final is not None and whole.final is not None:
            final = equations.transplant(region, copy.final, whole.final)
        whole = replace(
            whole,
            denoised=equations.transplant(region, copy.denoised, whole.denoised),
            noise=equations.transplant(region, copy.noise, whole.noise),
            attention=torch.maximum(copy.attention, whole.attention),
            mask=torch.maximum(copy.mask, whole.mask),
            final=final,
            layer=_over(copy.layer, whole.layer),
        )
    return whole


def _cleared(values: Tensor, rows: int, columns: int) -> Tensor:
    """Shifted, with nothing coming from beyond."""
    return equations.shift(F.pad(values, (1, 1, 1, 1)), rows, columns)[..., 1:-1, 1:-1].contiguous()


def _pixels(layer: Tensor, seedling: Seedling, shift: Shift) -> tuple[int, int]:
    """A shift in pixels of the seedling's layer."""
    height, width = seedling.mask.shape
    return shift.rows * (layer.shape[-2] // height), shift.columns * (layer.shape[-1] // width)


def _over(front: Tensor | None, behind: Tensor | None) -> Tensor | None:
    """A layer [4, H, W] of straight alpha over another, in 8 bits."""
    if front is None or behind is None:
        return None
    shown = front[3] + behind[3] * (1 - front[3])
    mixed = front[:3] * front[3] + behind[:3] * behind[3] * (1 - front[3])
    colours = torch.where(shown > 0, mixed / shown.clamp(min=1e-6), behind[:3])
    return (torch.cat([colours, shown[None]]).clamp(0, 1) * 255).round() / 255
