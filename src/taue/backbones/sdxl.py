"""The SDXL family: UNet with ``text_time`` conditioning, two CLIP encoders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from taue.backbones.prompts import EncodedPair
from taue.backbones.unet import UNetBackbone
from taue.backbones.weighting import Scale
from taue.families import SDXL

KEYS: dict[str, tuple[float, ...]] = {
    "green": (0.0, 1.0, 1.0, 0.0),
    "magenta": (0.0, -1.0, -1.0, 0.0),
    "blue": (0.0, 1.0, -1.0, 0.0),
}
"""Key colours in scaled latents: luminance, two colour axes, pattern. Green is the paper's."""


class SDXLBackbone(UNetBackbone):
    """Any ``StableDiffusionXLPipeline``; arguments and errors as of
    :class:`taue.backbones.denoiser.Denoiser`."""

    family = SDXL
    returns = ("prompt", "negative", "pooled", "negative_pooled")
    upcasts = True
    has_green = True

    def _keys(self) -> Mapping[str, tuple[float, ...]]:
        return KEYS

    @property
    def tokenizers(self) -> tuple[Any, ...]:
        return self.pipeline.tokenizer, self.pipeline.tokenizer_2

    @property
    def layers(self) -> int:
        encoders = (self.pipeline.text_encoder, self.pipeline.text_encoder_2)
        return min(one.config.num_hidden_layers for one in encoders if one is not None)

    @property
    def scales(self) -> tuple[Scale, ...]:
        pipe = self.pipeline
        pairs = (pipe.tokenizer, pipe.text_encoder), (pipe.tokenizer_2, pipe.text_encoder_2)
        return tuple(Scale(*pair, normalised=False) for pair in pairs if None not in pair)

    def _encoded(
        self, prompt: str, negative_prompt: str | None, clip_skip: int | None
    ) -> EncodedPair:
        return self.pipeline.encode_prompt(
            prompt=prompt,
            negative_prompt=negative_prompt,
            device=self.device,
            do_classifier_free_guidance=True,
            lora_scale=self._lora_scale,
            clip_skip=clip_skip,
        )

    def _added(self, pooled: Tensor, corners: Sequence[tuple[int, int]]) -> dict[str, Tensor]:
        ids = {corner: self._time_ids(pooled, corner) for corner in set(corners)}
        times = torch.cat([ids[corner] for corner in corners])
        return {"text_embeds": pooled.to(self.dtype), "time_ids": times.to(self.device)}

    def _time_ids(self, pooled: Tensor, corner: tuple[int, int]) -> Tensor:
        """As in a plain call: original and target size are the canvas, no crop. Of a window the
        model is told that it is a crop of the canvas, as it was told of crops in training."""
        encoder = self.pipeline.text_encoder_2
        width = pooled.shape[-1] if encoder is None else encoder.config.projection_dim
        row, column = corner
        return self.pipeline._get_add_time_ids(
            self.canvas,
            (row * self.multiple, column * self.multiple),
            self.size,
            dtype=pooled.dtype,
            text_encoder_projection_dim=width,
        )

    def marked(self, pictures: Tensor) -> Tensor:
        mark: Any = self.pipeline.watermark
        return pictures if mark is None else mark.apply_watermark(pictures * 2 - 1) / 2 + 0.5

    def inpainting(self) -> Any:
        """The family's own pipeline for holes in pictures, of the same parts: latents outside are
        held, as diffusers does it for a network that is not told of the hole."""
        from diffusers import StableDiffusionXLInpaintPipeline

        pipe = self.pipeline
        # Not from_pipe, which takes no other autoencoder than SDXL's own class.
        return StableDiffusionXLInpaintPipeline(
            **pipe.components,
            force_zeros_for_empty_prompt=pipe.config["force_zeros_for_empty_prompt"],
            add_watermarker=pipe.watermark is not None,
        )
