"""Attention processors of a network, replaced for a while."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def replaced(network: Any, sites: Collection[str], wrap: Callable[[Any], Any]) -> Iterator[None]:
    """Replace each processor at ``sites`` (names as ``network.attn_processors`` has them) by
    ``wrap(processor)`` until the block is left, however it is left."""
    before = dict(network.attn_processors)
    try:
        network.set_attn_processor(
            {name: wrap(p) if name in sites else p for name, p in before.items()}
        )
        yield
    finally:
        network.set_attn_processor(before)
