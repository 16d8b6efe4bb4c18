"""Words that count more or less than others, ``(word:1.3)``: read here, weighed by compel."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from taue.backbones.base import content_positions
from taue.errors import TaueError
from taue.muted import muted
from taue.readable import quoted

WEIGHED = re.compile(r"(?<!\\)\(((?:\\.|[^()\\])+?):\s*(\d+(?:\.\d*)?|\.\d+)\s*\)")
"""A weight and what it is of; a parenthesis after a backslash is one."""

HEAVIEST = 2.0


def unweighted(prompt: str) -> str:
    """A prompt without its weights, and its parentheses without backslashes."""
    return _bare(WEIGHED.sub(r"\1", prompt))


def is_weighed(*prompts: str | None) -> bool:
    """Whether a prompt weighs some of its words."""
    return any(one is not None and WEIGHED.search(one) is not None for one in prompts)


def fragments(prompt: str) -> list[tuple[str, float]]:
    """What a prompt says, in order, each with its weight.

    Raises:
        TaueError: if a weight is too large.
    """
    found: list[tuple[str, float]] = []
    end = 0
    for match in WEIGHED.finditer(prompt):
        weight = float(match[2])
        if weight > HEAVIEST:
            raise TaueError(
                f"prompt {quoted(prompt)} weighs {quoted(match[1])} with {weight:g}; give 0 to "
                rf"{HEAVIEST:g}, or write \( where no weight is meant."
            )
        found += [(_bare(prompt[end : match.start()]), 1.0), (_bare(match[1]), weight)]
        end = match.end()
    found.append((_bare(prompt[end:]), 1.0))
    return [(text.strip(), weight) for text, weight in found if text.strip()]


@dataclass(frozen=True)
class Scale:
    """A text encoder that weighs words.

    Attributes:
        tokenizer, encoder: its parts.
        normalised: whether what it says is its last layer's, normalised, or that before it, not.
    """

    tokenizer: Any
    encoder: Any
    normalised: bool

    def weigh(self, prompt: str, device: Any) -> tuple[Tensor, tuple[int, ...]]:
        """A prompt of any length encoded with its weights [1, L, D], and the positions of its own
        tokens."""
        with muted("transformers.utils.import_utils", "requires torchvision"):
            from compel.embeddings_provider import EmbeddingsProvider, ReturnedEmbeddingsType

        kinds = ReturnedEmbeddingsType
        provider = EmbeddingsProvider(
            self.tokenizer,
            self.encoder,
            truncate=False,
            returned_embeddings_type=kinds.LAST_HIDDEN_STATES_NORMALIZED
            if self.normalised
            else kinds.PENULTIMATE_HIDDEN_STATES_NON_NORMALIZED,
            device=device,
        )
        texts, weights = zip(*fragments(prompt), strict=True)
        weighed: Any = provider.get_embeddings_for_weighted_prompt_fragments(
            [list(texts)], [list(weights)], should_return_tokens=True, device=device
        )
        embedded, ids = weighed
        special = frozenset(self.tokenizer.all_special_ids)
        return embedded, content_positions(ids[0].tolist(), special)


def require_unweighted(*prompts: str | None) -> None:
    """Make sure that no prompt weighs words, for families that cannot.

    Raises:
        TaueError: naming the prompt, if one does.
    """
    if is_weighed(*prompts):
        raise TaueError(f"{_says(prompts)} models of this family cannot; {_INSTEAD}")


def require_scales(prompts: Sequence[str | None], clip_skip: int | None) -> None:
    """Make sure that prompts, of which one weighs words, can be weighed.

    Raises:
        TaueError: naming the prompt, if not.
    """
    says = _says(prompts)
    if clip_skip:
        raise TaueError(f"{says} does not go with clip_skip; leave one of them out.")
    if importlib.util.find_spec("compel") is None:
        raise TaueError(
            f'{says} needs compel; install it with pip install "taue[weights]", or {_INSTEAD}'
        )


_INSTEAD = r"leave the weight out, or write \( where none is meant."


def _says(prompts: Sequence[str | None]) -> str:
    """Which of them weighs words."""
    prompt = next(one for one in prompts if is_weighed(one))
    return f"prompt {quoted(prompt)} weighs words, as in (word:1.3), which"


def _bare(text: str) -> str:
    return text.replace("\\(", "(").replace("\\)", ")")
