"""What the method asks of a model family."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from taue.window import Window


@dataclass(frozen=True, eq=False)
class Encoded:
    """A prompt and its negative prompt; equal to itself alone.

    ``prompt`` and ``negative`` are [1, L, D], each with its own L, ``pooled`` and
    ``negative_pooled`` [1, P], where P is 0 for families without; those that know no negative
    prompts have one of no tokens and P = 0; ``content`` are the positions of
    the prompt's own tokens (no start, end or padding). ``counts`` and ``negative_counts`` [L] say
    for how many equal tokens each stands; None for one.
    """

    prompt: Tensor
    negative: Tensor
    pooled: Tensor
    negative_pooled: Tensor
    content: tuple[int, ...]
    counts: Tensor | None = None
    negative_counts: Tensor | None = None


@dataclass(frozen=True)
class Conditioning:
    """What one row of a batch is conditioned on.

    ``prompts`` are one for each mask of ``regions`` [K, h, w], which sum to 1, or one alone for
    everywhere; ``whole`` gives the pooled embedding, ``guidance_scale`` how much more the prompt
    says than the negative prompt, and ``guidance_rescale`` how far the outcome is brought back to
    the spread of what the prompt says. ``corner`` is the row and column of cells at which it begins
    on the canvas, where it is a window of that.
    """

    prompts: tuple[Encoded, ...]
    whole: Encoded
    guidance_scale: float
    regions: Tensor | None = None
    guidance_rescale: float = 0.0
    corner: tuple[int, int] = (0, 0)

    def __post_init__(self) -> None:
        count = 1 if self.regions is None else len(self.regions)
        if len(self.prompts) != count:
            raise ValueError(f"{len(self.prompts)} prompts for {count} regions")


Captured = Mapping[int, Tensor]
"""Maps [h, w] of attention to the tokens listened to, by row: the sum over layers that count."""


class Backbone(Protocol):
    """A diffusion model on one canvas: it predicts, attends by region, encodes and decodes.

    Latents are [B, C, h, w], *scaled* as the model takes them; pictures [B, 3, H, W] in [0, 1].

    Attributes:
        family: the name of the model family (see :mod:`taue.families`), whose latents are alike.
        device: where it computes.
        multiple: of which a canvas's sides are, in pixels.
        default_size: the model's own height and width in pixels.
        size: the canvas's height and width in pixels.
        shape: of a row's latents on it, (1, C, h, w).
        has_checker: whether the model has a safety checker.
        has_green: whether channels 1 and 2 of its latents add up to how green a cell is.
        key_share: how strongly they colour the noise, to the strength that SDXL needs.
        keys: the colours that foregrounds are painted on, by name, each one cell of latents [C].
        returns: what the family's ``encode_prompt`` returns, in order, by the names of
            :class:`Encoded`; with "_mask" for what says which of its tokens are no padding, "" for
            what is not kept.
    """

    family: str
    returns: tuple[str, ...]
    device: torch.device
    multiple: int
    default_size: tuple[int, int]
    size: tuple[int, int]
    shape: tuple[int, int, int, int]
    has_green: bool
    key_share: float

    @property
    def has_checker(self) -> bool: ...

    @property
    def keys(self) -> Mapping[str, tuple[float, ...]]: ...

    def new_scheduler(self, steps: int) -> Any:
        """A fresh scheduler with its timesteps set as the family's pipeline sets them.

        Raises:
            TaueError: if the scheduler cannot take so many steps, or does not suit the family.
        """
        ...

    def windowed(self, window: Window) -> Backbone:
        """The same model for rows that are windows of this size, with this canvas's schedule."""
        ...

    def encode_prompt(
        self, prompt: str, negative_prompt: str | None, clip_skip: int | None = None
    ) -> Encoded:
        """A prompt of any length and its negative prompt; ``clip_skip`` as in diffusers.

        Raises:
            TaueError: if an encoder has too few layers to skip, or cannot read the prompt whole.
        """
        ...

    def predict(
        self, inputs: Tensor, timesteps: Tensor, conditionings: Sequence[Conditioning]
    ) -> Tensor:
        """The guided raw model output [B, C, h, w] float32.

        Args:
            inputs: latents as the schedulers scale them for the model [B, C, h, w].
            timesteps: each row's own [B].
            conditionings: each row's own.
        """
        ...

    def evaluations(self, guidance_scale: float) -> int:
        """Samples that one prediction sends through the network for a row."""
        ...

    def attending(
        self,
        conditionings: Sequence[Conditioning],
        listen_to: Sequence[Sequence[int]],
        layers: str = "all",
    ) -> AbstractContextManager[Captured]:
        """Let predictions of such rows attend by their regions, and listen to them.

        Args:
            conditionings: of the rows that are predicted in the block.
            listen_to: for each row, positions of the tokens of its (first) prompt to whose
                attention is listened; none for rows that are not.
            layers: to which, as a value of the settings' ``attention_layers``.

        Returns:
            A context; what it gives is filled by each prediction in the block.
        """
        ...

    def decode(self, latents: Tensor) -> Tensor:
        """Latents as pictures."""
        ...

    def encode(self, pictures: Tensor) -> Tensor:
        """Pictures as latents: decode's inverse, as far as there is one."""
        ...

    def key(self, rgb: tuple[float, float, float]) -> Tensor:
        """A flat colour, each value in [0, 1], as one cell of latents [C]."""
        ...

    def marked(self, pictures: Tensor) -> Tensor:
        """Pictures with the family's invisible watermark, where it has one."""
        ...

    def objections(self, pictures: Tensor) -> list[bool]:
        """Which pictures the model's own safety checker objects to; none where it has none."""
        ...

    def denoising_bytes(self, samples: int) -> int:
        """What one prediction of so many samples takes at its peak besides the weights, about."""
        ...

    def decoding_bytes(self) -> int:
        """What decoding one picture takes at its peak besides the weights, about."""
        ...


def content_positions(token_ids: Sequence[int], special: frozenset[int]) -> tuple[int, ...]:
    """Positions of the tokens that are no start, end or padding."""
    return tuple(i for i, token in enumerate(token_ids) if token not in special)
