"""What every family shares: a pipeline's components, in the form that the method asks for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import torch
from torch import Tensor

from taue.backbones.autoencoder import AT_ONCE, Autoencoder, WithAutoencoder
from taue.backbones.base import Captured, Conditioning
from taue.backbones.canvas import canvas, of_cells
from taue.backbones.guided import Guided
from taue.backbones.prompts import padded
from taue.families import FAMILIES

WIDENED = 4
"""A transformer's feed-forward layers are so many times as wide as its tokens."""


@dataclass(frozen=True)
class Grid:
    """How a denoiser sees latents.

    Attributes:
        channels: of the latents.
        size: the model's own canvas in cells, one side or two.
        patch: cells along a side of a patch, which is a token.
        largest: patches along a side that it knows positions for; None if there is no end.
    """

    channels: int
    size: Any
    patch: int
    largest: int | None = None


class Denoiser(WithAutoencoder, ABC):
    """A pipeline's components, in the form that the method asks for.

    Args:
        pipeline: any of the family.
        height, width: the canvas in pixels; the model's own size if None.
        attention_kwargs: passed on to the network (``{"scale": ...}`` for LoRA), by whatever name
            it takes them.

    Raises:
        TaueError: if there is no such canvas.
    """

    family: ClassVar[str]
    returns: ClassVar[tuple[str, ...]]
    autoencoder: ClassVar[type[Autoencoder]] = Autoencoder
    key_share = 1.0
    upcasts: ClassVar[bool] = False
    """Whether the VAE's ``force_upcast`` is heeded."""
    shifts: ClassVar[bool] = False
    """Whether the VAE's ``shift_factor`` counts."""

    def __init__(
        self,
        pipeline: Any,
        height: int | None = None,
        width: int | None = None,
        attention_kwargs: dict[str, Any] | None = None,
    ) -> None:
        self.pipeline: Any = pipeline
        self.device: torch.device = pipeline._execution_device
        self.network: Any = getattr(pipeline, FAMILIES[self.family].network)
        # Asked once: diffusers looks through all parameters for it, which takes as long as a step
        # of a small model.
        self.dtype: torch.dtype = self.network.dtype
        self.attention_kwargs = attention_kwargs
        grid, cell = self._grid(), self.autoencoder.packed * pipeline.vae_scale_factor
        self.multiple: int = cell * grid.patch
        self.default_size: tuple[int, int] = of_cells(grid.size, cell)
        largest = None if grid.largest is None else grid.largest * self.multiple
        self.size = canvas(height, width, self.default_size, self.multiple, largest)
        cells = self.size[0] // cell, self.size[1] // cell
        self.shape: tuple[int, int, int, int] = (1, grid.channels, *cells)
        self.canvas = self.size
        self._vae = self.autoencoder(
            pipeline.vae, cell, self.device, upcasts=self.upcasts, shifts=self.shifts
        )
        self._attends = False

    @abstractmethod
    def _grid(self) -> Grid:
        """How the network sees latents."""

    @cached_property
    def keys(self) -> Mapping[str, tuple[float, ...]]:
        return self._keys()

    def _keys(self) -> Mapping[str, tuple[float, ...]]:
        return self._vae.keys()

    def evaluations(self, guidance_scale: float) -> int:
        return 2 if self._guides(guidance_scale) else 1

    def _guides(self, guidance_scale: float) -> bool:
        """Whether guidance needs two halves."""
        return guidance_scale > 1

    @property
    def _lora_scale(self) -> float | None:
        """Of text encoders, by the same words as the network's."""
        return (self.attention_kwargs or {}).get("scale")

    def predict(
        self, inputs: Tensor, timesteps: Tensor, conditionings: Sequence[Conditioning]
    ) -> Tensor:
        samples = self._samples(conditionings)
        if not self._attends and self._must_attend(samples):
            with self.attending(conditionings, [()] * len(conditionings)):
                return self.predict(inputs, timesteps, conditionings)
        longest = samples.longest
        prompts = [
            torch.cat([padded(read, longest) for _, read in one], dim=1)
            for one in samples.prompts()
        ]
        answer = self._answer(
            inputs[samples.rows].to(self.dtype),
            timesteps[samples.rows],
            torch.cat(prompts).to(self.dtype),
            samples,
        )
        return samples.combined(answer.float())

    @abstractmethod
    def _must_attend(self, samples: Guided) -> bool:
        """Whether attention has to know more of such samples than their prompts' tokens."""

    @abstractmethod
    def _answer(
        self, inputs: Tensor, timesteps: Tensor, prompts: Tensor, samples: Guided
    ) -> Tensor:
        """The network's answer [B, C, h, w] to latents, of all samples.

        Args:
            inputs: latents [B, C, h, w] in its precision.
            timesteps: [B].
            prompts: every sample's, side by side [B, K * L, D].
            samples: that they are of.
        """

    @abstractmethod
    def attending(
        self,
        conditionings: Sequence[Conditioning],
        listen_to: Sequence[Sequence[int]],
        layers: str = "all",
    ) -> AbstractContextManager[Captured]:
        """As of the protocol."""

    def _samples(self, conditionings: Sequence[Conditioning]) -> Guided:
        steered = [r for r, c in enumerate(conditionings) if self._guides(c.guidance_scale)]
        return Guided(conditionings, steered)

    def _activations(self, tokens: int) -> int:
        """Numbers that a transformer holds at once of so many tokens, about."""
        return AT_ONCE * tokens * self.network.inner_dim * WIDENED
