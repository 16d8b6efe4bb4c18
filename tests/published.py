"""Published models without their weights: configurations as their folders have them, without what
is default, on the meta device."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from diffusers import (
    AutoencoderKL,
    AutoencoderKLFlux2,
    Flux2KleinPipeline,
    Flux2Transformer2DModel,
    FluxPipeline,
    FluxTransformer2DModel,
    PixArtSigmaPipeline,
    PixArtTransformer2DModel,
    SD3Transformer2DModel,
    StableDiffusion3Pipeline,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
    ZImagePipeline,
    ZImageTransformer2DModel,
)
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    Qwen3Config,
    Qwen3ForCausalLM,
    Qwen3Model,
    T5Config,
    T5EncoderModel,
)

from taue import TauePipeline
from tiny_models import qwen_tokenizer, spelling_t5, tokenizers

SDXL_UNET: dict[str, Any] = {
    "act_fn": "silu",
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 256,
    "attention_head_dim": [5, 10, 20],
    "block_out_channels": [320, 640, 1280],
    "cross_attention_dim": 2048,
    "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
    "in_channels": 4,
    "layers_per_block": 2,
    "mid_block_type": "UNetMidBlock2DCrossAttn",
    "out_channels": 4,
    "projection_class_embeddings_input_dim": 2816,
    "sample_size": 128,
    "transformer_layers_per_block": [1, 2, 10],
    "up_block_types": ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
    "use_linear_projection": True,
}
"""stabilityai/stable-diffusion-xl-base-1.0."""

SD15_UNET: dict[str, Any] = {
    "attention_head_dim": 8,
    "block_out_channels": [320, 640, 1280, 1280],
    "cross_attention_dim": 768,
    "down_block_types": [*["CrossAttnDownBlock2D"] * 3, "DownBlock2D"],
    "layers_per_block": 2,
    "sample_size": 64,
    "up_block_types": ["UpBlock2D", *["CrossAttnUpBlock2D"] * 3],
}
"""stable-diffusion-v1-5/stable-diffusion-v1-5."""

SD3_TRANSFORMER: dict[str, Any] = {
    "attention_head_dim": 64,
    "caption_projection_dim": 1536,
    "in_channels": 16,
    "joint_attention_dim": 4096,
    "num_attention_heads": 24,
    "num_layers": 24,
    "out_channels": 16,
    "patch_size": 2,
    "pooled_projection_dim": 2048,
    "pos_embed_max_size": 192,
    "sample_size": 128,
}
"""stabilityai/stable-diffusion-3-medium-diffusers."""

SD35_MEDIUM: dict[str, Any] = {
    **SD3_TRANSFORMER,
    "dual_attention_layers": list(range(13)),
    "pos_embed_max_size": 384,
    "qk_norm": "rms_norm",
}
"""stabilityai/stable-diffusion-3.5-medium."""

SD35_LARGE: dict[str, Any] = {
    **SD3_TRANSFORMER,
    "caption_projection_dim": 2432,
    "num_attention_heads": 38,
    "num_layers": 38,
    "qk_norm": "rms_norm",
}
"""stabilityai/stable-diffusion-3.5-large."""

FLUX_TRANSFORMER: dict[str, Any] = {
    "attention_head_dim": 128,
    "axes_dims_rope": [16, 56, 56],
    "guidance_embeds": True,
    "in_channels": 64,
    "joint_attention_dim": 4096,
    "num_attention_heads": 24,
    "num_layers": 19,
    "num_single_layers": 38,
    "pooled_projection_dim": 768,
}
"""black-forest-labs/FLUX.1-dev."""

SCHNELL: dict[str, Any] = {**FLUX_TRANSFORMER, "guidance_embeds": False}
"""black-forest-labs/FLUX.1-schnell."""

PIXART_SIGMA: dict[str, Any] = {
    "activation_fn": "gelu-approximate",
    "attention_bias": True,
    "attention_head_dim": 72,
    "caption_channels": 4096,
    "cross_attention_dim": 1152,
    "in_channels": 4,
    "interpolation_scale": 2,
    "norm_type": "ada_norm_single",
    "num_attention_heads": 16,
    "num_layers": 28,
    "out_channels": 8,
    "patch_size": 2,
    "sample_size": 128,
    "use_additional_conditions": False,
}
"""PixArt-alpha/PixArt-Sigma-XL-2-1024-MS."""

ZIMAGE_TRANSFORMER: dict[str, Any] = {
    "all_f_patch_size": [1],
    "all_patch_size": [2],
    "axes_dims": [32, 48, 48],
    "axes_lens": [1024, 512, 512],
    "cap_feat_dim": 2560,
    "dim": 3840,
    "in_channels": 16,
    "n_heads": 30,
    "n_kv_heads": 30,
    "n_layers": 30,
    "n_refiner_layers": 2,
    "qk_norm": True,
}
"""Tongyi-MAI/Z-Image-Turbo and Z-Image, as diffusers' defaults have them; a folder may have more
places for captions, which nothing here depends on."""

KLEIN_4B: dict[str, Any] = {
    "guidance_embeds": False,
    "joint_attention_dim": 7680,
    "num_attention_heads": 24,
    "num_layers": 5,
    "num_single_layers": 20,
}
"""black-forest-labs/FLUX.2-klein-4B and -base-4B, as diffusers converts them; the VAE is its
class's default."""

