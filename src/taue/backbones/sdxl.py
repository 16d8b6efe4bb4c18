"""The SDXL family: UNet with ``text_time`` conditioning, two CLIP encoders."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import torch
from diffusers import StableDiffusionXLPipeline
from torch import Tensor

from taue.attention import AttentionTap, RegionBlend, installed
from taue.backbones.base import Conditioning, Encoded, content_positions, guided
from taue.errors import TaueError
from taue.finite import require_finite


class SDXLBackbone:
    """A pipeline's components, in the form that the method asks for.

    Args:
        pipeline: any ``StableDiffusionXLPipeline``.
        height, width: the canvas in pixels.
        cross_attention_kwargs: passed on to the UNet (``{"scale": ...}`` for LoRA).
    """

    def __init__(
        self,
        pipeline: StableDiffusionXLPipeline,
        height: int,
        width: int,
        cross_attention_kwargs: dict[str, Any] | None = None,
    ) -> None:
        self.pipeline: Any = pipeline
        self.device: torch.device = pipeline._execution_device
        self.size = (height, width)
        self.cross_attention_kwargs = cross_attention_kwargs

    def new_scheduler(self, steps: int) -> Any:
        scheduler = self.pipeline.scheduler
        fresh = type(scheduler).from_config(scheduler.config)
        try:
            fresh.set_timesteps(steps, device=self.device)
        except ValueError as error:  # LCM takes no more than it was distilled to
            raise TaueError(
                f"num_inference_steps is {steps}; scheduler {type(fresh).__name__} cannot take it: "
                f"{str(error).strip().rstrip('.')}."
            ) from error
        return fresh

    def encode(self, prompt: str, negative_prompt: str | None) -> Encoded:
        prompt_embeds, negative, pooled, negative_pooled = self.pipeline.encode_prompt(
            prompt=prompt,
            negative_prompt=negative_prompt,
            device=self.device,
            do_classifier_free_guidance=True,
            lora_scale=(self.cross_attention_kwargs or {}).get("scale"),
        )
        tokenizer = self.pipeline.tokenizer or self.pipeline.tokenizer_2
        tokens = tokenizer(
            self.pipeline.maybe_convert_prompt(prompt, tokenizer),
            padding="max_length",
            max_length=tokenizer.model_max_length,
            truncation=True,
        ).input_ids
        content = content_positions(tokens, frozenset(tokenizer.all_special_ids))
        return Encoded(prompt_embeds, negative, pooled, negative_pooled, (content,))

    def evaluations(self, guidance_scale: float) -> int:
        return 2 if self._guides(guidance_scale) else 1

    def predict(
        self,
        latents: Tensor,
        timestep: Tensor,
        conditioning: Conditioning,
        guidance_scale: float,
    ) -> Tensor:
        unet = self.pipeline.unet
        prompt, pooled = conditioning.prompt, conditioning.whole.pooled
        guides = self._guides(guidance_scale)
        if guides:
            prompt = torch.cat([conditioning.negative, prompt])
            pooled = torch.cat([conditioning.whole.negative_pooled, pooled])
            latents = torch.cat([latents, latents])
        time_ids = self._time_ids(pooled)
        output = unet(
            latents.to(unet.dtype),
            timestep,
            encoder_hidden_states=prompt.to(unet.dtype),
            timestep_cond=self._guidance_embedding(guidance_scale, len(latents)),
            cross_attention_kwargs=self.cross_attention_kwargs,
            added_cond_kwargs={"text_embeds": pooled.to(unet.dtype), "time_ids": time_ids},
            return_dict=False,
        )[0].float()
        require_finite(output, "the model's output")
        if not guides:
            return output
        unconditional, conditional = output.chunk(2)
        return guided(unconditional, conditional, guidance_scale)

    def _guides(self, guidance_scale: float) -> bool:
        """Whether guidance needs two halves; distilled models embed the scale instead."""
        return guidance_scale > 1 and self.pipeline.unet.config.time_cond_proj_dim is None

    def _guidance_embedding(self, guidance_scale: float, count: int) -> Tensor | None:
        width = self.pipeline.unet.config.time_cond_proj_dim
        if width is None:
            return None
        scale = torch.full((count,), guidance_scale - 1.0)
        embedded = self.pipeline.get_guidance_scale_embedding(scale, embedding_dim=width)
        return embedded.to(self.device, self.pipeline.unet.dtype)

    def _time_ids(self, pooled: Tensor) -> Tensor:
        """As in a plain call: original and target size are the canvas, no crop."""
        encoder = self.pipeline.text_encoder_2
        width = pooled.shape[-1] if encoder is None else encoder.config.projection_dim
        ids = self.pipeline._get_add_time_ids(
            self.size, (0, 0), self.size, dtype=pooled.dtype, text_encoder_projection_dim=width
        )
        return ids.to(self.device).repeat(len(pooled), 1)

    def listening(self, tap: AttentionTap) -> AbstractContextManager[None]:
        return installed(self.pipeline.unet, tap.wrap)

    def blending(self, blend: RegionBlend) -> AbstractContextManager[None]:
        return installed(self.pipeline.unet, blend.wrap)

    def extra_step_arguments(
        self, scheduler: Any, generators: Sequence[torch.Generator]
    ) -> dict[str, Any]:
        if "generator" not in inspect.signature(scheduler.step).parameters:
            return {}
        return {"generator": generators[0] if len(generators) == 1 else list(generators)}

    @torch.no_grad()
    def decode(self, latents: Tensor) -> Tensor:
        """Scaled latents [B, 4, h, w] to pictures [B, 3, H, W] in [0, 1], float32."""
        with self._autoencoder() as (vae, dtype):
            raw = self._unscaled(latents.to(self.device, dtype))
            picture = vae.decode(raw, return_dict=False)[0]
        require_finite(picture, "the decoded picture")
        return (picture.float() / 2 + 0.5).clamp(0, 1)

    @torch.no_grad()
    def draw(self, pictures: Tensor) -> Tensor:
        """Pictures [B, 3, H, W] in [0, 1] to scaled latents [B, 4, h, w], float32: the most likely
        ones."""
        with self._autoencoder() as (vae, dtype):
            encoded = vae.encode((pictures * 2 - 1).to(self.device, dtype))
            certain = hasattr(encoded, "latents")  # a tiny autoencoder knows no distribution
            raw = encoded.latents if certain else encoded.latent_dist.mode()
        return self._scaled(raw.float())

    @contextmanager
    def _autoencoder(self) -> Iterator[tuple[Any, torch.dtype]]:
        """The VAE and the precision to use it in: as SDXL's pipeline does, this follows
        ``force_upcast``, for half precision overflows there."""
        vae = self.pipeline.vae
        upcast = vae.dtype == torch.float16 and vae.config.force_upcast
        if upcast:
            vae.to(dtype=torch.float32)
        try:
            yield vae, torch.float32 if upcast else vae.dtype
        finally:
            if upcast:
                vae.to(dtype=torch.float16)

    def _unscaled(self, latents: Tensor) -> Tensor:
        factor, statistics = self.pipeline.vae.config.scaling_factor, self._statistics(latents)
        if statistics is None:
            return latents / factor  # as diffusers does it, to the last digit of half precision
        mean, std = statistics
        return latents * (std / factor) + mean

    def _scaled(self, raw: Tensor) -> Tensor:
        factor, statistics = self.pipeline.vae.config.scaling_factor, self._statistics(raw)
        if statistics is None:
            return raw * factor
        mean, std = statistics
        return (raw - mean) / (std / factor)

    def _statistics(self, like: Tensor) -> tuple[Tensor, Tensor] | None:
        """Mean and standard deviation of the VAE's own latents [1, C, 1, 1], where it has them."""
        config = self.pipeline.vae.config
        mean, std = getattr(config, "latents_mean", None), getattr(config, "latents_std", None)
        if mean is None or std is None:
            return None
        shape = (1, -1, 1, 1)
        return torch.tensor(mean).view(shape).to(like), torch.tensor(std).view(shape).to(like)
