"""Prompts that come encoded: embeddings that a caller made, in place of those of a text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from taue.backbones.base import Encoded
from taue.backbones.prompts import unpadded
from taue.errors import TaueError
from taue.readable import quoted

Embeds = Mapping[str, Sequence[Tensor | None]]
"""By the text that they stand for, as diffusers' ``encode_prompt`` returns them: the prompt's and
the negative prompt's [1, L, D], for families that have them both pooled [1, P], too, and whatever
else the family's returns. A list of one [L, D] is as good, which some return for a prompt; a
negative one of None, or a list of none, is the text's."""

MASK = "_mask"
"""How the names end of what says which tokens count, and which are padding."""


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


def given_encoding(text: str, own: Encoded, given: Any, returns: Sequence[str]) -> Encoded:
    """A prompt by the embeddings that are given for it.

    Args:
        text: what they stand for.
        own: the text as the model reads it, which says what fits, and where its own tokens are:
            where they would be beyond those that are given, all of these but the first count.
        given: as of :data:`Embeds`.
        returns: what they are, as a backbone says.

    Raises:
        TaueError: if they are none of this model.
    """
    tensors = [_listed(one) for one in given] if isinstance(given, (tuple, list)) else []
    if len(tensors) != len(returns) or tensors[0] is None:
        raise TaueError(
            f"prompt_embeds for {quoted(text)} are {len(tensors)}; give {len(returns)} tensors, as "
            "encode_prompt of this model returns them."
        )
    kept = {name: one for name, one in zip(returns, tensors, strict=True) if name}
    masks = {name: kept.pop(name) for name in [*kept] if name.endswith(MASK)}
    fields = {name: _fitting(text, one, getattr(own, name)) for name, one in kept.items()}
    for name, mask in masks.items():
        of = name.removesuffix(MASK)
        if kept[of] is not None and mask is not None:
            fields[of] = unpadded(fields[of], _mask(text, mask, fields[of]))
    fresh = replace(own, **fields)
    there = range(1, fresh.prompt.shape[1])
    within = bool(own.content) and max(own.content) in there
    same = fresh.prompt.shape == own.prompt.shape
    unsaid = fresh.negative.shape == own.negative.shape
    return replace(
        fresh,
        content=own.content if within else tuple(there),
        counts=own.counts if same else None,
        negative_counts=own.negative_counts if unsaid else None,
    )


def _listed(one: Any) -> Any:
    """What is in a list of one [L, D], as [1, L, D]; None for a list of none."""
    if not isinstance(one, list) or len(one) > 1:
        return one
    return one[0][None] if one and isinstance(one[0], torch.Tensor) else one or None


def _mask(text: str, mask: Any, of: Tensor) -> Tensor:
    if not isinstance(mask, torch.Tensor) or mask.shape != of.shape[:2] or not bool(mask.any()):
        raise TaueError(
            f"prompt_embeds for {quoted(text)} have a mask that does not fit; give [1, L] as "
            f"encode_prompt returns it, here L = {of.shape[1]}, of which some count."
        )
    return mask.to(of.device)


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
