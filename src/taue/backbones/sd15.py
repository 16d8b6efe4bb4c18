"""The family of Stable Diffusion 1 and 2: UNet with one CLIP encoder, no further conditioning."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor

from taue.backbones.prompts import EncodedPair
from taue.backbones.unet import UNetBackbone
from taue.backbones.weighting import Scale
from taue.families import SD15
from taue.muted import muted


@contextmanager
def _with_text_model(encoder: Any) -> Iterator[None]:
    """Let diffusers find the encoder's last norm, for ``clip_skip``, where transformers before its
    fifth version had it: in a ``text_model`` of its own."""
    if hasattr(encoder, "text_model"):
        yield
        return
    encoder.__dict__["text_model"] = encoder  # not registered as its own part
    try:
        yield
    finally:
        del encoder.__dict__["text_model"]


class SD15Backbone(UNetBackbone):
    """Any ``StableDiffusionPipeline``; arguments and errors as of
    :class:`taue.backbones.denoiser.Denoiser`."""

    family = SD15
    returns = ("prompt", "negative")

    @property
    def tokenizers(self) -> tuple[Any, ...]:
        return (self.pipeline.tokenizer,)

    @property
    def layers(self) -> int:
        return self.pipeline.text_encoder.config.num_hidden_layers + 1  # it skips none by itself

    @property
    def scales(self) -> tuple[Scale, ...]:
        return (Scale(self.pipeline.tokenizer, self.pipeline.text_encoder, normalised=True),)

    @property
    def has_checker(self) -> bool:
        return self.pipeline.safety_checker is not None

    def objections(self, pictures: Tensor) -> list[bool]:
        # It says itself what becomes of a picture, which is not so of layers.
        with muted("diffusers.pipelines.stable_diffusion.safety_checker", "black image"):
            _, found = self.pipeline.run_safety_checker(pictures * 2 - 1, self.device, self.dtype)
        return super().objections(pictures) if found is None else list(found)

    def _encoded(
        self, prompt: str, negative_prompt: str | None, clip_skip: int | None
    ) -> EncodedPair:
        with _with_text_model(self.pipeline.text_encoder):
            encoded, negative = self.pipeline.encode_prompt(
                prompt=prompt,
                device=self.device,
                num_images_per_prompt=1,
                do_classifier_free_guidance=True,
                negative_prompt=negative_prompt,
                lora_scale=self._lora_scale,
                clip_skip=clip_skip,
            )
        nothing = encoded.new_zeros(1, 0)
        return encoded, negative, nothing, nothing