KLEIN_9B: dict[str, Any] = {
    **KLEIN_4B,
    "joint_attention_dim": 12288,
    "num_attention_heads": 32,
    "num_layers": 8,
    "num_single_layers": 24,
}
"""black-forest-labs/FLUX.2-klein-9B and -base-9B."""

VAE: dict[str, Any] = {
    "block_out_channels": [128, 256, 512, 512],
    "down_block_types": ["DownEncoderBlock2D"] * 4,
    "latent_channels": 4,
    "layers_per_block": 2,
    "up_block_types": ["UpDecoderBlock2D"] * 4,
}
SDXL_VAE = {**VAE, "scaling_factor": 0.13025}
SD3_VAE: dict[str, Any] = {
    **VAE,
    "latent_channels": 16,
    "scaling_factor": 1.5305,
    "shift_factor": 0.0609,
    "use_post_quant_conv": False,
    "use_quant_conv": False,
}
FLUX_VAE = {**SD3_VAE, "scaling_factor": 0.3611, "shift_factor": 0.1159}

CLIP_L: dict[str, Any] = {
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_attention_heads": 12,
    "num_hidden_layers": 12,
    "projection_dim": 768,
    "vocab_size": 49408,
}
CLIP_G: dict[str, Any] = {
    "hidden_act": "gelu",
    "hidden_size": 1280,
    "intermediate_size": 5120,
    "num_attention_heads": 20,
    "num_hidden_layers": 32,
    "projection_dim": 1280,
    "vocab_size": 49408,
}
T5_XXL: dict[str, Any] = {
    "d_ff": 10240,
    "d_kv": 64,
    "d_model": 4096,
    "feed_forward_proj": "gated-gelu",
    "num_heads": 64,
    "num_layers": 24,
    "vocab_size": 32128,
}
QWEN3_4B: dict[str, Any] = {
    "head_dim": 128,
    "hidden_size": 2560,
    "intermediate_size": 9728,
    "max_position_embeddings": 40960,
    "num_attention_heads": 32,
    "num_hidden_layers": 36,
    "num_key_value_heads": 8,
    "vocab_size": 151936,
}
QWEN3_8B: dict[str, Any] = {**QWEN3_4B, "hidden_size": 4096, "intermediate_size": 12288}


@dataclass(frozen=True)
class Published:
    """One model.

    Attributes:
        family: as :mod:`taue.families` has it.
        build: its pipeline of diffusers; tokenizers are small ones.
        parameters: of its denoiser.
        channels: of its latents.
        own: its own canvas, pixels along a side.
        text: tokens of a prompt, and numbers of each, as its encoders give them.
        pooled: numbers that stand for a whole prompt.
        grids: of the layers in which a picture reads text, how many have how many picture tokens
            at 1024 x 1024 px; where one stream has both, the text's of two prompts with them.
        largest: the longest side that it has positions for; None if there is no end.
        cell: pixels along a side of a latent cell.
    """

    family: str
    build: Callable[[], Any]
    parameters: int
    channels: int
    own: int
    text: tuple[int, int]
    pooled: int
    grids: Mapping[int, int]
    largest: int | None = None
    cell: int = 8

    def pipeline(self) -> TauePipeline:
        """In bfloat16, without weights."""
        with torch.device("meta"):
            pipe: Any = self.build()
        return TauePipeline.from_pipe(pipe, dtype=torch.bfloat16)


def clip(config: Mapping[str, Any], *, projects: bool = False) -> Any:
    kind = CLIPTextModelWithProjection if projects else CLIPTextModel
    return kind(CLIPTextConfig(**config))


def t5() -> Any:
    return T5EncoderModel(T5Config(**T5_XXL))


def sdxl() -> Any:
    one, two = tokenizers()
    return StableDiffusionXLPipeline(
        unet=UNet2DConditionModel.from_config(SDXL_UNET),
        vae=AutoencoderKL.from_config(SDXL_VAE),
        text_encoder=clip(CLIP_L),
        text_encoder_2=clip(CLIP_G, projects=True),
        tokenizer=one,
        tokenizer_2=two,
        scheduler=None,
        add_watermarker=False,
    )


