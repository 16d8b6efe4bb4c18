"""Attention in which one silent token stands for several, so that training need not carry 256."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from taue.paddy.architecture_dit import MUTE_TOKENS

EACH = 8
"""Tokens that one stands for. log 8 is nearly exact in bfloat16 (off by 0.0013; log 256 by 0.014),
and 32 + 32 + 256 tokens are a multiple of 16, which fused kernels with a bias ask for."""

STANDING = MUTE_TOKENS // EACH


def with_mute(prompt: Tensor) -> Tensor:
    """Append the silent tokens to a prompt [B, L, D]: [B, L + 32, D]."""
    return F.pad(prompt, (0, 0, 0, STANDING))


class StandingProcessor:
    """SD3's joint attention, with the last 32 keys counted eight times each.

    Equal tokens stay equal through all layers, since a prompt's tokens carry no positions. So n of
    them get the attention of one whose logit is log n higher, and answer alike.
    """

    def __call__(
        self, attn: Any, hidden_states: Tensor, encoder_hidden_states: Tensor, **_: object
    ) -> tuple[Tensor, Tensor]:
        """Picture [B, N, D] and prompt [B, L, D], to the same."""
        pictured = hidden_states.shape[1]
        picture, prompt = hidden_states, encoder_hidden_states
        query = torch.cat(
            [
                attn.norm_q(_heads(attn, attn.to_q(picture))),
                attn.norm_added_q(_heads(attn, attn.add_q_proj(prompt))),
            ],
            dim=2,
        )
        key = torch.cat(
            [
                attn.norm_k(_heads(attn, attn.to_k(picture))),
                attn.norm_added_k(_heads(attn, attn.add_k_proj(prompt))),
            ],
            dim=2,
        )
        value = torch.cat(
            [_heads(attn, attn.to_v(picture)), _heads(attn, attn.add_v_proj(prompt))], dim=2
        )
        bias = F.pad(query.new_zeros(key.shape[2] - STANDING), (0, STANDING), value=math.log(EACH))
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=bias[None, None, None])
        mixed = mixed.transpose(1, 2).flatten(2)
        picture, prompt = mixed[:, :pictured], mixed[:, pictured:]
        if not attn.context_pre_only:
            prompt = attn.to_add_out(prompt)
        return attn.to_out[0](picture), prompt


def _heads(attn: Any, states: Tensor) -> Tensor:
    """[B, N, D] to [B, heads, N, D / heads]."""
    return states.unflatten(-1, (attn.heads, -1)).transpose(1, 2)
