"""Attention processors of a network, replaced for a while."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any


def processors(network: Any) -> dict[str, Any]:
    """All of them by name, as ``network.attn_processors`` has them: Z-Image's has no such list."""
    return {f"{name}.processor": site.get_processor() for name, site in _sites(network).items()}


@contextmanager
def replaced(network: Any, sites: Collection[str], wrap: Callable[[Any], Any]) -> Iterator[None]:
    """Replace each processor at ``sites`` (names as of :func:`processors`) by ``wrap(processor)``
    until the block is left, however it is left."""
    before, modules = processors(network), _sites(network)
    chosen = {name: modules[name.removesuffix(".processor")] for name in before if name in sites}
    try:
        for name, module in chosen.items():
            module.set_processor(wrap(before[name]))
        yield
    finally:
        for name, module in chosen.items():
            module.set_processor(before[name])


def _sites(network: Any) -> dict[str, Any]:
    """Modules that have a processor, by name."""
    return {n: module for n, module in network.named_modules() if hasattr(module, "get_processor")}
