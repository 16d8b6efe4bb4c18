"""Whether the parts of a model folder belong together: folders may come from anywhere."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from taue.errors import TaueError
from taue.families import FAMILIES, FLUX, KLEIN, PIXART, SD3, SD15, SDXL, ZIMAGE

KEY_CHANNELS = 4
"""Key colours are written in so many channels of SDXL's latents."""

QWEN_LAYERS = 9, 18, 27
"""Of Qwen3, whose outputs FLUX.2 Klein reads side by side."""

_NO_TOKENIZER = " tokenizer is missing or gives more than its text encoder takes"


def require_parts_that_fit(pipeline: Any, family: str) -> None:
    """Make sure that the parts of a family's pipeline can be run together.

    Raises:
        TaueError: naming the parts that do not fit.
    """
    title = FAMILIES[family].title
    for fits, what in _OF_FAMILY[family](pipeline):
        if not fits:
            raise TaueError(f"model does not fit together: {what}; use a whole {title} model.")


def _sdxl(pipeline: Any) -> Iterable[tuple[bool, str]]:
    unet, vae = pipeline.unet.config, pipeline.vae.config
    encoders = [one for one in (pipeline.text_encoder, pipeline.text_encoder_2) if one is not None]
    wide = sum(one.config.hidden_size for one in encoders)
    yield unet.addition_embed_type == "text_time", "its UNet is not one of SDXL's"
    yield (
        unet.in_channels == unet.out_channels == vae.latent_channels == KEY_CHANNELS,
        (
            f"its UNet takes {unet.in_channels} channels and gives {unet.out_channels}, its "
            f"VAE has {vae.latent_channels}, and SDXL's are {KEY_CHANNELS}"
        ),
    )
    yield not encoders or _reads(unet, wide), _differ(wide, unet.cross_attention_dim)
    yield pipeline.text_encoder_2 is not None, "its second text encoder is missing"
    taken = unet.projection_class_embeddings_input_dim - 6 * unet.addition_time_embed_dim
    yield (
        pipeline.text_encoder_2.config.projection_dim == taken,
        "its second text encoder and its UNet differ in the size of a whole prompt",
    )
    yield from _tokenizers(
        (pipeline.text_encoder, pipeline.tokenizer, None),
        (pipeline.text_encoder_2, pipeline.tokenizer_2, None),
    )


def _sd15(pipeline: Any) -> Iterable[tuple[bool, str]]:
    unet, vae = pipeline.unet.config, pipeline.vae.config
    yield unet.addition_embed_type is None, "its UNet is none of SD1.5's"
    yield _channels(unet, vae, "UNet")
    yield pipeline.text_encoder is not None, "its text encoder is missing"
    wide = pipeline.text_encoder.config.hidden_size
    yield _reads(unet, wide), _differ(wide, unet.cross_attention_dim)
    yield from _tokenizers((pipeline.text_encoder, pipeline.tokenizer, None))


def _sd3(pipeline: Any) -> Iterable[tuple[bool, str]]:
    transformer, vae = pipeline.transformer.config, pipeline.vae.config
    encoders = [pipeline.text_encoder, pipeline.text_encoder_2]
    yield _channels(transformer, vae, "transformer")
    yield None not in encoders, "a CLIP text encoder is missing"
    wide = sum(one.config.hidden_size for one in encoders)
    takes = transformer.joint_attention_dim
    yield wide <= takes, _differ(wide, takes, "transformer")
    t5 = pipeline.text_encoder_3
    yield (
        t5 is None or t5.config.d_model == takes,
        "its third text encoder and its transformer differ in the size of a token",
    )
    yield (
        sum(one.config.projection_dim for one in encoders) == transformer.pooled_projection_dim,
        "its text encoders and its transformer differ in the size of a whole prompt",
    )
    longest = pipeline.tokenizer_max_length  # of both
    yield from _tokenizers(
        (pipeline.text_encoder, pipeline.tokenizer, longest),
        (pipeline.text_encoder_2, pipeline.tokenizer_2, longest),
    )
    yield t5 is None or _reads_whole(t5, pipeline.tokenizer_3), "its third" + _NO_TOKENIZER


def _flux(pipeline: Any) -> Iterable[tuple[bool, str]]:
    transformer, vae = pipeline.transformer.config, pipeline.vae.config
    yield from _packed(transformer, vae)
    clip, t5 = pipeline.text_encoder, pipeline.text_encoder_2
    yield None not in (clip, t5), "a text encoder is missing"
    yield (
        t5.config.d_model == transformer.joint_attention_dim,
        _differ(t5.config.d_model, transformer.joint_attention_dim, "transformer"),
    )
    yield (
        clip.config.hidden_size == transformer.pooled_projection_dim,
        "its first text encoder and its transformer differ in the size of a whole prompt",
    )
    yield from _tokenizers((clip, pipeline.tokenizer, pipeline.tokenizer_max_length))
    yield _reads_whole(t5, pipeline.tokenizer_2), "its second" + _NO_TOKENIZER


