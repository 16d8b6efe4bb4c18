"""The shape of paddy: SDXL's component classes at a size that two CPU cores can train.

Nothing here is specific to TAUE. Whatever is built from these functions is an ordinary SDXL
checkpoint: same classes, same ``text_time`` conditioning, same scheduler settings, so the method
cannot tell it from the real one.
"""

from __future__ import annotations

from diffusers import AutoencoderTiny, EulerDiscreteScheduler, UNet2DConditionModel
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
)

LATENT_CHANNELS = 4
LATENT_FACTOR = 8
SCALING_FACTOR = 0.8
"""Scaled latents = raw latents x 0.8. Deliberately not SDXL's 0.13025, so that code which
forgets to read it from the configuration shows at once."""

TEXT_WIDTH = 64
TIME_ID_WIDTH = 32
MAX_TOKENS = 32
"""Tokens per prompt, start and end included (SDXL has 77; paddy's longest caption has 20)."""

COLOUR_OF_CHANNEL = (
    (0.5, 0.5, 0.5),
    (-0.5, 0.25, 0.0),
    (0.0, 0.25, -0.5),
)
"""RGB in [-1, 1] that one unit of each of the first three *scaled* latent channels adds.

Luminance and two colour axes, in the manner of SDXL's: (0, 1, 1, 0) is the green
(-0.5, 0.5, -0.5). The autoencoder is trained towards this; the fourth channel is free (texture).
"""


def autoencoder() -> AutoencoderTiny:
    """Factor 8, 4 channels, nearly all the work at a quarter of the resolution and below.

    SDXL's pipelines take this class as well as ``AutoencoderKL``. That one did not fit two cores:
    its group norms hide the absolute colour of a plain picture, and after 25 minutes it had
    24.7 dB.
    """
    return AutoencoderTiny(
        latent_channels=LATENT_CHANNELS,
        encoder_block_out_channels=(64,) * 4,
        decoder_block_out_channels=(64,) * 4,
        num_encoder_blocks=(0, 0, 2, 2),
        num_decoder_blocks=(3, 3, 0, 0),
        scaling_factor=SCALING_FACTOR,
        force_upcast=False,
    )


def denoiser(latent_size: int) -> UNet2DConditionModel:
    """Cross-attention at two resolutions, added text and size conditioning as in SDXL.

    From 32 cells a side on there is a level above them without attention, as SDXL's first: thin,
    because on two cores a convolution there costs four times as much.

    Args:
        latent_size: side of the training latents in cells, recorded as the default canvas.
    """
    thin = latent_size >= 32
    return UNet2DConditionModel(
        sample_size=latent_size,
        in_channels=LATENT_CHANNELS,
        out_channels=LATENT_CHANNELS,
        block_out_channels=(32,) * thin + (64, 160),
        layers_per_block=1,
        down_block_types=("DownBlock2D",) * thin + ("CrossAttnDownBlock2D",) * 2,
        up_block_types=("CrossAttnUpBlock2D",) * 2 + ("UpBlock2D",) * thin,
        transformer_layers_per_block=1,
        attention_head_dim=(1,) * thin + (2, 5),
        time_embedding_dim=256,
        cross_attention_dim=2 * TEXT_WIDTH,
        norm_num_groups=16,
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=TIME_ID_WIDTH,
        projection_class_embeddings_input_dim=6 * TIME_ID_WIDTH + TEXT_WIDTH,
    )


def text_encoders(
    tokenizer: CLIPTokenizer,
) -> tuple[CLIPTextModel, CLIPTextModelWithProjection]:
    """Two CLIP text encoders; SDXL reads the last layer but one of each, and pools the second."""
    return (
        CLIPTextModel(text_config(tokenizer, 2, "quick_gelu")),
        CLIPTextModelWithProjection(text_config(tokenizer, 3, "gelu")),
    )


def text_config(tokenizer: CLIPTokenizer, layers: int, activation: str) -> CLIPTextConfig:
    """The shape of one text encoder over a tokenizer's vocabulary."""
    return CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=TEXT_WIDTH,
        intermediate_size=4 * TEXT_WIDTH,
        projection_dim=TEXT_WIDTH,
        num_hidden_layers=layers,
        num_attention_heads=2,
        max_position_embeddings=MAX_TOKENS,
        hidden_act=activation,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )


def scheduler() -> EulerDiscreteScheduler:
    """SDXL's own configuration, with the keys that only other schedulers read.

    They are saved with the model, so that ``DDIMScheduler.from_config(pipe.scheduler.config)``
    clips no samples, as on SDXL.
    """
    configuration = {
        "num_train_timesteps": 1000,
        "beta_start": 0.00085,
        "beta_end": 0.012,
        "beta_schedule": "scaled_linear",
        "prediction_type": "epsilon",
        "interpolation_type": "linear",
        "timestep_spacing": "leading",
        "steps_offset": 1,
        "use_karras_sigmas": False,
        "clip_sample": False,
        "sample_max_value": 1.0,
        "set_alpha_to_one": False,
        "skip_prk_steps": True,
    }
    made = EulerDiscreteScheduler.from_config(configuration)
    assert isinstance(made, EulerDiscreteScheduler)
    return made
