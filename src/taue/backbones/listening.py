"""Where rows of a batch attend to chosen tokens, gathered over layers on the latent grid."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from taue import equations

NEVER = -1e4
"""A bias that leaves nothing of a key in a softmax, and is a number in half precision, too."""


def layer_grid(queries: int, height: int, width: int) -> tuple[int, int]:
    """The grid of a layer with so many queries, over latents [height, width].

    UNets halve the grid, rounding up, and transformers halve it once, by their patches.

    Raises:
        ValueError: if no halving of the latents has that many cells.
    """
    rows, columns = height, width
    while rows * columns > queries:
        rows, columns = -(-rows // 2), -(-columns // 2)
    if rows * columns != queries:
        raise ValueError(f"{queries} queries fit no halving of {height} x {width} latents")
    return rows, columns


class Listening:
    """Collects the mean attention to chosen tokens on the latent grid.

    ``captured`` is the sum over those layers [h, w] of each row that was listened to.

    Args:
        tokens: for each row, positions of its tokens; none for rows that are not listened to. The
            rows are the last samples of the batch: negative prompts come before them.
        height, width: of the latents.
        length: tokens of one prompt, padding included; of a row that reads several, the first is
            listened to.
        own: of each sample's first prompt, its own tokens; all of ``length`` if None.
        layers: "all", or only those on the "finest" or on the "coarsest" grid that there is.
    """

    def __init__(
        self,
        tokens: Sequence[Sequence[int]],
        height: int,
        width: int,
        length: int,
        own: Sequence[int] | None = None,
        layers: str = "all",
    ) -> None:
        self.tokens = {row: tuple(chosen) for row, chosen in enumerate(tokens) if chosen}
        self.rows, self.height, self.width, self.length = len(tokens), height, width, length
        self.captured: dict[int, Tensor] = {}
        self._own = None if own is None else torch.tensor(own)
        self._layers, self._cells = layers, 0

    def samples(self, batch: Tensor) -> Tensor:
        """Of a batch those that are listened to [n, ...]."""
        first = len(batch) - self.rows
        return batch[[first + row for row in self.tokens]]

    def hidden(self) -> Tensor | None:
        """Which tokens of those that are listened to are padding [n, length]; None if none is."""
        if self._own is None:
            return None
        return torch.arange(self.length) >= self.samples(self._own)[:, None]

    def add(self, probabilities: Tensor) -> None:
        """Take one layer in: its mean over heads [n, queries, tokens]."""
        grid = layer_grid(probabilities.shape[1], self.height, self.width)
        if not self._wanted(grid):
            return
        means = [
            equations.token_attention(sample, chosen).view(grid)
            for sample, chosen in zip(probabilities, self.tokens.values(), strict=True)
        ]
        layer = F.interpolate(
            torch.stack(means)[:, None],
            size=(self.height, self.width),
            mode="bilinear",
            align_corners=False,
        )[:, 0]
        for row, one in zip(self.tokens, layer, strict=True):
            self.captured[row] = self.captured[row] + one if row in self.captured else one

    def _wanted(self, grid: tuple[int, int]) -> bool:
        """Whether a layer counts; what was captured on another grid is forgotten if only this one
        does."""
        cells = grid[0] * grid[1]
        if self._layers != "all" and cells != self._cells:
            if self._cells and (cells > self._cells) != (self._layers == "finest"):
                return False
            self.captured.clear()
            self._cells = cells
        return True
