"""What many tests share: a real SDXL pipeline that is small enough to run anywhere."""

import os
from pathlib import Path
from typing import Any

import pytest

# No test may wait for a network, and small models run fastest on one thread.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

WORDS = "a red blue apple ball car beach desert meadow dark sunny sunset at on in the with".split()
TEXT_WIDTH, TIME_WIDTH, TOKENS = 16, 8, 77


@pytest.fixture(scope="session")
def tiny_sdxl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that ``StableDiffusionXLPipeline.from_pretrained`` loads.

    SDXL's own classes and conventions (text_time conditioning, two tokenizers of 77 tokens,
    factor 8, 4 channels, Euler, epsilon) with random weights, seeded. 128 x 128 px by default.
    The UNet attends to text at two resolutions, because with one alone mistakes in resampling
    masks would not show.
    """
    import torch
    from diffusers import (
        AutoencoderKL,
        StableDiffusionXLPipeline,
        UNet2DConditionModel,
    )
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    from taue.paddy.architecture import scheduler
    from taue.paddy.tokens import train_tokenizers

    tokenizers = train_tokenizers(WORDS)
    for tokenizer in tokenizers:
        tokenizer.model_max_length = TOKENS
    # As dictionaries, because diffusers annotates its arguments more narrowly than it takes them.
    text: dict[str, Any] = {
        "vocab_size": len(tokenizers[0]),
        "hidden_size": TEXT_WIDTH,
        "intermediate_size": 2 * TEXT_WIDTH,
        "projection_dim": TEXT_WIDTH,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "max_position_embeddings": TOKENS,
        "bos_token_id": tokenizers[0].bos_token_id,
        "eos_token_id": tokenizers[0].eos_token_id,
        "pad_token_id": tokenizers[0].pad_token_id,
    }
    unet: dict[str, Any] = {
        "sample_size": 16,
        "block_out_channels": (8, 16),
        "layers_per_block": 1,
        "down_block_types": ("CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
        "transformer_layers_per_block": 1,
        "attention_head_dim": (1, 2),
        "cross_attention_dim": 2 * TEXT_WIDTH,
        "norm_num_groups": 4,
        "use_linear_projection": True,
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": TIME_WIDTH,
        "projection_class_embeddings_input_dim": 6 * TIME_WIDTH + TEXT_WIDTH,
    }
    vae: dict[str, Any] = {
        "block_out_channels": (4, 4, 8, 8),
        "down_block_types": ("DownEncoderBlock2D",) * 4,
        "up_block_types": ("UpDecoderBlock2D",) * 4,
        "layers_per_block": 1,
        "latent_channels": 4,
        "norm_num_groups": 2,
        "scaling_factor": 0.13025,
        "mid_block_add_attention": False,
    }
    with torch.random.fork_rng():
        torch.manual_seed(0)
        parts: dict[str, Any] = {
            "unet": UNet2DConditionModel(**unet),
            "vae": AutoencoderKL(**vae),
            "text_encoder": CLIPTextModel(CLIPTextConfig(**text)),
            "text_encoder_2": CLIPTextModelWithProjection(CLIPTextConfig(**text)),
        }
    pipeline = StableDiffusionXLPipeline(
        tokenizer=tokenizers[0],
        tokenizer_2=tokenizers[1],
        scheduler=scheduler(),
        force_zeros_for_empty_prompt=True,
        add_watermarker=False,
        **parts,
    )
    folder = tmp_path_factory.mktemp("models") / "tiny-sdxl"
    pipeline.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def painter() -> Any:
    """A model that paints objects, paddy: random weights paint none, so nothing is planted."""
    from taue import TauePipeline

    pipe = TauePipeline.from_pretrained("paddy")
    pipe.set_progress_bar_config(disable=True)
    return pipe
