"""Pipelines of every family, of diffusers' own classes with random weights, seeded, small enough
to run anywhere: 128 x 128 px by default, factor 8."""

from collections.abc import Sequence
from typing import Any

WORDS = "a red blue apple ball car beach desert meadow dark sunny sunset at on in the with".split()
TEXT_WIDTH, TIME_WIDTH, TOKENS = 16, 8, 77
MUTE, CHANNELS, FLUX_CHANNELS = 256, 6, 5
"""Tokens of SD3's third encoder, and channels of its and of FLUX's latents here: no other
family's."""
ZIMAGE_CHANNELS, KLEIN_CHANNELS = 7, 12
"""Of Z-Image's, and of FLUX.2 Klein's, packed by fours."""


def tokenizers() -> tuple[Any, Any]:
    """Two of CLIP's."""
    from taue.paddy.tokens import train_tokenizers

    pair = train_tokenizers(WORDS)
    for tokenizer in pair:
        tokenizer.model_max_length = TOKENS
    return pair


def text_config(tokenizer: Any) -> Any:
    from transformers import CLIPTextConfig

    return CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=TEXT_WIDTH,
        intermediate_size=2 * TEXT_WIDTH,
        projection_dim=TEXT_WIDTH,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=TOKENS,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )


def unet(**changes: Any) -> Any:
    """It attends to text at two resolutions, because with one alone mistakes in resampling masks
    would not show."""
    from diffusers import UNet2DConditionModel

    # As dictionaries, because diffusers annotates its arguments more narrowly than it takes them.
    config: dict[str, Any] = {
        "sample_size": 16,
        "block_out_channels": (8, 16),
        "layers_per_block": 1,
        "down_block_types": ("CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
        "transformer_layers_per_block": 1,
        "attention_head_dim": (1, 2),
        "norm_num_groups": 4,
    }
    return UNet2DConditionModel(**config, **changes)


def autoencoder(**changes: Any) -> Any:
    from diffusers import AutoencoderKL

    config: dict[str, Any] = {
        "block_out_channels": (4, 4, 8, 8),
        "down_block_types": ("DownEncoderBlock2D",) * 4,
        "up_block_types": ("UpDecoderBlock2D",) * 4,
        "layers_per_block": 1,
        "latent_channels": 4,
        "norm_num_groups": 2,
        "mid_block_add_attention": False,
    }
    return AutoencoderKL(**{**config, **changes})


def sdxl() -> Any:
    """SDXL's conventions: text_time conditioning, two tokenizers, 4 channels, Euler, epsilon."""
    import torch
    from diffusers import StableDiffusionXLPipeline
    from transformers import CLIPTextModel, CLIPTextModelWithProjection

    from taue.paddy.architecture import scheduler

    one, two = tokenizers()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        parts: dict[str, Any] = {
            "unet": unet(
                cross_attention_dim=2 * TEXT_WIDTH,
                use_linear_projection=True,
                addition_embed_type="text_time",
                addition_time_embed_dim=TIME_WIDTH,
                projection_class_embeddings_input_dim=6 * TIME_WIDTH + TEXT_WIDTH,
            ),
            "vae": autoencoder(scaling_factor=0.13025),
            "text_encoder": CLIPTextModel(text_config(one)),
            "text_encoder_2": CLIPTextModelWithProjection(text_config(one)),
        }
    return StableDiffusionXLPipeline(
        tokenizer=one,
        tokenizer_2=two,
        scheduler=scheduler(),
        force_zeros_for_empty_prompt=True,
        add_watermarker=False,
        **parts,
    )


def sd15() -> Any:
    """Stable Diffusion 1.5's conventions: one encoder, no further conditioning, DDIM."""
    import torch
    from diffusers import DDIMScheduler, StableDiffusionPipeline
    from transformers import CLIPTextModel

    one, _ = tokenizers()
    with torch.random.fork_rng():
        torch.manual_seed(1)
        parts: dict[str, Any] = {
            "unet": unet(cross_attention_dim=TEXT_WIDTH),
            "vae": autoencoder(scaling_factor=0.18215),
            "text_encoder": CLIPTextModel(text_config(one)),
        }
    scheduler = DDIMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
    )
    return StableDiffusionPipeline(
        tokenizer=one,
        scheduler=scheduler,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
        **parts,
    )


