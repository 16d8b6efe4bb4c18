"""Cross-attention: listen to it (tap), steer it by region, and leave no trace.

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
    """Collects the mean cross-attention of chosen tokens, conditional half, on the latent grid.

    Use ``installed(unet, tap.wrap)``; ``enabled`` switches listening, ``maps()`` gives A_fg.

    Args:
        tokens: for each sample of the batch, the positions of its tokens.
    """

    def __init__(
        self, tokens: Sequence[Sequence[int]], height: int, width: int, guided: bool
    ) -> None:
        self.tokens, self.height, self.width = [list(t) for t in tokens], height, width
        self.guided = guided
        self.enabled = True
        self._total: Tensor | None = None

    def wrap(self, processor: Any) -> TapProcessor:
        return TapProcessor(processor, self)

    def add(self, probabilities: Tensor) -> None:
        """Take [B, queries, tokens] in: the mean over heads of one layer at one step."""
        grid = layer_grid(probabilities.shape[1], self.height, self.width)
        means = [
            sample[:, chosen].float().mean(dim=1).view(grid)
            for sample, chosen in zip(probabilities, self.tokens, strict=True)
        ]
        layer = F.interpolate(
            torch.stack(means)[:, None],
            size=(self.height, self.width),
            mode="bilinear",
            align_corners=False,
        )[:, 0]
        self._total = layer if self._total is None else self._total + layer

    def maps(self) -> Tensor:
        """A_fg of each sample: the mean over layers and steps, scaled to [0, 1] [B, h, w], on
        the CPU."""
        if self._total is None:
            raise RuntimeError("the tap captured no cross-attention")
        return torch.stack([equations.scale_to_unit(one) for one in self._total]).cpu()


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
        if self.tap.enabled and encoder_hidden_states is not None:
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

    def _probabilities(self, attn: Any, hidden_states: Tensor, prompt: Tensor) -> Tensor:
        """Mean over heads [B, queries, tokens] of the conditional half."""
        if self.tap.guided:
            hidden_states, prompt = hidden_states.chunk(2)[1], prompt.chunk(2)[1]
        query = attn.head_to_batch_dim(attn.to_q(hidden_states))
        key = attn.head_to_batch_dim(attn.to_k(prompt))
        scores = attn.get_attention_scores(query, key)
        return scores.view(len(hidden_states), attn.heads, *scores.shape[1:]).mean(dim=1)


class RegionBlend:
    """Each query position attends to its region's prompt (attention blending).

    The prompts arrive concatenated, [B, K * tokens, D], in the order of ``masks``.

    Args:
        masks: [K, h, w] on the latent grid, summing to 1 over K.
    """

    def __init__(self, masks: Tensor) -> None:
        self.masks = masks
        self._weights: dict[int, Tensor] = {}

    def wrap(self, processor: Any) -> RegionProcessor:
        return RegionProcessor(self)

    def weights(self, like: Tensor) -> Tensor:
        """The masks on the grid of [B, heads, queries, D] queries, [K, queries]."""
        queries = like.shape[2]
        if queries not in self._weights:
            grid = layer_grid(queries, *self.masks.shape[-2:])
            self._weights[queries] = equations.resample(self.masks, *grid).flatten(1)
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

        count = len(self.blend.masks)
        query = split(attn.to_q(hidden_states))
        keys = split(attn.to_k(encoder_hidden_states)).chunk(count, dim=2)
        values = split(attn.to_v(encoder_hidden_states)).chunk(count, dim=2)
        attended = [
            F.scaled_dot_product_attention(query, k, v) for k, v in zip(keys, values, strict=True)
        ]
        blended = equations.blend_attention(self.blend.weights(query), attended)
        output = attn.to_out[0](blended.transpose(1, 2).flatten(2))
        return attn.to_out[1](output) / attn.rescale_output_factor
