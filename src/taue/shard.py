"""Static parts of a list, as Slurm and torchrun number them, from 1."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from taue.errors import TaueError

T = TypeVar("T")

_SHARD = re.compile(r"(\d{1,6})/(\d{1,6})")


@dataclass(frozen=True)
class Shard:
    """The ``number``-th of ``count`` parts, counted from 1."""

    number: int = 1
    count: int = 1

    @classmethod
    def parse(cls, text: str) -> Shard:
        """From "K/N".

        Raises:
            TaueError: if it is no such thing, or K is not from 1 to N.
        """
        found = _SHARD.fullmatch(text)
        shard = cls(int(found[1]), int(found[2])) if found else cls(0, 0)
        if not 1 <= shard.number <= shard.count:
            raise TaueError(f"shard is {text!r}; give K/N, with K from 1 to N.")
        return shard

    def of(self, parts: Sequence[T]) -> Sequence[T]:
        """Its members; all shards together have each once."""
        return parts[self.number - 1 :: self.count]