def _pixart(pipeline: Any) -> Iterable[tuple[bool, str]]:
    transformer, vae = pipeline.transformer.config, pipeline.vae.config
    takes, gives = transformer.in_channels, transformer.out_channels or transformer.in_channels
    yield (
        takes == vae.latent_channels == KEY_CHANNELS and gives in (takes, 2 * takes),
        (
            f"its transformer takes {takes} channels and gives {gives}, its VAE has "
            f"{vae.latent_channels}, and SDXL's are {KEY_CHANNELS}"
        ),
    )
    t5, wide = pipeline.text_encoder, transformer.caption_channels
    yield t5 is not None, "its text encoder is missing"
    yield t5.config.d_model == wide, _differ(t5.config.d_model, wide, "transformer")
    yield _reads_whole(t5, pipeline.tokenizer), "its" + _NO_TOKENIZER


def _zimage(pipeline: Any) -> Iterable[tuple[bool, str]]:
    transformer, vae = pipeline.transformer.config, pipeline.vae.config
    takes = transformer.in_channels
    yield (
        takes == vae.latent_channels,
        f"its transformer takes {takes} channels, and its VAE has {vae.latent_channels}",
    )
    patches = zip(transformer.all_patch_size, transformer.all_f_patch_size, strict=True)
    yield (2, 1) in patches, "its transformer knows no patches of 2 x 2 cells"
    yield transformer.siglip_feat_dim is None, "its transformer is Z-Image-Omni's"
    encoder, tokenizer = pipeline.text_encoder, pipeline.tokenizer
    wide = transformer.cap_feat_dim
    yield encoder is not None, "its text encoder is missing"
    gives = encoder.config.hidden_size
    yield gives == wide, _differ(gives, wide, "transformer")
    yield _reads_whole(encoder, tokenizer), "its" + _NO_TOKENIZER
    yield bool(tokenizer.chat_template), "its tokenizer's chat template is missing"


def _klein(pipeline: Any) -> Iterable[tuple[bool, str]]:
    transformer, vae = pipeline.transformer.config, pipeline.vae.config
    yield from _packed(transformer, vae)
    qwen, tokenizer = pipeline.text_encoder, pipeline.tokenizer
    yield qwen is not None, "its text encoder is missing"
    layers = qwen.config.num_hidden_layers
    yield (
        layers >= max(QWEN_LAYERS),
        f"its text encoder has {layers} layers, and the {max(QWEN_LAYERS)}th is read",
    )
    wide = len(QWEN_LAYERS) * qwen.config.hidden_size
    takes = transformer.joint_attention_dim
    yield wide == takes, _differ(wide, takes, "transformer")
    yield _reads_whole(qwen, tokenizer), "its" + _NO_TOKENIZER
    chats = getattr(tokenizer, "chat_template", None) is not None
    yield chats, "its tokenizer's chat template is missing"


_OF_FAMILY = {
    SDXL: _sdxl,
    SD15: _sd15,
    SD3: _sd3,
    FLUX: _flux,
    PIXART: _pixart,
    ZIMAGE: _zimage,
    KLEIN: _klein,
}


def _packed(transformer: Any, vae: Any) -> Iterable[tuple[bool, str]]:
    """Of transformers whose tokens are four cells of the VAE's, at positions on several axes."""
    takes, gives = transformer.in_channels, transformer.out_channels or transformer.in_channels
    yield (
        takes == gives == 4 * vae.latent_channels,
        (
            f"its transformer takes {takes} channels and gives {gives}, and its VAE has "
            f"{vae.latent_channels}, packed by fours"
        ),
    )
    yield (
        sum(transformer.axes_dims_rope) == transformer.attention_head_dim,
        "its transformer's positions and heads differ in size",
    )


def _channels(network: Any, vae: Any, name: str) -> tuple[bool, str]:
    return (
        network.in_channels == network.out_channels == vae.latent_channels,
        (
            f"its {name} takes {network.in_channels} channels and gives {network.out_channels}, "
            f"and its VAE has {vae.latent_channels}"
        ),
    )


def _reads_whole(encoder: Any, tokenizer: Any) -> bool:
    return tokenizer is not None and len(tokenizer) <= encoder.config.vocab_size


def _reads(unet: Any, wide: int) -> bool:
    several = not isinstance(unet.cross_attention_dim, int)
    return several or unet.cross_attention_dim in (wide, None)


def _differ(wide: int, takes: Any, name: str = "UNet") -> str:
    return f"its text encoders give {wide} numbers a token and its {name} takes {takes}"


def _tokenizers(*pairs: tuple[Any, Any, int | None]) -> Iterable[tuple[bool, str]]:
    """Of text encoders, tokenizers and how many tokens are asked for, if not all."""
    for encoder, tokenizer, longest in pairs:
        yield (
            encoder is None
            or (
                tokenizer is not None
                and len(tokenizer) <= encoder.config.vocab_size
                and (longest or tokenizer.model_max_length)
                <= encoder.config.max_position_embeddings
            ),
            "a" + _NO_TOKENIZER,
        )
