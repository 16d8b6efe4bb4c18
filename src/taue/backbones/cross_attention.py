"""Cross-attention of UNets: listen to it (tap), steer it by region, and leave no trace.

Both are processors set on a UNet's ``attn2`` sites only. State lives on the processors, because
``Attention.forward`` passes on only those keyword arguments that a processor names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from taue import equations


def cross_attention_sites(unet: Any) -> list[str]:
    """Names of the cross-attention processors, in the UNet's order (70 in SDXL)."""
    return [name for name in unet.attn_processors if ".attn2." in name]


@contextmanager
def installed(unet: Any, wrap: Callable[[Any], Any]) -> Iterator[None]:
    """Replace each cross-attention processor by ``wrap(processor)`` until the block is left,
    however it is left."""
    before = dict(unet.attn_processors)
    sites = set(cross_attention_sites(unet))
    try:
        unet.set_attn_processor(
            {name: wrap(p) if name in sites else p for name, p in before.items()}
        )
        yield
    finally:
        unet.set_attn_processor(before)


def layer_grid(queries: int, height: int, width: int) -> tuple[int, int]:
    """The grid of a layer with so many queries, over latents [height, width].

    UNets halve the grid, rounding up.

    Raises:
        ValueError: if no halving of the latents has that many cells.
    """
    rows, columns = height, width
    while rows * columns > queries:
        rows, columns = -(-rows // 2), -(-columns // 2)
    if rows * columns != queries:
        raise ValueError(f"{queries} queries fit no halving of {height} x {width} latents")
    return rows, columns


class AttentionTap:
    """Collects the mean cross-attention to chosen tokens on the latent grid.

    Use ``installed(unet, tap.wrap)``; ``captured`` is the sum over layers [h, w] of each row that
    was listened to.

    Args:
        tokens: for each row, positions of its tokens; none for rows that are not listened to. The
            rows are the last samples of the batch: negative prompts come before them.
        height, width: of the latents.
        length: tokens of one prompt; of a row that reads several, the first is listened to.
    """

    def __init__(
        self, tokens: Sequence[Sequence[int]], height: int, width: int, length: int
    ) -> None:
        self.tokens = {row: tuple(chosen) for row, chosen in enumerate(tokens) if chosen}
        self.rows, self.height, self.width, self.length = len(tokens), height, width, length
        self.captured: dict[int, Tensor] = {}

    def wrap(self, processor: Any) -> TapProcessor:
        return TapProcessor(processor, self)

    def samples(self, batch: Tensor) -> Tensor:
        """Of a batch those that are listened to [n, ...]."""
        first = len(batch) - self.rows
        return batch[[first + row for row in self.tokens]]

    def add(self, probabilities: Tensor) -> None:
        """Take one layer in: its mean over heads [n, queries, tokens]."""
        grid = layer_grid(probabilities.shape[1], self.height, self.width)
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


class TapProcessor:
    """Calls the processor it wraps, whose output stays bit-identical, and reports to the tap."""

    def __init__(self, inner: Any, tap: AttentionTap) -> None:
        self.inner, self.tap = inner, tap

    def __call__(
        self,
        attn: Any,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        temb: Tensor | None = None,
        **kwargs: Any,
    ) -> Tensor:
        if encoder_hidden_states is not None:
            with torch.no_grad():
                self.tap.add(self._probabilities(attn, hidden_states, encoder_hidden_states))
        return self.inner(
            attn,
            hidden_states,
            encoder_hidden_states=encoder_hidden_states,
            attention_mask=attention_mask,
            temb=temb,
            **kwargs,
        )

    def _probabilities(self, attn: Any, hidden_states: Tensor, prompts: Tensor) -> Tensor:
        """Mean over heads [n, queries, tokens] of the samples that are listened to."""
        pictures = self.tap.samples(hidden_states)
        prompt = self.tap.samples(prompts)[:, : self.tap.length]
        query = attn.head_to_batch_dim(attn.to_q(pictures))
        key = attn.head_to_batch_dim(attn.to_k(prompt))
        scores = attn.get_attention_scores(query, key)
        return scores.view(len(pictures), attn.heads, *scores.shape[1:]).mean(dim=1)


class RegionBlend:
    """Each query position attends to its region's prompt (attention blending).

    The prompts arrive concatenated, [B, K * tokens, D], in the order of ``masks``.

    Args:
        masks: each sample's [B, K, h, w] on the latent grid, summing to 1 over K.
    """

    def __init__(self, masks: Tensor) -> None:
        self.masks = masks
        self._weights: dict[int, Tensor] = {}

    def wrap(self, processor: Any) -> RegionProcessor:
        return RegionProcessor(self)

    def weights(self, like: Tensor) -> Tensor:
        """The masks on the grid of [B, heads, queries, D] queries, [K, B, queries]."""
        queries = like.shape[2]
        if queries not in self._weights:
            grid = layer_grid(queries, *self.masks.shape[-2:])
            weights = equations.resample(self.masks, *grid).flatten(2)
            self._weights[queries] = weights.transpose(0, 1)
        return self._weights[queries].to(like)


class RegionProcessor:
    """Cross-attention to K concatenated prompts, blended by region over shared queries."""

    def __init__(self, blend: RegionBlend) -> None:
        self.blend = blend

    def __call__(
        self,
        attn: Any,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        temb: Tensor | None = None,
    ) -> Tensor:
        if encoder_hidden_states is None:
            raise ValueError("regions apply to cross-attention only")

        def split(projected: Tensor) -> Tensor:  # [B, tokens, C] -> [B, heads, tokens, C / heads]
            return projected.unflatten(-1, (attn.heads, -1)).transpose(1, 2)

        count = self.blend.masks.shape[1]
        query = split(attn.to_q(hidden_states))
        keys = split(attn.to_k(encoder_hidden_states)).chunk(count, dim=2)
        values = split(attn.to_v(encoder_hidden_states)).chunk(count, dim=2)
        attended = [
            F.scaled_dot_product_attention(query, k, v) for k, v in zip(keys, values, strict=True)
        ]
        blended = equations.blend_attention(self.blend.weights(query), attended)
        output = attn.to_out[0](blended.transpose(1, 2).flatten(2))
        return attn.to_out[1](output) / attn.rescale_output_factor
