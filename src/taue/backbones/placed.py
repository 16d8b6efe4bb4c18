"""Patches of a window that keep the positions they have on the canvas."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from diffusers.models.embeddings import get_2d_sincos_pos_embed_from_grid
from torch import Tensor


@contextmanager
def placed(
    patches: Any, canvas: tuple[int, int], corners: Sequence[tuple[float, float]]
) -> Iterator[None]:
    """Let a transformer know where on the canvas its samples are, until the block is left.

    Diffusers stretches positions over whatever it is given: a window would pass for a small picture
    of everything.

    Args:
        patches: its ``PatchEmbed``, with positions that are waves.
        canvas: rows and columns of patches.
        corners: each sample's first row and column of them.
    """

    def put(module: Any, given: tuple[Tensor, ...], _: Tensor) -> Tensor:
        projected = module.proj(given[0])
        size, tokens = projected.shape[-2:], projected.flatten(2).transpose(1, 2)
        known = {corner: _positions(module, canvas, corner, size) for corner in set(corners)}
        positions = torch.stack([known[corner] for corner in corners])
        return (tokens + positions.to(tokens.device)).to(tokens.dtype)

    handle = patches.register_forward_hook(put)
    try:
        yield
    finally:
        handle.remove()


def _positions(
    patches: Any, canvas: tuple[int, int], corner: tuple[float, float], size: Sequence[int]
) -> Tensor:
    """Those of so many rows and columns from a corner on [rows * columns, D]."""
    down, across = (
        (torch.arange(count) + first) / (whole / patches.base_size) / patches.interpolation_scale
        for count, first, whole in zip(size, corner, canvas, strict=True)
    )
    grid = torch.stack(torch.meshgrid(across, down, indexing="xy"))
    width = patches.pos_embed.shape[-1]
    return get_2d_sincos_pos_embed_from_grid(width, grid, output_type="pt").float()
