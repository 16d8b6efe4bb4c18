"""Prompts longer than a text encoder takes: in pieces, encoded one by one and joined.

That is what users of SDXL know: pieces of at most 75 tokens, each with its own start and end, one
behind the other; the embedding of the whole is that of the first piece. A prompt that fits is one
piece.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from taue.backbones.base import content_positions
from taue.backbones.weighting import unweighted
from taue.errors import TaueError
from taue.muted import muted
from taue.readable import quoted

ENDS = (",", ".", ";", ":", "!", "?")
"""What a phrase ends with."""

WARNING = "transformers.tokenization_utils_base", "Token indices sequence length"
"""Of a tokenizer that a text is longer than it is told an encoder takes: ours see to that."""

GIVEN_BACK = 4
"""A piece gives back at most every fourth of its words to end with a phrase."""

EncodedPair = tuple[Tensor, Tensor, Tensor, Tensor]
"""A prompt and its negative [1, L, D] each, and what stands for each as a whole [1, P]."""


class Reader:
    """A pipeline's tokenizers, which read a prompt alike.

    Args:
        pipeline: of diffusers, which knows words that stand for several tokens.
        tokenizers: of the encoders; what is missing is left out.
        length: tokens that an encoder takes, its start and end included; the tokenizer's own
            if None.
    """

    def __init__(self, pipeline: Any, tokenizers: Sequence[Any], length: int | None = None) -> None:
        self.pipeline = pipeline
        self.tokenizers = [one for one in tokenizers if one is not None]
        self.length = length or min(one.model_max_length for one in self.tokenizers)

    def tokens(self, text: str) -> int:
        """How many a text has, start and end included."""
        return max(len(self._ids(one, text)) for one in self.tokenizers)

    def pieces(self, prompt: str) -> list[str]:
        """The prompt in as few pieces as it takes, each of which the encoders read whole."""
        if self.tokens(prompt) <= self.length:
            return [prompt]
        words, pieces = prompt.split(), []
        while words:
            count = self._most(words)
            if count == 0:  # one word is too long
                head, tail = self._halved(words[0])
                words[:1] = [head, tail]
                continue
            if count < len(words):
                count = _to_a_phrase(words, count)
            pieces.append(" ".join(words[:count]))
            words = words[count:]
        return pieces

    def pairs(self, prompt: str, negative: str | None) -> tuple[list[str], list[str] | list[None]]:
        """A prompt and its negative prompt, if there is one, without weights, in pieces."""
        none = [None] if negative is None else self.pieces(unweighted(negative))
        return self.pieces(unweighted(prompt)), none

    def content(self, pieces: Sequence[str]) -> tuple[int, ...]:
        """Positions of the prompt's own tokens among those of its pieces."""
        return content_positions(self.ids(pieces), frozenset(self.tokenizers[0].all_special_ids))

    def ids(self, pieces: Sequence[str]) -> list[int]:
        """Tokens of a prompt's pieces, each with its start, end and padding, by the first
        tokenizer."""
        whole = {"padding": "max_length", "max_length": self.length}
        return [
            token for piece in pieces for token in self._ids(self.tokenizers[0], piece, **whole)
        ]

    def _most(self, words: Sequence[str]) -> int:
        """How many words from the first on fit."""
        low, high = 0, min(len(words), self.length)
        while low < high:
            middle = (low + high + 1) // 2
            fits = self.tokens(" ".join(words[:middle])) <= self.length
            low, high = (middle, high) if fits else (low, middle - 1)
        return low

    def _halved(self, word: str) -> tuple[str, str]:
        return word[: len(word) // 2], word[len(word) // 2 :]

    def _ids(self, tokenizer: Any, text: str, **options: Any) -> list[int]:
        if hasattr(self.pipeline, "maybe_convert_prompt"):  # SD3's knows no such words
            with muted(*WARNING):
                text = self.pipeline.maybe_convert_prompt(text, tokenizer)
        # Not truncated, unless to a length; verbose is that it is longer than one reading.
        cut = "max_length" in options
        return tokenizer(text, truncation=cut, verbose=False, **options).input_ids


def joined(
    encode: Callable[[str, str | None], EncodedPair],
    pieces: Sequence[str],
    negatives: Sequence[str | None],
) -> EncodedPair:
    """A prompt and its negative in pieces, each encoded and one behind the other."""
    count = max(len(pieces), len(negatives))
    pairs = [
        encode(pieces[min(i, len(pieces) - 1)], negatives[min(i, len(negatives) - 1)])
        for i in range(count)
    ]
    prompt, negative, pooled, negative_pooled = pairs[0]
    if count > 1:
        prompt = torch.cat([one[0] for one in pairs[: len(pieces)]], dim=1)
        negative = torch.cat([one[1] for one in pairs[: len(negatives)]], dim=1)
    return prompt, negative, pooled, negative_pooled


def require_layers(clip_skip: int | None, layers: int) -> None:
    """Make sure that the text encoders have so many layers to skip.

    Raises:
        TaueError: if not.
    """
    if clip_skip is not None and clip_skip >= layers:
        raise TaueError(
            f"clip_skip is {clip_skip}; this model's text encoders can skip {layers - 1} at most."
        )


def require_no_negative(negative: str | None, who: str) -> None:
    """Make sure that a model which is not guided by what it must not show is given nothing of it.

    Args:
        negative: prompt.
        who: the model, as an error calls it.

    Raises:
        TaueError: if it is given some.
    """
    if negative is not None and negative.strip():
        raise TaueError(
            f"negative_prompt is {quoted(negative)}; {who} knows none, and needs none for its "
            "guidance: leave it out."
        )


def require_t5(who: str, tokens: int, most: int) -> None:
    """As :func:`require_room`, of T5."""
    require_room(who, tokens, most, "T5")


def require_room(who: str, tokens: int, most: int, encoder: str) -> None:
    """Make sure that an encoder which reads prompts whole takes so many tokens.

    Args:
        who: has them, as an error says it.
        tokens: its number.
        most: that the model was trained with.
        encoder: as an error calls it.

    Raises:
        TaueError: if not.
    """
    if tokens > most:
        raise TaueError(
            f"{who} has {tokens} tokens for {encoder}, which takes {most} at most; shorten it."
        )


def padded(tokens: Tensor, length: int) -> Tensor:
    """[1, L, D] with tokens behind it that are to be seen by nobody."""
    return torch.nn.functional.pad(tokens, (0, 0, 0, length - tokens.shape[1]))


def unpadded(tokens: Tensor, mask: Tensor) -> Tensor:
    """[1, L, D] without those that a mask [1, L] says are padding."""
    return tokens[:, mask[0].bool()]


def _to_a_phrase(words: Sequence[str], count: int) -> int:
    """At most so many words, so that a phrase ends with them, if one does near the end."""
    for fewer in range(count, count - count // GIVEN_BACK - 1, -1):
        if words[fewer - 1].endswith(ENDS):
            return fewer
    return count
