"""Prompts that come encoded: embeddings that a caller made, in place of those of a text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from taue.backbones.base import Encoded
from taue.errors import TaueError
from taue.readable import quoted

Embeds = Mapping[str, Sequence[Tensor | None]]
"""By the text that they stand for, as diffusers' ``encode_prompt`` returns them: the prompt's and
the negative prompt's [1, L, D], for families that have them both pooled [1, P], too. A negative one
of None is the text's."""


def require_known(embeds: Any, prompts: Iterable[str]) -> None:
    """Make sure that what is given stands for texts that are read.

    Raises:
        TaueError: if not.
    """
    if not isinstance(embeds, Mapping):
        raise TaueError(
            f"prompt_embeds is {quoted(embeds)}; give a dict from prompts to what encode_prompt "
            "returns."
        )
    known = dict.fromkeys(prompts)
    for text in embeds:
        if text not in known:
            raise TaueError(
                f"prompt_embeds has {quoted(text)}, which is no prompt here; there are "
                f"{', '.join(map(quoted, known))}."
            )


def given_encoding(text: str, own: Encoded, given: Any) -> Encoded:
    """A prompt by the embeddings that are given for it.

    Args:
        text: what they stand for.
        own: the text as the model reads it, which says what fits, and where its own tokens are:
            where they would be beyond those that are given, all of these but the first count.
        given: as of :data:`Embeds`.

    Raises:
        TaueError: if they are none of this model.
    """
    pooled = (own.pooled, own.negative_pooled) if own.pooled.shape[-1] else ()
    wanted = (own.prompt, own.negative, *pooled)
    tensors: list[Any] = list(given) if isinstance(given, (tuple, list)) else []
    if len(tensors) != len(wanted) or tensors[0] is None:
        raise TaueError(
            f"prompt_embeds for {quoted(text)} are {len(tensors)}; give {len(wanted)} tensors, as "
            "encode_prompt of this model returns them."
        )
    read = [_fitting(text, one, like) for one, like in zip(tensors, wanted, strict=True)]
    prompt, negative, *both = read
    same, there = prompt.shape == own.prompt.shape, range(1, prompt.shape[1])
    within = bool(own.content) and max(own.content) in there
    fresh = replace(
        own,
        prompt=prompt,
        negative=negative,
        content=own.content if within else tuple(there),
        counts=own.counts if same else None,
        negative_counts=own.negative_counts if negative.shape == own.negative.shape else None,
    )
    return replace(fresh, pooled=both[0], negative_pooled=both[1]) if both else fresh


def _fitting(text: str, one: Any, like: Tensor) -> Tensor:
    if one is None:
        return like
    shape = "[1, L, D]" if like.ndim == 3 else "[1, P]"
    if (
        not isinstance(one, torch.Tensor)
        or one.ndim != like.ndim
        or not one.numel()
        or (one.shape[0], one.shape[-1]) != (1, like.shape[-1])
    ):
        found = list(one.shape) if isinstance(one, torch.Tensor) else type(one).__name__
        raise TaueError(
            f"prompt_embeds for {quoted(text)} have {found}; give {shape} with "
            f"{shape[-2]} = {like.shape[-1]}."
        )
    if not bool(torch.isfinite(one).all()):
        raise TaueError(f"prompt_embeds for {quoted(text)} are not finite; encode it again.")
    return one.to(like)
