"""What the families with a UNet share: cross-attention to a prompt, diffusion schedulers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import cached_property, partial
from typing import Any, ClassVar

import torch
from torch import Tensor

from taue.backbones.autoencoder import AT_ONCE, Autoencoder, WithAutoencoder
from taue.backbones.base import Captured, Conditioning, Encoded
from taue.backbones.canvas import canvas, of_cells
from taue.backbones.cross_attention import AttentionTap, RegionBlend, installed
from taue.backbones.guided import Guided
from taue.backbones.prompts import Pair, Reader, joined, padded, require_layers
from taue.backbones.timesteps import diffusing
from taue.backbones.weighting import Scale, is_weighed, require_scales


class UNetBackbone(WithAutoencoder, ABC):
    """A pipeline's components, in the form that the method asks for.

    Args:
        pipeline: any of the family.
        height, width: the canvas in pixels; the model's own size if None.
        cross_attention_kwargs: passed on to the UNet (``{"scale": ...}`` for LoRA).

    Raises:
        TaueError: if there is no such canvas.
    """

    family: ClassVar[str]
    returns: ClassVar[tuple[str, ...]]
    key_share = 1.0
    upcasts: ClassVar[bool] = False
    """Whether the family's pipeline heeds the VAE's ``force_upcast``."""

    def __init__(
        self,
        pipeline: Any,
        height: int | None = None,
        width: int | None = None,
        cross_attention_kwargs: dict[str, Any] | None = None,
    ) -> None:
        self.pipeline: Any = pipeline
        self.device: torch.device = pipeline._execution_device
        # Asked once: diffusers looks through all parameters for it, which takes as long as a step
        # of a small model.
        self.dtype: torch.dtype = pipeline.unet.dtype
        self.cross_attention_kwargs = cross_attention_kwargs
        unet, cell = self.pipeline.unet.config, pipeline.vae_scale_factor
        self.multiple: int = cell
        self.default_size: tuple[int, int] = of_cells(unet.sample_size, cell)
        self.size = canvas(height, width, self.default_size, cell)
        self.shape: tuple[int, int, int, int] = (
            1,
            unet.in_channels,
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

    @property
    @abstractmethod
    def tokenizers(self) -> tuple[Any, ...]:
        """Of the text encoders, those that every prompt must fit."""

    @property
    @abstractmethod
    def layers(self) -> int:
        """Of the text encoders, as many as all have; the last of them is never skipped."""

    @abstractmethod
    def _encoded(self, prompt: str, negative_prompt: str | None, clip_skip: int | None) -> Pair:
        """A prompt and a negative prompt that fit."""

    def encode_prompt(
        self, prompt: str, negative_prompt: str | None, clip_skip: int | None = None
    ) -> Encoded:
        require_layers(clip_skip, self.layers)
        reader = Reader(self.pipeline, self.tokenizers)
        pieces, negatives = reader.pairs(prompt, negative_prompt)
        pair = joined(partial(self._encoded, clip_skip=clip_skip), pieces, negatives)
        encoded = Encoded(*pair, reader.content(pieces))
        if not is_weighed(prompt, negative_prompt):
            return encoded
        require_scales((prompt, negative_prompt), can=True, clip_skip=clip_skip)
        if is_weighed(prompt):
            read, content = self._weighed(prompt)
            encoded = replace(encoded, prompt=read, content=content)
        if negative_prompt is not None and is_weighed(negative_prompt):
            encoded = replace(encoded, negative=self._weighed(negative_prompt)[0])
        return encoded

    @property
    @abstractmethod
    def scales(self) -> tuple[Scale, ...]:
        """The text encoders as they weigh words."""

    def _weighed(self, prompt: str) -> tuple[Tensor, tuple[int, ...]]:
        """A prompt with weights, of all encoders side by side, and its own tokens' positions."""
        read = [scale.weigh(prompt, self.device) for scale in self.scales]
        longest = max(one.shape[1] for one, _ in read)
        wide = torch.cat([padded(one, longest) for one, _ in read], dim=-1)
        return wide, read[0][1]

    def evaluations(self, guidance_scale: float) -> int:
        return 2 if self._guides(guidance_scale) else 1

    def predict(
        self, inputs: Tensor, timesteps: Tensor, conditionings: Sequence[Conditioning]
    ) -> Tensor:
        unet, samples = self.pipeline.unet, self._samples(conditionings)
        if not self._attends and _uneven(samples):  # attention has to know what is padding
            with self.attending(conditionings, [()] * len(conditionings)):
                return self.predict(inputs, timesteps, conditionings)
        longest = max(map(max, samples.lengths()))
        prompts = [
            torch.cat([padded(read, longest) for _, read in one], dim=1)
            for one in samples.prompts()
        ]
        scales = [conditionings[row].guidance_scale for row in samples.rows]
        corners = [conditionings[row].corner for row in samples.rows]
        output = unet(
            inputs[samples.rows].to(self.dtype),
            timesteps[samples.rows],
            encoder_hidden_states=torch.cat(prompts).to(self.dtype),
            timestep_cond=self._guidance_embedding(scales),
            cross_attention_kwargs=self.cross_attention_kwargs,
            added_cond_kwargs=self._added(samples.pooled(), corners),
            return_dict=False,
        )[0].float()
        return samples.combined(output)

    def _added(
        self, pooled: Tensor, corners: Sequence[tuple[int, int]]
    ) -> dict[str, Tensor] | None:
        """What the UNet is told besides prompt and time; the corners are of rows and columns of
        cells."""
        return None

    def _samples(self, conditionings: Sequence[Conditioning]) -> Guided:
        steered = [r for r, c in enumerate(conditionings) if self._guides(c.guidance_scale)]
        return Guided(conditionings, steered)

    def _guides(self, guidance_scale: float) -> bool:
        """Whether guidance needs two halves; distilled models embed the scale instead."""
        return guidance_scale > 1 and self.pipeline.unet.config.time_cond_proj_dim is None

    def _guidance_embedding(self, scales: Sequence[float]) -> Tensor | None:
        width = self.pipeline.unet.config.time_cond_proj_dim
        if width is None:
            return None
        embedded = self.pipeline.get_guidance_scale_embedding(
            torch.tensor(scales) - 1.0, embedding_dim=width
        )
        return embedded.to(self.device, self.dtype)

    @contextmanager
    def attending(
        self, conditionings: Sequence[Conditioning], listen_to: Sequence[Sequence[int]]
    ) -> Iterator[Captured]:
        unet, (height, width) = self.pipeline.unet, self.shape[-2:]
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
                    stack.enter_context(installed(unet, RegionBlend(masks, read).wrap))
                if tap.tokens:
                    stack.enter_context(installed(unet, tap.wrap))
                yield tap.captured
        finally:
            self._attends = before

    def denoising_bytes(self, samples: int) -> int:
        unet, cells = self.pipeline.unet, self.shape[-2] * self.shape[-1]
        layers = unet.config.layers_per_block
        depth = 2 * ((layers if isinstance(layers, int) else max(layers)) + 1)  # down and up
        activations = sum(
            channels * cells // 4**level
            for level, channels in enumerate(unet.config.block_out_channels)
        )
        return samples * AT_ONCE * depth * activations * self.dtype.itemsize


def _uneven(samples: Guided) -> bool:
    """Whether some prompts are read longer than others."""
    return len({length for one in samples.lengths() for length in one}) > 1
