"""Cross-attention of UNets: listen to it (tap), steer it by region, and leave no trace.

Both are processors set on a UNet's ``attn2`` sites only. State lives on the processors, because
``Attention.forward`` passes on only those keyword arguments that a processor names.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from taue import equations
from taue.backbones.listening import NEVER, Listening, layer_grid
from taue.backbones.processors import replaced


def cross_attention_sites(unet: Any) -> list[str]:
    """Names of the cross-attention processors, in the UNet's order (70 in SDXL)."""
    return [name for name in unet.attn_processors if ".attn2." in name]


def installed(unet: Any, wrap: Callable[[Any], Any]) -> AbstractContextManager[None]:
    """Replace each cross-attention processor by ``wrap(processor)`` until the block is left,
    however it is left."""
    return replaced(unet, set(cross_attention_sites(unet)), wrap)


class AttentionTap(Listening):
    """Listens to cross-attention: use ``installed(unet, tap.wrap)``."""

    def wrap(self, processor: Any) -> TapProcessor:
        return TapProcessor(processor, self)


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
        if temb is not None:  # not every processor takes one, as that of attention slicing
            kwargs["temb"] = temb
        return self.inner(
            attn,
            hidden_states,
            encoder_hidden_states=encoder_hidden_states,
            attention_mask=attention_mask,
            **kwargs,
        )

    def _probabilities(self, attn: Any, hidden_states: Tensor, prompts: Tensor) -> Tensor:
        """Mean over heads [n, queries, tokens] of the samples that are listened to."""
        pictures = self.tap.samples(hidden_states)
        prompt = self.tap.samples(prompts)[:, : self.tap.length]
        query = attn.head_to_batch_dim(attn.to_q(pictures))
        key = attn.head_to_batch_dim(attn.to_k(prompt))
        hidden, bias = self.tap.hidden(), None
        if hidden is not None:
            bias = torch.zeros_like(hidden, dtype=query.dtype).masked_fill(hidden, NEVER)
            bias = bias[:, None].repeat_interleave(attn.heads, dim=0).to(query.device)
        scores = attn.get_attention_scores(query, key, bias)
        return scores.view(len(pictures), attn.heads, *scores.shape[1:]).mean(dim=1)


class RegionBlend:
    """Each query position attends to its region's prompt (attention blending).

    The prompts arrive concatenated, [B, K * tokens, D], in the order of ``masks``.

    Args:
        masks: each sample's [B, K, h, w] on the latent grid, summing to 1 over K.
        lengths: how many tokens of each prompt are its own, the first ones [B, K]; the others are
            padding, which nothing sees. None if all are.
    """

    def __init__(self, masks: Tensor, lengths: Tensor | None = None) -> None:
        self.masks, self.lengths = masks, lengths
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

    def seen(self, tokens: int) -> list[Tensor | None]:
        """For each prompt, which of its tokens each sample sees [B, 1, 1, tokens]; None for all."""
        if self.lengths is None:
            return [None] * self.masks.shape[1]
        positions = torch.arange(tokens, device=self.lengths.device)
        seen = positions < self.lengths[..., None]  # [B, K, tokens]
        return list(seen[:, :, None, None].unbind(dim=1))


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
        seen = self.blend.seen(keys[0].shape[2])
        attended = [
            F.scaled_dot_product_attention(query, k, v, attn_mask=mask)
            for k, v, mask in zip(keys, values, seen, strict=True)
        ]
        blended = equations.blend_attention(self.blend.weights(query), attended)
        output = attn.to_out[0](blended.transpose(1, 2).flatten(2))
        return attn.to_out[1](output) / attn.rescale_output_factor
