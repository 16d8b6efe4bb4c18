"""Noise of its own for every stage and every subject, all derived from one seed."""

from __future__ import annotations

import hashlib

import torch
from torch import Tensor

from taue.errors import TaueError


def drawn_seed(generator: torch.Generator | None) -> int:
    """One number from a generator (the global one if None), so that a second call with the same
    generator gives another picture, as everywhere in diffusers.

    Raises:
        TaueError: if ``generator`` is not a single ``torch.Generator``.
    """
    if generator is not None and not isinstance(generator, torch.Generator):
        raise TaueError(
            f"generator is a {type(generator).__name__}; give one torch.Generator or None."
        )
    device = generator.device if generator is not None else "cpu"
    return int(torch.randint(2**62, (1,), generator=generator, device=device).item())


def seed_of(seed: int) -> int:
    """What :func:`drawn_seed` draws from a fresh generator with this seed, as a scene names it."""
    return drawn_seed(torch.Generator().manual_seed(seed))


class NoiseSource:
    """Hands out generators by name, so that adding a subject changes no other one's noise.

    Args:
        base: the number that all of them derive from.
    """

    def __init__(self, base: int) -> None:
        self.base = base

    def generator(self, *name: str | int) -> torch.Generator:
        """A fresh CPU generator for ``name``, the same for the same base and name."""
        digest = hashlib.sha256(repr((self.base, *name)).encode()).digest()
        return torch.Generator("cpu").manual_seed(int.from_bytes(digest[:8], "big") >> 1)

    def normal(self, shape: tuple[int, ...], *name: str | int) -> Tensor:
        """Unit normal noise, drawn on the CPU so that every device gets the same."""
        return torch.randn(shape, generator=self.generator(*name))

    def uniform(self, shape: tuple[int, ...], *name: str | int) -> Tensor:
        return torch.rand(shape, generator=self.generator(*name))