def sd15() -> Any:
    return StableDiffusionPipeline(
        unet=UNet2DConditionModel.from_config(SD15_UNET),
        vae=AutoencoderKL.from_config(VAE),
        text_encoder=clip(CLIP_L),
        tokenizer=tokenizers()[0],
        scheduler=None,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def sd3(config: Mapping[str, Any]) -> Any:
    one, two = tokenizers()
    return StableDiffusion3Pipeline(
        transformer=SD3Transformer2DModel.from_config(config),
        vae=AutoencoderKL.from_config(SD3_VAE),
        text_encoder=clip(CLIP_L, projects=True),
        text_encoder_2=clip(CLIP_G, projects=True),
        text_encoder_3=t5(),
        tokenizer=one,
        tokenizer_2=two,
        tokenizer_3=spelling_t5(256)[0],
        scheduler=None,
    )


def flux(config: Mapping[str, Any]) -> Any:
    return FluxPipeline(
        transformer=FluxTransformer2DModel.from_config(config),
        vae=AutoencoderKL.from_config(FLUX_VAE),
        text_encoder=clip(CLIP_L),
        text_encoder_2=t5(),
        tokenizer=tokenizers()[0],
        tokenizer_2=spelling_t5(512)[0],
        scheduler=None,
    )


def pixart() -> Any:
    return PixArtSigmaPipeline(
        transformer=PixArtTransformer2DModel.from_config(PIXART_SIGMA),
        vae=AutoencoderKL.from_config(SDXL_VAE),
        text_encoder=t5(),
        tokenizer=spelling_t5(300)[0],
        scheduler=None,
    )


def zimage() -> Any:
    return ZImagePipeline(
        transformer=ZImageTransformer2DModel.from_config(ZIMAGE_TRANSFORMER),
        vae=AutoencoderKL.from_config(FLUX_VAE),
        text_encoder=Qwen3Model(Qwen3Config(**QWEN3_4B)),
        tokenizer=qwen_tokenizer(),
        scheduler=None,
    )


def klein(config: Mapping[str, Any], qwen: Mapping[str, Any], *, distilled: bool) -> Any:
    return Flux2KleinPipeline(
        transformer=Flux2Transformer2DModel.from_config(config),
        vae=AutoencoderKLFlux2(),
        text_encoder=Qwen3ForCausalLM(Qwen3Config(**qwen)),
        tokenizer=qwen_tokenizer(),
        scheduler=None,
        is_distilled=distilled,
    )


def _sd3(config: Mapping[str, Any], parameters: int, largest: int) -> Published:
    sites = {64**2: config["num_layers"]}
    text = 77 + 256, 4096
    return Published("sd3", lambda: sd3(config), parameters, 16, 1024, text, 2048, sites, largest)


def _flux(config: Mapping[str, Any], parameters: int) -> Published:
    sites = {64**2: config["num_layers"], 64**2 + 2 * 512: config["num_single_layers"]}
    return Published("flux", lambda: flux(config), parameters, 16, 1024, (512, 4096), 768, sites)


_TIED = {"tie_word_embeddings": True}


def _klein(
    config: Mapping[str, Any], qwen: Mapping[str, Any], parameters: int, *, distilled: bool
) -> Published:
    sites = {64**2: config["num_layers"], 64**2 + 2 * 512: config["num_single_layers"]}
    text = 512, config["joint_attention_dim"]
    return Published(
        "klein", lambda: klein(config, qwen, distilled=distilled), parameters, 128, 1024, text, 0,
        sites, cell=16,
    )  # fmt: skip


MODELS: dict[str, Published] = {
    "SDXL base": Published(
        "sdxl", sdxl, 2_567_463_684, 4, 1024, (77, 2048), 1280, {64**2: 10, 32**2: 60}
    ),
    "SD1.5": Published(
        "sd15", sd15, 859_520_964, 4, 512, (77, 768), 0, {128**2: 5, 64**2: 5, 32**2: 5, 16**2: 1}
    ),
    "SD3 medium": _sd3(SD3_TRANSFORMER, 2_028_328_000, 3072),
    "SD3.5 medium": _sd3(SD35_MEDIUM, 2_243_171_520, 6144),
    "SD3.5 large": _sd3(SD35_LARGE, 8_056_627_520, 3072),
    "FLUX.1-dev": _flux(FLUX_TRANSFORMER, 11_901_408_320),
    "FLUX.1-schnell": _flux(SCHNELL, 11_891_178_560),
    "PixArt-Sigma": Published("pixart", pixart, 610_856_096, 4, 1024, (300, 4096), 0, {64**2: 28}),
    "Z-Image": Published(
        "zimage", zimage, 6_154_908_736, 16, 1024, (512, 2560), 0, {64**2 + 2 * 512: 30}, 8192
    ),
    "FLUX.2 Klein 4B": _klein(KLEIN_4B, QWEN3_4B | _TIED, 3_875_544_576, distilled=True),
    "FLUX.2 Klein base 9B": _klein(KLEIN_9B, QWEN3_8B, 9_078_581_248, distilled=False),
}
"""By what people call them."""
