"""Prompts as the pipelines of diffusers take them, whole however long they are.

Text they would cut at what an encoder takes; what our own method hears of it, its rivals hear.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from taue.backbones.prompts import Reader
from taue.backbones.weighting import unweighted

ARGUMENTS: Mapping[str, str] = {
    "prompt": "prompt_embeds",
    "negative": "negative_prompt_embeds",
    "pooled": "pooled_prompt_embeds",
    "negative_pooled": "negative_pooled_prompt_embeds",
}
"""What a call of diffusers' names the parts of an encoded prompt."""


def embeds(backbone: Any, prompts: Sequence[str]) -> dict[str, Tensor]:
    """Arguments of a call in place of the prompts, [B, L, D] or [B, P].

    All have to be of one length. Shorter ones are repeated: what attends to every token n times
    sees what it sees of each once.
    """
    encoded = [backbone.encode_prompt(prompt, None) for prompt in prompts]
    length = math.lcm(*(t.shape[1] for one in encoded for t in (one.prompt, one.negative)))
    told: dict[str, Tensor] = {}
    for part in backbone.returns:
        rows = [getattr(one, part) for one in encoded]
        if rows[0].ndim == 3:
            rows = [row.repeat(1, length // row.shape[1], 1) for row in rows]
        told[ARGUMENTS[part]] = torch.cat(rows)
    return told


def own_tokens(backbone: Any, prompt: str, front: str, behind: str) -> tuple[int, ...]:
    """Where the foreground's own words are in a prompt: those that the background's prompt has not;
    all of the prompt's if it has none of them.

    Args:
        backbone: that encodes it.
        prompt: as :func:`embeds` has it.
        front, behind: prompts of foreground and background.
    """
    reader = Reader(backbone.pipeline, backbone.tokenizers)

    def pieces(text: str) -> list[str]:
        return reader.pieces(unweighted(text))

    ids, ours, theirs = (reader.ids(pieces(text)) for text in (prompt, front, behind))
    content = reader.content(pieces(prompt))
    both = [i for i in content if ids[i] in ours]
    own = [i for i in both if ids[i] not in theirs]
    return tuple(own or both or content)
