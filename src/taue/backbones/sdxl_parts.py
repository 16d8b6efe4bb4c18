"""Whether the parts of a model folder belong together: folders may come from anywhere."""

from __future__ import annotations

from typing import Any

from taue.errors import TaueError

KEY_CHANNELS = 4
"""Key colours are written in so many channels of SDXL's latents."""


def require_parts_that_fit(pipeline: Any) -> None:
    """Make sure that the parts of an SDXL pipeline can be run together.

    Raises:
        TaueError: naming the parts that do not fit.
    """
    unet, vae = pipeline.unet.config, pipeline.vae.config
    encoders = [one for one in (pipeline.text_encoder, pipeline.text_encoder_2) if one is not None]
    wide = sum(one.config.hidden_size for one in encoders)
    for fits, what in (
        (unet.addition_embed_type == "text_time", "its UNet is not one of SDXL's"),
        (
            unet.in_channels == unet.out_channels == vae.latent_channels == KEY_CHANNELS,
            (
                f"its UNet takes {unet.in_channels} channels and gives {unet.out_channels}, its "
                f"VAE has {vae.latent_channels}, and SDXL's are {KEY_CHANNELS}"
            ),
        ),
        (
            not encoders or unet.cross_attention_dim in (wide, None) or _several(unet),
            (
                f"its text encoders give {wide} numbers a token and its UNet takes "
                f"{unet.cross_attention_dim}"
            ),
        ),
        (pipeline.text_encoder_2 is not None, "its second text encoder is missing"),
        (
            pipeline.text_encoder_2 is None or _pooled(pipeline) == _taken(unet),
            "its second text encoder and its UNet differ in the size of a whole prompt",
        ),
    ):
        if not fits:
            raise TaueError(f"model does not fit together: {what}; use a whole SDXL model.")
    for encoder, tokenizer in (
        (pipeline.text_encoder, pipeline.tokenizer),
        (pipeline.text_encoder_2, pipeline.tokenizer_2),
    ):
        if encoder is not None and (
            tokenizer is None
            or len(tokenizer) > encoder.config.vocab_size
            or tokenizer.model_max_length > encoder.config.max_position_embeddings
        ):
            raise TaueError(
                "model does not fit together: a tokenizer is missing or gives more than its text "
                "encoder takes; use a whole SDXL model."
            )


def _several(unet: Any) -> bool:
    return not isinstance(unet.cross_attention_dim, int)


def _pooled(pipeline: Any) -> int:
    return pipeline.text_encoder_2.config.projection_dim


def _taken(unet: Any) -> int:
    return unet.projection_class_embeddings_input_dim - 6 * unet.addition_time_embed_dim
