"""The family of Stable Diffusion 1 and 2: UNet with one CLIP encoder, no further conditioning."""

from __future__ import annotations

from taue.backbones.base import Encoded
from taue.backbones.unet import UNetBackbone
from taue.families import SD15


class SD15Backbone(UNetBackbone):
    """Any ``StableDiffusionPipeline``; arguments and errors as of
    :class:`taue.backbones.unet.UNetBackbone`."""

    family = SD15

    def encode_prompt(self, prompt: str, negative_prompt: str | None) -> Encoded:
        encoded, negative = self.pipeline.encode_prompt(
            prompt=prompt,
            device=self.device,
            num_images_per_prompt=1,
            do_classifier_free_guidance=True,
            negative_prompt=negative_prompt,
            lora_scale=(self.cross_attention_kwargs or {}).get("scale"),
        )
        nothing = encoded.new_zeros(1, 0)
        content = self.content(prompt, self.pipeline.tokenizer)
        return Encoded(encoded, negative, nothing, nothing, content)
