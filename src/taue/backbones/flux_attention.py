"""FLUX's joint attention, in both kinds of its blocks."""

from __future__ import annotations

from typing import Any

import torch
from diffusers.models.embeddings import apply_rotary_emb
from torch import Tensor

from taue.backbones.joint_attention import JointProcessor


class FluxProcessor(JointProcessor):
    """FLUX's, the text first: of the blocks with a stream each, and of those with one for both.

    Every text token has the position zero, so that each prompt is where it is alone.
    """

    def __call__(
        self,
        attn: Any,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        image_rotary_emb: Any = None,
    ) -> Tensor | tuple[Tensor, Tensor]:
        def heads(projected: Tensor) -> Tensor:  # [B, n, C] -> [B, n, heads, C / heads]
            return projected.unflatten(-1, (-1, attn.head_dim))

        both, text = hidden_states, encoder_hidden_states
        query, key = attn.norm_q(heads(attn.to_q(both))), attn.norm_k(heads(attn.to_k(both)))
        value = heads(attn.to_v(both))
        if text is not None:
            asking = attn.norm_added_q(heads(attn.add_q_proj(text)))
            asked = attn.norm_added_k(heads(attn.add_k_proj(text)))
            query, key = torch.cat([asking, query], dim=1), torch.cat([asked, key], dim=1)
            value = torch.cat([heads(attn.add_v_proj(text)), value], dim=1)
        if image_rotary_emb is not None:
            turn: Any = apply_rotary_emb  # annotated as if it always returned two
            query, key = (turn(one, image_rotary_emb, sequence_dim=1) for one in (query, key))
        picture, words = self.attended(*(one.transpose(1, 2) for one in (query, key, value)))
        if text is None:
            return torch.cat([words, picture], dim=1)
        return attn.to_out[1](attn.to_out[0](picture)), attn.to_add_out(words)
