"""FLUX.2's joint attention, in both kinds of its blocks."""

from __future__ import annotations

from typing import Any

import torch
from diffusers.models.embeddings import apply_rotary_emb
from diffusers.models.transformers.transformer_flux2 import Flux2ParallelSelfAttention
from torch import Tensor

from taue.backbones.flux_attention import FluxProcessor
from taue.backbones.joint_attention import JointProcessor, JointRegions
from taue.backbones.listening import Listening


class KleinProcessor(JointProcessor):
    """FLUX.2's, the text first. Where each stream is its own it is FLUX.1's; where both are one, it
    is a whole block: attention and what follows it come of one projection and go into one.

    Arguments as of :class:`taue.backbones.joint_attention.JointProcessor`.
    """

    def __init__(self, regions: JointRegions, listening: Listening) -> None:
        super().__init__(regions, listening)
        self._of_two_streams = FluxProcessor(regions, listening)

    def __call__(
        self, attn: Any, hidden_states: Tensor, *further: Any
    ) -> Tensor | tuple[Tensor, Tensor]:
        """``further`` are the text, where it has a stream, a mask, and the positions' waves."""
        if isinstance(attn, Flux2ParallelSelfAttention):
            return self._of_one(attn, hidden_states, further[-1])
        return self._of_two_streams(attn, hidden_states, *further)

    def _of_one(self, attn: Any, both: Tensor, waves: Any) -> Tensor:
        projected = attn.to_qkv_mlp_proj(both)
        asking = 3 * attn.inner_dim
        asked, rest = projected.split([asking, projected.shape[-1] - asking], dim=-1)
        query, key, value = asked.unflatten(-1, (3, -1, attn.head_dim)).unbind(dim=2)
        query, key = attn.norm_q(query), attn.norm_k(key)
        if waves is not None:
            turn: Any = apply_rotary_emb  # annotated as if it always returned two
            query, key = (turn(one, waves, sequence_dim=1) for one in (query, key))
        picture, words = self.attended(*(one.transpose(1, 2) for one in (query, key, value)))
        attended = torch.cat([words, picture], dim=1)
        return attn.to_out(torch.cat([attended, attn.mlp_act_fn(rest)], dim=-1))
