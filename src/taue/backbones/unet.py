"""What the families with a UNet share: CLIP's words with weights, in pieces, guidance embedded."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from taue.backbones.autoencoder import AT_ONCE
from taue.backbones.base import Encoded
from taue.backbones.cross import CrossBackbone
from taue.backbones.guided import Guided
from taue.backbones.prompts import EncodedPair, Reader, joined, padded, require_layers
from taue.backbones.weighting import Scale, is_weighed, require_scales


class UNetBackbone(CrossBackbone):
    """Arguments and errors as of :class:`taue.backbones.denoiser.Denoiser`."""

    @property
    @abstractmethod
    def tokenizers(self) -> tuple[Any, ...]:
        """Of the text encoders, those that every prompt must fit."""

    @property
    @abstractmethod
    def layers(self) -> int:
        """Of the text encoders, as many as all have; the last of them is never skipped."""

    @abstractmethod
    def _encoded(
        self, prompt: str, negative_prompt: str | None, clip_skip: int | None
    ) -> EncodedPair:
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
        require_scales((prompt, negative_prompt), clip_skip)
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

    def _answer(
        self, inputs: Tensor, timesteps: Tensor, prompts: Tensor, samples: Guided
    ) -> Tensor:
        told = [samples.conditionings[row] for row in samples.rows]
        return self.network(
            inputs,
            timesteps,
            encoder_hidden_states=prompts,
            timestep_cond=self._guidance_embedding([one.guidance_scale for one in told]),
            cross_attention_kwargs=self.attention_kwargs,
            added_cond_kwargs=self._added(samples.pooled(), [one.corner for one in told]),
            return_dict=False,
        )[0]

    def _added(
        self, pooled: Tensor, corners: Sequence[tuple[int, int]]
    ) -> dict[str, Tensor] | None:
        """What the UNet is told besides prompt and time; the corners are of rows and columns of
        cells."""
        return None

    def _guides(self, guidance_scale: float) -> bool:
        """Distilled models embed the scale instead."""
        return super()._guides(guidance_scale) and self.network.config.time_cond_proj_dim is None

    def _guidance_embedding(self, scales: Sequence[float]) -> Tensor | None:
        width = self.network.config.time_cond_proj_dim
        if width is None:
            return None
        embedded = self.pipeline.get_guidance_scale_embedding(
            torch.tensor(scales) - 1.0, embedding_dim=width
        )
        return embedded.to(self.device, self.dtype)

    def denoising_bytes(self, samples: int) -> int:
        config, cells = self.network.config, self.shape[-2] * self.shape[-1]
        layers = config.layers_per_block
        depth = 2 * ((layers if isinstance(layers, int) else max(layers)) + 1)  # down and up
        activations = sum(
            channels * cells // 4**level for level, channels in enumerate(config.block_out_channels)
        )
        return samples * AT_ONCE * depth * activations * self.dtype.itemsize