def spelling_t5(length: int, words: Sequence[str] = ()) -> tuple[Any, Any]:
    """A T5 that reads letters, so many, and such words, and its tokenizer."""
    from transformers import T5Config, T5EncoderModel, T5Tokenizer

    letters = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -2.0)]
    tokenizer = T5Tokenizer(
        vocab=[
            *letters,
            *((c, -3.0) for c in "abcdehilmnoprstuwy"),
            *((f"▁{word}", -1.0) for word in words),
        ],
        extra_ids=0,
    )
    tokenizer.model_max_length = length
    encoder = T5EncoderModel(
        T5Config(
            vocab_size=len(tokenizer),
            d_model=2 * TEXT_WIDTH,
            d_kv=8,
            d_ff=16,
            num_layers=1,
            num_heads=1,
            dropout_rate=0.0,
        )
    )
    return tokenizer, encoder


def sd3(*, speaks: bool = False) -> Any:
    """SD3's conventions: joint attention, one layer of which is 3.5's with a second one, two CLIP
    encoders with projection, a VAE with a shift, flow matching with shift 3.

    Args:
        speaks: whether its T5 says something. A mute one's last norm is zero.
    """
    import torch
    from diffusers import (
        AutoencoderTiny,
        FlowMatchEulerDiscreteScheduler,
        SD3Transformer2DModel,
        StableDiffusion3Pipeline,
    )
    from transformers import CLIPTextModelWithProjection

    one, two = tokenizers()
    vae: dict[str, Any] = {
        "latent_channels": CHANNELS,
        "encoder_block_out_channels": (4,) * 4,
        "decoder_block_out_channels": (4,) * 4,
        "num_encoder_blocks": (0, 0, 1, 1),
        "num_decoder_blocks": (1, 1, 0, 0),
        "scaling_factor": 1.3,
        "shift_factor": 0.2,
    }
    with torch.random.fork_rng():
        torch.manual_seed(2)
        three, t5 = spelling_t5(MUTE)
        parts: dict[str, Any] = {
            "transformer": SD3Transformer2DModel(
                sample_size=16,
                patch_size=2,
                in_channels=CHANNELS,
                out_channels=CHANNELS,
                num_layers=3,
                attention_head_dim=8,
                num_attention_heads=2,
                joint_attention_dim=2 * TEXT_WIDTH,
                caption_projection_dim=16,
                pooled_projection_dim=2 * TEXT_WIDTH,
                pos_embed_max_size=16,
                dual_attention_layers=(1,),
                qk_norm="rms_norm",
            ),
            "vae": AutoencoderTiny(**vae),
            "text_encoder": CLIPTextModelWithProjection(text_config(one)),
            "text_encoder_2": CLIPTextModelWithProjection(text_config(one)),
            "text_encoder_3": t5,
        }
        if not speaks:
            torch.nn.init.zeros_(t5.encoder.final_layer_norm.weight)
    return StableDiffusion3Pipeline(
        tokenizer=one,
        tokenizer_2=two,
        tokenizer_3=three,
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0),
        **parts,
    )


