"""What the families with joint attention share: a transformer of patches, prompts side by side."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from taue.backbones.autoencoder import AT_ONCE, Autoencoder, WithAutoencoder
from taue.backbones.base import Captured, Conditioning, Encoded
from taue.backbones.canvas import canvas, of_cells
from taue.backbones.flow import flowing
from taue.backbones.guided import Guided
from taue.backbones.joint_attention import JointProcessor, JointRegions, installed
from taue.backbones.listening import Listening
from taue.backbones.prompts import padded
from taue.families import FAMILIES

WIDENED = 4
"""A transformer's feed-forward layers are so many times as wide as its tokens."""

KEY_SHARE = 0.4
"""On paddy-dit a share of 1 leaves objects a third of their area, and from 2 on none; with 0.4 they
are as large as paddy's, on a key as flat. It is the share that matters, not the key's length."""


@dataclass(frozen=True)
class Grid:
    """How a transformer sees latents.

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


class JointBackbone(WithAutoencoder, ABC):
    """A pipeline's components, in the form that the method asks for.

    Args:
        pipeline: any of the family.
        height, width: the canvas in pixels; the model's own size if None.
        joint_attention_kwargs: passed on to the transformer (``{"scale": ...}`` for LoRA).

    Raises:
        TaueError: if there is no such canvas.
    """

    family: ClassVar[str]
    returns: ClassVar[tuple[str, ...]]
    key_share = KEY_SHARE
    processor: ClassVar[type[JointProcessor]]
    """The family's own joint attention, with regions."""
    text_first: ClassVar[bool]
    """Whether the text's tokens come before the picture's."""
    most_shift: ClassVar[float]
    """Of the schedule's levels by the canvas, where the scheduler's configuration does not say."""

    def __init__(
        self,
        pipeline: Any,
        height: int | None = None,
        width: int | None = None,
        joint_attention_kwargs: dict[str, Any] | None = None,
    ) -> None:
        self.pipeline: Any = pipeline
        self.device: torch.device = pipeline._execution_device
        self.dtype: torch.dtype = pipeline.transformer.dtype  # once, as unet.py says
        self.joint_attention_kwargs = joint_attention_kwargs
        grid, cell = self._grid(), pipeline.vae_scale_factor
        self.multiple: int = cell * grid.patch
        self.default_size: tuple[int, int] = of_cells(grid.size, cell)
        largest = None if grid.largest is None else grid.largest * self.multiple
        self.size = canvas(height, width, self.default_size, self.multiple, largest)
        cells = self.size[0] // cell, self.size[1] // cell
        self.shape: tuple[int, int, int, int] = (1, grid.channels, *cells)
        self._vae = Autoencoder(pipeline.vae, cell, self.device, shifts=True)
        self._attends = False
        self._tokens = (self.size[0] // self.multiple) * (self.size[1] // self.multiple)
        """Of the canvas: a patch each."""

    @abstractmethod
    def _grid(self) -> Grid:
        """How the transformer sees latents."""

    @cached_property
    def keys(self) -> Mapping[str, tuple[float, ...]]:
        return self._vae.keys()

    def new_scheduler(self, steps: int) -> Any:
        return flowing(
            self.pipeline.scheduler,
            steps,
            self.device,
            tokens=self._tokens,
            most_shift=self.most_shift,
            title=FAMILIES[self.family].title,
            sigmas=self._sigmas(steps),
        )

    def _sigmas(self, steps: int) -> list[float] | None:
        """Levels that the family's pipeline gives the scheduler; None if it gives it none."""
        return None

    @abstractmethod
    def evaluations(self, guidance_scale: float) -> int: ...

    def predict(
        self, inputs: Tensor, timesteps: Tensor, conditionings: Sequence[Conditioning]
    ) -> Tensor:
        if not self._attends:  # some tokens count for several, which attention has to know
            with self.attending(conditionings, [()] * len(conditionings)):
                return self.predict(inputs, timesteps, conditionings)
        samples = self._samples(conditionings)
        length = _longest(samples)
        prompts = [
            torch.cat([padded(read, length) for _, read in one], dim=1) for one in samples.prompts()
        ]
        output = self._answer(
            inputs[samples.rows].to(self.dtype),
            timesteps[samples.rows],
            torch.cat(prompts).to(self.dtype),
            samples,
        )
        return samples.combined(output.float())

    @abstractmethod
    def _answer(
        self, inputs: Tensor, timesteps: Tensor, prompts: Tensor, samples: Guided
    ) -> Tensor:
        """The transformer's answer [B, C, h, w] to latents, of all samples.

        Args:
            inputs: latents [B, C, h, w] in its precision.
            timesteps: [B].
            prompts: every sample's, side by side [B, K * L, D].
            samples: that they are of.
        """

    def _samples(self, conditionings: Sequence[Conditioning]) -> Guided:
        steered = [
            r for r, c in enumerate(conditionings) if self.evaluations(c.guidance_scale) == 2
        ]
        return Guided(conditionings, steered)

    @contextmanager
    def attending(
        self, conditionings: Sequence[Conditioning], listen_to: Sequence[Sequence[int]]
    ) -> Iterator[Captured]:
        height, width = self.shape[-2:]
        samples = self._samples(conditionings)
        length = _longest(samples)
        counts = [
            torch.stack([_counts(encoded, read, length) for encoded, read in one])
            for one in samples.prompts()
        ]
        masks = samples.masks(height, width, self.device)
        regions = JointRegions(
            torch.stack(counts).to(self.device), masks, text_first=self.text_first
        )
        listening = Listening(listen_to, height, width, length)
        before, self._attends = self._attends, True
        try:
            if regions.plain and not listening.tokens:
                yield listening.captured
                return
            processor = self.processor(regions, listening)
            with installed(self.pipeline.transformer, lambda _: processor):
                yield listening.captured
        finally:
            self._attends = before

    def denoising_bytes(self, samples: int) -> int:
        transformer, tokens = self.pipeline.transformer, self._tokens
        activations = AT_ONCE * tokens * transformer.inner_dim * WIDENED
        regions = tokens**2  # the bias by which they attend
        return samples * (activations + regions) * self.dtype.itemsize


def _longest(samples: Guided) -> int:
    return max(map(max, samples.lengths()))


def _counts(encoded: Encoded, read: Tensor, length: int) -> Tensor:
    """For how many tokens each stands of what is read of a prompt, with padding behind it."""
    own = read.shape[1]
    counts = encoded.negative_counts if read is encoded.negative else encoded.counts
    counts = torch.ones(own, device=read.device) if counts is None else counts
    return F.pad(counts, (0, length - own))
