"""Prompts as a language model reads them: what somebody says to it, in the words of a chat."""

from __future__ import annotations

from itertools import takewhile
from typing import Any


class Chat:
    """What a tokenizer with a chat template makes of a prompt.

    Args:
        tokenizer: of the language model.
        options: what the template is told besides.
    """

    def __init__(self, tokenizer: Any, **options: Any) -> None:
        self.tokenizer, self.options = tokenizer, options

    def tokens(self, prompt: str) -> list[int]:
        """All that is read of it, the chat's own words included, without padding."""
        said = self.tokenizer.apply_chat_template(
            [{"role": "user", "content": prompt}],
            tokenize=False,
            add_generation_prompt=True,
            **self.options,
        )
        return self.tokenizer(said, verbose=False).input_ids

    def content(self, prompt: str) -> tuple[int, ...]:
        """Positions of the prompt's own tokens: between what any two chats have in common."""
        one, other = self.tokens("a"), self.tokens("b")
        before, behind = _alike(one, other), _alike(one[::-1], other[::-1])
        return tuple(range(before, len(self.tokens(prompt)) - behind))


def _alike(some: list[int], others: list[int]) -> int:
    """How many tokens both begin with."""
    pairs = zip(some, others, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