def flux(*, guided: bool = True) -> Any:
    """FLUX.1's conventions: blocks of two streams and of one, latents packed by fours, CLIP and T5,
    a VAE with a shift, levels shifted by the canvas. Its own canvas is 1024 px, as of all.

    Args:
        guided: whether guidance is embedded, as in dev; schnell knows none, and no shift.
    """
    import torch
    from diffusers import FlowMatchEulerDiscreteScheduler, FluxPipeline, FluxTransformer2DModel
    from transformers import CLIPTextModel

    one, _ = tokenizers()
    with torch.random.fork_rng():
        torch.manual_seed(3)
        two, t5 = spelling_t5(512)
        parts: dict[str, Any] = {
            "transformer": FluxTransformer2DModel(
                in_channels=4 * FLUX_CHANNELS,
                num_layers=2,
                num_single_layers=2,
                attention_head_dim=8,
                num_attention_heads=2,
                joint_attention_dim=2 * TEXT_WIDTH,
                pooled_projection_dim=TEXT_WIDTH,
                guidance_embeds=guided,
                axes_dims_rope=(2, 2, 4),
            ),
            "vae": autoencoder(
                latent_channels=FLUX_CHANNELS, scaling_factor=0.3611, shift_factor=0.1159
            ),
            "text_encoder": CLIPTextModel(text_config(one)),
        }
    shifted: dict[str, Any] = {"shift": 3.0, "use_dynamic_shifting": True} if guided else {}
    return FluxPipeline(
        tokenizer=one,
        tokenizer_2=two,
        text_encoder_2=t5,
        scheduler=FlowMatchEulerDiscreteScheduler(**shifted),
        **parts,
    )


def pixart(**changes: Any) -> Any:
    """PixArt-Sigma's conventions: cross-attention to T5 alone, noise and its variance predicted,
    SDXL's latents, levels of linear betas that DPM++ 2M spaces evenly."""
    import torch
    from diffusers import (
        DPMSolverMultistepScheduler,
        PixArtSigmaPipeline,
        PixArtTransformer2DModel,
    )

    config: dict[str, Any] = {
        "sample_size": 16,
        "num_layers": 2,
        "num_attention_heads": 2,
        "attention_head_dim": 8,
        "cross_attention_dim": 16,
        "caption_channels": 2 * TEXT_WIDTH,
        "use_additional_conditions": False,
    }
    with torch.random.fork_rng():
        torch.manual_seed(4)
        tokenizer, t5 = spelling_t5(300, WORDS)
        parts: dict[str, Any] = {
            "transformer": PixArtTransformer2DModel(**{**config, **changes}),
            "vae": autoencoder(scaling_factor=0.13025),
        }
    return PixArtSigmaPipeline(
        tokenizer=tokenizer,
        text_encoder=t5,
        scheduler=DPMSolverMultistepScheduler(beta_start=0.0001, beta_end=0.02),
        **parts,
    )


CHAT = (
    "{% for one in messages %}<|im_start|>{{ one.role }}\n{{ one.content }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n"
    "{% if enable_thinking is false %}<think>\n\n</think>\n\n{% endif %}{% endif %}"
)
"""As Qwen3's template puts a single message."""


def qwen_tokenizer() -> Any:
    """One of Qwen's, which reads bytes and the words above, in chats."""
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import Qwen2Tokenizer

    vocabulary, merges = sorted(ByteLevel.alphabet()), list[tuple[str, str]]()
    for word in WORDS:
        known = "Ġ"
        for letter in word:
            merges.append((known, letter))
            known += letter
    merges = list(dict.fromkeys(merges))
    vocabulary += ["".join(pair) for pair in merges]
    return Qwen2Tokenizer(
        vocab={token: number for number, token in enumerate(vocabulary)},
        merges=merges,
        extra_special_tokens=["<|im_start|>", "<|im_end|>"],
        chat_template=CHAT,
        model_max_length=512,
    )


def qwen(tokenizer: Any, *, speaks: bool = False, **changes: Any) -> Any:
    """A Qwen3 that reads what a tokenizer gives, or the whole of one that would answer."""
    from transformers import Qwen3Config, Qwen3ForCausalLM, Qwen3Model

    config: dict[str, Any] = {
        "vocab_size": len(tokenizer),
        "hidden_size": 2 * TEXT_WIDTH,
        "intermediate_size": 32,
        "num_hidden_layers": 3,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "head_dim": 8,
        "max_position_embeddings": 512,
    }
    build = Qwen3ForCausalLM if speaks else Qwen3Model
    return build(Qwen3Config(**{**config, **changes}))


