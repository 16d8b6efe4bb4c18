"""Joint attention of transformers: steer it by region, listen to it, and leave no trace.

Picture and text tokens attend to each other in one softmax, the picture's first (as in SD3) or the
text's (as in FLUX). A region's share of a prompt is a bias of its logarithm on the prompt's keys:
one softmax for all prompts, in which K equal ones are one. Tokens of different prompts do not see
each other, so that every prompt reads as it does alone.
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
from taue.backbones.processors import processors, replaced


def joint_sites(transformer: Any) -> list[str]:
    """Names of the joint attention's processors, in the transformer's order: FLUX's of both kinds
    of blocks. SD3.5 has ``attn2`` besides, in which the picture attends to itself."""
    return [name for name in processors(transformer) if name.endswith(".attn.processor")]


class JointRegions:
    """Which of a batch's text tokens its picture tokens attend to, and how much.

    Args:
        counts: for how many equal tokens each text token stands, 0 for padding [B, K, L].
        masks: each sample's [B, K, h, w] on the latent grid, summing to 1 over K; None for one
            prompt everywhere.
        text_first: whether the text's tokens come before the picture's.

    Attributes:
        counts, masks: as given.
        plain: whether every token counts as one, everywhere.
        tokens: of the text, K * L.
    """

    def __init__(self, counts: Tensor, masks: Tensor | None, *, text_first: bool = False) -> None:
        self.counts, self.masks, self.text_first = counts, masks, text_first
        self.tokens = counts.shape[1] * counts.shape[2]
        self.keys = _log(counts)  # [B, K, L]
        # Asked here and not in every layer of every step, where a GPU would be waited for.
        self.plain = masks is None and not bool(self.keys.any())
        self._biases: dict[int, Tensor] = {}

    def places(self, tokens: int) -> tuple[slice, slice]:
        """Where the picture's and the text's are among so many tokens of both."""
        border = self.tokens if self.text_first else tokens - self.tokens
        before, behind = slice(0, border), slice(border, tokens)
        return (behind, before) if self.text_first else (before, behind)

    def bias(self, queries: int, like: Tensor) -> Tensor | None:
        """What is added to the scores of so many picture tokens and all text tokens, one that
        broadcasts to [B, heads, queries + K * L, queries + K * L]; None if nothing is."""
        if self.plain:
            return None
        if queries not in self._biases:
            bias = self._bias(queries).to(like)
            if self.text_first:
                dims = [dim for dim in (2, 3) if bias.shape[dim] > 1]
                bias = bias.roll([self.tokens] * len(dims), dims)
            self._biases[queries] = bias
        return self._biases[queries]

    def _bias(self, queries: int) -> Tensor:
        text = self.keys.flatten(1)  # [B, K * L]
        samples, tokens = text.shape
        if self.masks is None:
            return torch.cat([text.new_zeros(samples, queries), text], dim=1)[:, None, None]
        count, length = self.keys.shape[1:]
        grid = layer_grid(queries, *self.masks.shape[-2:])
        shares = _log(equations.resample(self.masks, *grid).flatten(2))  # [B, K, queries]
        from_picture = shares.repeat_interleave(length, dim=1).transpose(1, 2)
        owner = torch.arange(count, device=text.device).repeat_interleave(length)
        apart = (owner[:, None] != owner[None, :]).to(text) * NEVER
        from_text = apart.expand(samples, tokens, tokens)
        towards_text = torch.cat([from_picture, from_text], dim=1) + text[:, None]
        towards_picture = text.new_zeros(samples, queries + tokens, queries)
        return torch.cat([towards_picture, towards_text.clamp(min=NEVER)], dim=2)[:, None]


class JointProcessor:
    """A transformer's joint attention with a bias, reporting to a listener.

    Without either its output is that of diffusers' own processor to the last bit.

    Args:
        regions: the bias.
        listening: to whom the attention to chosen tokens is reported.
    """

    def __init__(self, regions: JointRegions, listening: Listening) -> None:
        self.regions, self.listening = regions, listening

    def attended(self, query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """One softmax of picture and text, each [B, heads, n, d] in the order of the regions: what
        the picture's tokens and the text's got of it [B, n, heads * d]."""
        picture, words = self.regions.places(query.shape[2])
        if self.listening.tokens:
            self._report(query[:, :, picture], key[:, :, words])
        bias = self.regions.bias(query.shape[2] - self.regions.tokens, query)
        attended = F.scaled_dot_product_attention(query, key, value, attn_mask=bias)
        attended = attended.transpose(1, 2).flatten(2).to(query.dtype)
        return attended[:, picture], attended[:, words]

    @torch.no_grad()
    def _report(self, queries: Tensor, keys: Tensor) -> None:
        """The softmax over the tokens of each first prompt: what the picture asks of its words,
        whatever it asks of itself."""
        listening = self.listening
        query, key = listening.samples(queries), listening.samples(keys)[:, :, : listening.length]
        bias = listening.samples(self.regions.keys)[:, 0, None, None, : listening.length]
        scores = query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5
        listening.add((scores.float() + bias).softmax(dim=-1).mean(dim=1))


class SD3Processor(JointProcessor):
    """SD3's, the picture first."""

    def __call__(
        self,
        attn: Any,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        if encoder_hidden_states is None:
            raise ValueError("regions apply to joint attention only")

        def heads(projected: Tensor, norm: Any) -> Tensor:  # [B, n, C] -> [B, heads, n, C / heads]
            split = projected.unflatten(-1, (attn.heads, -1)).transpose(1, 2)
            return split if norm is None else norm(split)

        picture, text = hidden_states, encoder_hidden_states
        query = torch.cat(
            [
                heads(attn.to_q(picture), attn.norm_q),
                heads(attn.add_q_proj(text), attn.norm_added_q),
            ],
            dim=2,
        )
        key = torch.cat(
            [
                heads(attn.to_k(picture), attn.norm_k),
                heads(attn.add_k_proj(text), attn.norm_added_k),
            ],
            dim=2,
        )
        value = torch.cat([heads(attn.to_v(picture), None), heads(attn.add_v_proj(text), None)], 2)
        picture, text = self.attended(query, key, value)
        if not attn.context_pre_only:
            text = attn.to_add_out(text)
        return attn.to_out[1](attn.to_out[0](picture)), text


def installed(transformer: Any, wrap: Callable[[Any], Any]) -> AbstractContextManager[None]:
    """Replace each joint attention's processor by ``wrap(processor)`` until the block is left,
    however it is left."""
    return replaced(transformer, set(joint_sites(transformer)), wrap)


def _log(shares: Tensor) -> Tensor:
    """Logarithms, of nothing :data:`NEVER`."""
    return shares.log().clamp(min=NEVER)
