"""Z-Image's attention: one stream of picture and captions."""

from __future__ import annotations

from typing import Any

import torch
from diffusers.models.embeddings import apply_rotary_emb
from torch import Tensor

from taue.backbones.joint_attention import JointProcessor


class ZImageProcessor(JointProcessor):
    """Z-Image's, the picture first."""

    def __call__(
        self,
        attn: Any,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        freqs_cis: Any = None,
    ) -> Tensor:
        def heads(projected: Tensor, norm: Any = None) -> Tensor:  # [B, n, C] -> [B, n, heads, d]
            split = projected.unflatten(-1, (attn.heads, -1))
            return split if norm is None else norm(split)

        query = heads(attn.to_q(hidden_states), attn.norm_q)
        key = heads(attn.to_k(hidden_states), attn.norm_k)
        value = heads(attn.to_v(hidden_states))
        if freqs_cis is not None:
            turn: Any = apply_rotary_emb  # annotated as if it always returned two
            query, key = (turn(one, freqs_cis, use_real=False) for one in (query, key))
        both = self.attended(*(one.transpose(1, 2) for one in (query, key, value)))
        return attn.to_out[1](attn.to_out[0](torch.cat(both, dim=1)))
