"""The SDXL family: UNet with ``text_time`` conditioning, two CLIP encoders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from diffusers import StableDiffusionXLPipeline
from torch import Tensor

from taue import equations
from taue.backbones.base import Captured, Conditioning, Encoded, content_positions
from taue.backbones.cross_attention import AttentionTap, RegionBlend, installed
from taue.errors import TaueError
from taue.finite import require_finite
from taue.readable import quoted
from taue.space import noise_levels

KEYS: dict[str, tuple[float, ...]] = {
    "green": (0.0, 1.0, 1.0, 0.0),
    "magenta": (0.0, -1.0, -1.0, 0.0),
    "blue": (0.0, 1.0, -1.0, 0.0),
}
"""Key colours in scaled latents: luminance, two colour axes, pattern. Green is the paper's."""

SMALLEST = 8
"""Latent cells along a side, at least."""

FLAT = 16
"""Latent cells along a side of the flat picture that a key colour is read from."""


class SDXLBackbone:
    """A pipeline's components, in the form that the method asks for.

    Args:
        pipeline: any ``StableDiffusionXLPipeline``.
        height, width: the canvas in pixels; the model's own size if None.
        cross_attention_kwargs: passed on to the UNet (``{"scale": ...}`` for LoRA).

    Raises:
        TaueError: if there is no such canvas.
    """

    def __init__(
        self,
        pipeline: StableDiffusionXLPipeline,
        height: int | None = None,
        width: int | None = None,
        cross_attention_kwargs: dict[str, Any] | None = None,
    ) -> None:
        self.pipeline: Any = pipeline
        self.device: torch.device = pipeline._execution_device
        self.cross_attention_kwargs = cross_attention_kwargs
        self.keys: Mapping[str, tuple[float, ...]] = KEYS
        self.multiple: int = pipeline.vae_scale_factor
        own = self.pipeline.unet.config.sample_size
        rows, columns = own if isinstance(own, (list, tuple)) else (own, own)
        self.default_size: tuple[int, int] = rows * self.multiple, columns * self.multiple
        self.size = (
            self._side("height", self.default_size[0] if height is None else height),
            self._side("width", self.default_size[1] if width is None else width),
        )
        cells = self.size[0] // self.multiple, self.size[1] // self.multiple
        channels = self.pipeline.unet.config.in_channels
        self.shape: tuple[int, int, int, int] = (1, channels, *cells)

    def _side(self, name: str, value: Any) -> int:
        least = SMALLEST * self.multiple
        if not isinstance(value, int) or value % self.multiple or value < least:
            raise TaueError(
                f"{name} is {quoted(value)}; "
                f"give a multiple of {self.multiple} from {least} pixels on."
            )
        return value

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
        if noise_levels(fresh).flows:
            raise TaueError(
                f"scheduler {type(fresh).__name__} is not supported by SDXL, which is no "
                "flow-matching model; use a diffusion scheduler such as Euler, DPM++ 2M or DDIM."
            )
        return fresh

    def encode_prompt(self, prompt: str, negative_prompt: str | None) -> Encoded:
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
        return Encoded(prompt_embeds, negative, pooled, negative_pooled, content)

    def evaluations(self, guidance_scale: float) -> int:
        return 2 if self._guides(guidance_scale) else 1

    def predict(
        self, inputs: Tensor, timesteps: Tensor, conditionings: Sequence[Conditioning]
    ) -> Tensor:
        unet = self.pipeline.unet
        steered, count = self._steered(conditionings), _most(conditionings)
        rows = [*steered, *range(len(conditionings))]  # negative prompts come first
        without = [conditionings[row] for row in steered]
        prompts = [
            *(_padded([e.negative for e in c.prompts], count) for c in without),
            *(_padded([e.prompt for e in c.prompts], count) for c in conditionings),
        ]
        pooled = torch.cat(
            [c.whole.negative_pooled for c in without] + [c.whole.pooled for c in conditionings]
        )
        output = unet(
            inputs[rows].to(unet.dtype),
            timesteps[rows],
            encoder_hidden_states=torch.cat(prompts).to(unet.dtype),
            timestep_cond=self._guidance_embedding([conditionings[r].guidance_scale for r in rows]),
            cross_attention_kwargs=self.cross_attention_kwargs,
            added_cond_kwargs={
                "text_embeds": pooled.to(unet.dtype),
                "time_ids": self._time_ids(pooled),
            },
            return_dict=False,
        )[0].float()
        unconditional, conditional = output.split([len(steered), len(conditionings)])
        guided = list(conditional)
        for row, negative in zip(steered, unconditional, strict=True):
            scale = conditionings[row].guidance_scale
            guided[row] = equations.guidance(negative, conditional[row], scale)
        return torch.stack(guided)

    def _steered(self, conditionings: Sequence[Conditioning]) -> list[int]:
        """Rows whose guidance needs a sample more, of the negative prompt."""
        return [row for row, c in enumerate(conditionings) if self._guides(c.guidance_scale)]

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
        return embedded.to(self.device, self.pipeline.unet.dtype)

    def _time_ids(self, pooled: Tensor) -> Tensor:
        """As in a plain call: original and target size are the canvas, no crop."""
        encoder = self.pipeline.text_encoder_2
        width = pooled.shape[-1] if encoder is None else encoder.config.projection_dim
        ids = self.pipeline._get_add_time_ids(
            self.size, (0, 0), self.size, dtype=pooled.dtype, text_encoder_projection_dim=width
        )
        return ids.to(self.device).repeat(len(pooled), 1)

    @contextmanager
    def attending(
        self, conditionings: Sequence[Conditioning], listen_to: Sequence[Sequence[int]]
    ) -> Iterator[Captured]:
        unet, (height, width) = self.pipeline.unet, self.shape[-2:]
        length = conditionings[0].prompts[0].prompt.shape[1]
        tap = AttentionTap(listen_to, height, width, length)
        with ExitStack() as stack:
            if any(c.regions is not None for c in conditionings):
                masks = self._masks(conditionings)
                stack.enter_context(installed(unet, RegionBlend(masks).wrap))
            if tap.tokens:
                stack.enter_context(installed(unet, tap.wrap))
            yield tap.captured

    def _masks(self, conditionings: Sequence[Conditioning]) -> Tensor:
        """Every sample's region masks [B, K, h, w]; those of rows with fewer prompts than the most
        are empty for what their prompts are padded with."""
        everywhere = torch.ones(1, *self.shape[-2:])
        count = _most(conditionings)
        masks = []
        for one in conditionings:
            own = everywhere if one.regions is None else one.regions
            empty = own.new_zeros(count - len(own), *own.shape[1:])
            masks.append(torch.cat([own, empty]).to(self.device))
        rows = torch.stack(masks)
        return torch.cat([rows[self._steered(conditionings)], rows])

    @torch.no_grad()
    def decode(self, latents: Tensor) -> Tensor:
        """Scaled latents [B, C, h, w] to pictures [B, 3, H, W] in [0, 1], float32."""
        with self._autoencoder() as (vae, dtype):
            raw = self._unscaled(latents.to(self.device, dtype))
            picture = vae.decode(raw, return_dict=False)[0]
        require_finite(picture, "the decoded picture")
        return (picture.float() / 2 + 0.5).clamp(0, 1)

    @torch.no_grad()
    def encode(self, pictures: Tensor) -> Tensor:
        """Pictures [B, 3, H, W] in [0, 1] to scaled latents [B, C, h, w], float32: the most likely
        ones."""
        with self._autoencoder() as (vae, dtype):
            encoded = vae.encode((pictures * 2 - 1).to(self.device, dtype))
            certain = hasattr(encoded, "latents")  # a tiny autoencoder knows no distribution
            raw = encoded.latents if certain else encoded.latent_dist.mode()
        return self._scaled(raw.float())

    def key(self, rgb: tuple[float, float, float]) -> Tensor:
        """The median cell of a flat picture's latents [C]: the outer ones know of its border."""
        side = FLAT * self.multiple
        flat = torch.tensor(rgb, dtype=torch.float32).view(1, 3, 1, 1).expand(-1, -1, side, side)
        return self.encode(flat)[0].flatten(1).median(dim=1).values.cpu()

    def watermarked(self, pictures: Tensor) -> Tensor:
        mark = self.pipeline.watermark
        return pictures if mark is None else mark.apply_watermark(pictures * 2 - 1) / 2 + 0.5

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


def _most(conditionings: Sequence[Conditioning]) -> int:
    """The most prompts that any of them has."""
    return max(len(one.prompts) for one in conditionings)


def _padded(prompts: Sequence[Tensor], count: int) -> Tensor:
    """One row's prompts side by side [1, count * L, D]; the first again where there are fewer."""
    return torch.cat([*prompts, *[prompts[0]] * (count - len(prompts))], dim=1)
