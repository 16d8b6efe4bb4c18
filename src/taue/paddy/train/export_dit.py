"""An SD3 folder that plain diffusers loads, in half precision."""

from __future__ import annotations

from pathlib import Path

import torch
from diffusers import AutoencoderTiny, StableDiffusion3Pipeline

from taue.paddy import architecture_dit
from taue.paddy.train.config import TrainConfig
from taue.paddy.train.denoiser import tokenizers
from taue.paddy.train.dit import build
from taue.paddy.train.export import finish
from taue.paddy.train.grow import load_average


def export_dit(config: TrainConfig, target: Path) -> None:
    """Write the moving average of the last checkpoint to ``target`` as an SD3 pipeline."""
    modules = build(config)
    load_average(modules, config.folder, "dit")
    first, second = tokenizers()
    mute, third = architecture_dit.mute_encoder()
    vae = AutoencoderTiny.from_pretrained(config.folder / "vae")
    vae.register_to_config(
        shift_factor=architecture_dit.SHIFT_FACTOR,
        scaling_factor=architecture_dit.DIT_SCALING_FACTOR,
    )
    pipeline = StableDiffusion3Pipeline(
        transformer=modules["transformer"],
        scheduler=architecture_dit.scheduler(),
        vae=vae,
        text_encoder=modules["text_encoder"],
        tokenizer=first,
        text_encoder_2=modules["text_encoder_2"],
        tokenizer_2=second,
        text_encoder_3=mute,
        tokenizer_3=third,
    )
    pipeline.to(dtype=torch.float16).save_pretrained(target, safe_serialization=True)
    finish(target)
