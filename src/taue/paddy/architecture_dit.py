"""The shape of paddy-dit: SD3's component classes at paddy's size.

An ordinary SD3 checkpoint in every way that code can see: the same classes, joint attention with
the picture's tokens first, flow matching with shift 3, three text encoders. Two of them are trained
and the third is mute.
"""

from __future__ import annotations

from diffusers import FlowMatchEulerDiscreteScheduler, SD3Transformer2DModel
from torch import Tensor, nn
from transformers import (
    CLIPTextModelWithProjection,
    CLIPTokenizer,
    T5Config,
    T5EncoderModel,
    T5Tokenizer,
)

from taue.paddy.architecture import LATENT_CHANNELS, SCALING_FACTOR, TEXT_WIDTH, text_config

SHIFT_FACTOR, DIT_SCALING_FACTOR = 0.3, 1.1
"""Scaled latents = (raw latents - shift) x scaling. Neither is paddy's own (0 and 0.8), so that
code which forgets to read one shows: without the shift, pictures come out 31/255 greener."""

MUTE_TOKENS = 256
"""Tokens of the third encoder, which are SD3's default ``max_sequence_length``."""

SHIFT = 3.0
"""SD3's own: of 28 steps, ten are spent above noise level 0.85, where the scene is laid out."""


def from_paddy(latents: Tensor) -> Tensor:
    """Latents as paddy's UNet takes them, as the transformer takes them."""
    return (latents / SCALING_FACTOR - SHIFT_FACTOR) * DIT_SCALING_FACTOR


def transformer(latent_size: int) -> SD3Transformer2DModel:
    """Six joint blocks of width 192.

    Three heads of 64 beat six of 32 on two cores. What modulates and what comes out starts at zero,
    as in DiT (arXiv 2212.09748): each block begins as the identity.

    Args:
        latent_size: side of the training latents in cells, recorded as the default canvas.
    """
    made = SD3Transformer2DModel(
        sample_size=latent_size,
        patch_size=2,
        in_channels=LATENT_CHANNELS,
        out_channels=LATENT_CHANNELS,
        num_layers=6,
        attention_head_dim=64,
        num_attention_heads=3,
        joint_attention_dim=2 * TEXT_WIDTH,
        caption_projection_dim=192,
        pooled_projection_dim=2 * TEXT_WIDTH,
        pos_embed_max_size=32,
        qk_norm="rms_norm",
    )
    for block in made.transformer_blocks:
        _silence(block.norm1.linear)
        _silence(block.norm1_context.linear)
    _silence(made.norm_out.linear)
    _silence(made.proj_out)
    return made


def _silence(layer: nn.Linear) -> None:
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)


def text_encoders(
    tokenizer: CLIPTokenizer,
) -> tuple[CLIPTextModelWithProjection, CLIPTextModelWithProjection]:
    """Two CLIP text encoders; SD3 reads the last layer but one of each, and pools both."""
    return (
        CLIPTextModelWithProjection(text_config(tokenizer, 2, "quick_gelu")),
        CLIPTextModelWithProjection(text_config(tokenizer, 3, "gelu")),
    )


def mute_encoder() -> tuple[T5EncoderModel, T5Tokenizer]:
    """A T5 of nine thousand parameters that answers every prompt with zeros.

    SD3's pipeline must find a third encoder in a folder, and a real one is no smaller than the rest
    of paddy. The last norm's weight is zero, so all its tokens are.
    """
    tokenizer = T5Tokenizer(extra_ids=0)
    tokenizer.model_max_length = MUTE_TOKENS
    encoder = T5EncoderModel(
        T5Config(
            vocab_size=len(tokenizer),
            d_model=2 * TEXT_WIDTH,
            d_kv=8,
            d_ff=16,
            num_layers=1,
            num_heads=1,
            dropout_rate=0.0,
            pad_token_id=tokenizer.pad_token_id,
            eos_token_id=tokenizer.eos_token_id,
        )
    )
    nn.init.zeros_(encoder.encoder.final_layer_norm.weight)
    return encoder, tokenizer


def scheduler() -> FlowMatchEulerDiscreteScheduler:
    return FlowMatchEulerDiscreteScheduler(num_train_timesteps=1000, shift=SHIFT)