def zimage(**changes: Any) -> Any:
    """Z-Image's conventions: one stream of picture and caption behind refiners of either, learnt
    padding of both, a velocity towards the picture, the last layer but one of Qwen3, a VAE with a
    shift. Its own canvas is 1024 px, as of all, and the largest."""
    import torch
    from diffusers import (
        FlowMatchEulerDiscreteScheduler,
        ZImagePipeline,
        ZImageTransformer2DModel,
    )

    config: dict[str, Any] = {
        "in_channels": ZIMAGE_CHANNELS,
        "dim": 16,
        "n_layers": 2,
        "n_refiner_layers": 2,
        "n_heads": 2,
        "n_kv_heads": 2,
        "cap_feat_dim": 2 * TEXT_WIDTH,
        "axes_dims": (2, 2, 4),
        "axes_lens": (1024, 64, 64),
    }
    tokenizer = qwen_tokenizer()
    with torch.random.fork_rng():
        torch.manual_seed(5)
        transformer = ZImageTransformer2DModel(**{**config, **changes})
        for padding in (transformer.x_pad_token, transformer.cap_pad_token):
            torch.nn.init.normal_(padding)  # zeros, as it is made, would be nothing
        parts: dict[str, Any] = {
            "transformer": transformer,
            "vae": autoencoder(
                latent_channels=ZIMAGE_CHANNELS, scaling_factor=0.3611, shift_factor=0.1159
            ),
            "text_encoder": qwen(tokenizer),
        }
    return ZImagePipeline(
        tokenizer=tokenizer, scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0), **parts
    )


def klein(*, distilled: bool = False) -> Any:
    """FLUX.2 Klein's conventions: blocks of two streams and fused ones of one, three layers of a
    Qwen3 that is asked in a chat, a VAE whose latents are packed by fours and normalised, levels
    shifted by canvas and steps.

    Args:
        distilled: whether it needs no guidance, as what is published without "base" in its name.
    """
    import torch
    from diffusers import (
        AutoencoderKLFlux2,
        FlowMatchEulerDiscreteScheduler,
        Flux2KleinPipeline,
        Flux2Transformer2DModel,
    )

    vae: dict[str, Any] = {
        "block_out_channels": (4, 4, 8, 8),
        "layers_per_block": 1,
        "latent_channels": KLEIN_CHANNELS // 4,
        "norm_num_groups": 2,
        "mid_block_add_attention": False,
    }
    with torch.random.fork_rng():
        torch.manual_seed(5)
        tokenizer = qwen_tokenizer()
        parts: dict[str, Any] = {
            "transformer": Flux2Transformer2DModel(
                in_channels=KLEIN_CHANNELS,
                num_layers=2,
                num_single_layers=2,
                attention_head_dim=8,
                num_attention_heads=2,
                joint_attention_dim=3 * TEXT_WIDTH,
                axes_dims_rope=(2, 2, 2, 2),
                guidance_embeds=False,
            ),
            "vae": AutoencoderKLFlux2(**vae),
            "text_encoder": qwen(
                tokenizer,
                speaks=True,
                hidden_size=TEXT_WIDTH,
                num_hidden_layers=28,
                initializer_range=0.3,
            ),
        }
        norm = parts["vae"].bn  # each cell of the four its own, so that their order shows
        norm.running_mean.normal_(std=0.1)
        norm.running_var.uniform_(0.5, 2.0)
    return Flux2KleinPipeline(
        tokenizer=tokenizer,
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0, use_dynamic_shifting=True),
        is_distilled=distilled,
        **parts,
    )


BUILDERS = {
    "sdxl": sdxl,
    "sd3": sd3,
    "sd15": sd15,
    "flux": flux,
    "pixart": pixart,
    "zimage": zimage,
    "klein": klein,
}
"""By the family's name."""
