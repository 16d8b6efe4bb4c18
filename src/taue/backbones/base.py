"""What the method asks of a model family."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from taue.attention import AttentionTap, RegionBlend


@dataclass(frozen=True)
class Encoded:
    """A batch of prompts, mostly of one, and their negative prompts.

    ``prompt`` and ``negative`` are [B, L, D], ``pooled`` and ``negative_pooled`` [B, P];
    ``content`` are, for each, the positions of the prompt's own tokens (no start, end or padding).
    """

    prompt: Tensor
    negative: Tensor
    pooled: Tensor
    negative_pooled: Tensor
    content: tuple[tuple[int, ...], ...]

    @classmethod
    def stack(cls, ones: Sequence[Encoded]) -> Encoded:
        """Several prompts as one batch, in order."""
        return cls(
            torch.cat([e.prompt for e in ones]),
            torch.cat([e.negative for e in ones]),
            torch.cat([e.pooled for e in ones]),
            torch.cat([e.negative_pooled for e in ones]),
            tuple(content for e in ones for content in e.content),
        )


@dataclass(frozen=True)
class Conditioning:
    """What one pass is conditioned on.

    ``regions`` holds one encoded prompt per region (one alone means everywhere); ``whole`` gives
    the pooled embedding.
    """

    regions: tuple[Encoded, ...]
    whole: Encoded

    @property
    def prompt(self) -> Tensor:
        """The regions' prompts, concatenated [B, K * L, D]."""
        return torch.cat([e.prompt for e in self.regions], dim=1)

    @property
    def negative(self) -> Tensor:
        """The regions' negative prompts, concatenated [B, K * L, D]."""
        return torch.cat([e.negative for e in self.regions], dim=1)


class Backbone(Protocol):
    """A diffusion model that predicts, listens and blends by region."""

    device: torch.device

    def new_scheduler(self, steps: int) -> Any:
        """A fresh scheduler with its timesteps set: schedulers hold state, so one per pass."""
        ...

    def encode(self, prompt: str, negative_prompt: str | None) -> Encoded: ...

    def predict(
        self,
        latents: Tensor,
        timestep: Tensor,
        conditioning: Conditioning,
        guidance_scale: float,
    ) -> Tensor:
        """The guided raw model output [B, C, h, w] float32 for the scheduler's scaled input."""
        ...

    def evaluations(self, guidance_scale: float) -> int:
        """Samples that one prediction sends through the network for each of its batch."""
        ...

    def listening(self, tap: AttentionTap) -> AbstractContextManager[None]: ...

    def blending(self, blend: RegionBlend) -> AbstractContextManager[None]: ...

    def extra_step_arguments(
        self, scheduler: Any, generators: Sequence[torch.Generator]
    ) -> dict[str, Any]:
        """What ``scheduler.step`` accepts besides output, timestep and latents."""
        ...

    def decode(self, latents: Tensor) -> Tensor:
        """Scaled latents [B, C, h, w] as pictures [B, 3, H, W] in [0, 1]."""
        ...

    def draw(self, pictures: Tensor) -> Tensor:
        """Pictures [B, 3, H, W] in [0, 1] as scaled latents [B, C, h, w]: decode's inverse, as far
        as there is one."""
        ...


def guided(unconditional: Tensor, conditional: Tensor, scale: float) -> Tensor:
    r"""Classifier-free guidance, :math:`\epsilon_u + s (\epsilon_c - \epsilon_u)`."""
    return unconditional + scale * (conditional - unconditional)


def content_positions(token_ids: Sequence[int], special: frozenset[int]) -> tuple[int, ...]:
    """Positions of the tokens that are no start, end or padding."""
    return tuple(i for i, token in enumerate(token_ids) if token not in special)
