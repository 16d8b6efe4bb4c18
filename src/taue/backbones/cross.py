"""What the families share whose pictures read prompts by cross-attention: diffusion models."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import cached_property
from typing import Any, ClassVar

import torch
from torch import Tensor

from taue.backbones.autoencoder import Autoencoder, WithAutoencoder
from taue.backbones.base import Captured, Conditioning
from taue.backbones.canvas import canvas, of_cells
from taue.backbones.cross_attention import AttentionTap, RegionBlend, installed
from taue.backbones.guided import Guided
from taue.backbones.prompts import padded
from taue.backbones.timesteps import diffusing
from taue.families import FAMILIES


class CrossBackbone(WithAutoencoder, ABC):
    """A pipeline's components, in the form that the method asks for.

    Args:
        pipeline: any of the family.
        height, width: the canvas in pixels; the model's own size if None.
        cross_attention_kwargs: passed on to the denoiser (``{"scale": ...}`` for LoRA).

    Raises:
        TaueError: if there is no such canvas.
    """

    family: ClassVar[str]
    returns: ClassVar[tuple[str, ...]]
    key_share = 1.0
    upcasts: ClassVar[bool] = False
    """Whether the VAE's ``force_upcast`` is heeded."""

    def __init__(
        self,
        pipeline: Any,
        height: int | None = None,
        width: int | None = None,
        cross_attention_kwargs: dict[str, Any] | None = None,
    ) -> None:
        self.pipeline: Any = pipeline
        self.device: torch.device = pipeline._execution_device
        self.network: Any = getattr(pipeline, FAMILIES[self.family].network)
        # Asked once: diffusers looks through all parameters for it, which takes as long as a step
        # of a small model.
        self.dtype: torch.dtype = self.network.dtype
        self.cross_attention_kwargs = cross_attention_kwargs
        config, cell = self.network.config, pipeline.vae_scale_factor
        self.multiple: int = cell * config.get("patch_size", 1)
        self.default_size: tuple[int, int] = of_cells(config.sample_size, cell)
        self.size = canvas(height, width, self.default_size, self.multiple)
        self.shape: tuple[int, int, int, int] = (
            1,
            config.in_channels,
            self.size[0] // cell,
            self.size[1] // cell,
        )
        self.canvas = self.size
        self._vae = Autoencoder(pipeline.vae, cell, self.device, upcasts=self.upcasts)
        self._attends = False

    @cached_property
    def keys(self) -> Mapping[str, tuple[float, ...]]:
        return self._keys()

    def _keys(self) -> Mapping[str, tuple[float, ...]]:
        return self._vae.keys()

    def new_scheduler(self, steps: int) -> Any:
        return diffusing(self.pipeline.scheduler, steps, self.device, self.family)

    def evaluations(self, guidance_scale: float) -> int:
        return 2 if self._guides(guidance_scale) else 1

    def _guides(self, guidance_scale: float) -> bool:
        """Whether guidance needs two halves."""
        return guidance_scale > 1

    def predict(
        self, inputs: Tensor, timesteps: Tensor, conditionings: Sequence[Conditioning]
    ) -> Tensor:
        samples = self._samples(conditionings)
        if not self._attends and _uneven(samples):  # attention has to know what is padding
            with self.attending(conditionings, [()] * len(conditionings)):
                return self.predict(inputs, timesteps, conditionings)
        longest = max(map(max, samples.lengths()))
        prompts = [
            torch.cat([padded(read, longest) for _, read in one], dim=1)
            for one in samples.prompts()
        ]
        rows = samples.rows
        answer = self._answer(
            inputs[rows].to(self.dtype),
            timesteps[rows],
            torch.cat(prompts).to(self.dtype),
            samples,
        )
        return samples.combined(answer.float())

    @abstractmethod
    def _answer(
        self, inputs: Tensor, timesteps: Tensor, prompts: Tensor, samples: Guided
    ) -> Tensor:
        """What the denoiser says of all samples' latents [B, C, h, w], at their timesteps [B] and
        of their prompts side by side [B, K * L, D]."""

    def _samples(self, conditionings: Sequence[Conditioning]) -> Guided:
        steered = [r for r, c in enumerate(conditionings) if self._guides(c.guidance_scale)]
        return Guided(conditionings, steered)

    @contextmanager
    def attending(
        self, conditionings: Sequence[Conditioning], listen_to: Sequence[Sequence[int]]
    ) -> Iterator[Captured]:
        network, (height, width) = self.network, self.shape[-2:]
        samples = self._samples(conditionings)
        lengths, uneven = samples.lengths(), _uneven(samples)
        own = [one[0] for one in lengths] if uneven else None
        tap = AttentionTap(listen_to, height, width, max(map(max, lengths)), own)
        masks = samples.masks(height, width, self.device)
        if uneven and masks is None:
            masks = torch.ones(len(lengths), 1, height, width, device=self.device)
        before, self._attends = self._attends, True
        try:
            with ExitStack() as stack:
                if masks is not None:
                    read = torch.tensor(lengths, device=self.device) if uneven else None
                    stack.enter_context(installed(network, RegionBlend(masks, read).wrap))
                if tap.tokens:
                    stack.enter_context(installed(network, tap.wrap))
                yield tap.captured
        finally:
            self._attends = before


def _uneven(samples: Guided) -> bool:
    """Whether some prompts are read longer than others."""
    return len({length for one in samples.lengths() for length in one}) > 1
