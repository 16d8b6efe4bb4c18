"""Stage 3: an SDXL folder that plain diffusers loads, in half precision."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderTiny, StableDiffusionXLPipeline

from taue.paddy import architecture
from taue.paddy.scenes import VOCABULARY
from taue.paddy.train.config import TrainConfig
from taue.paddy.train.denoiser import build, tokenizers
from taue.paddy.train.grow import load_average


def export_model(config: TrainConfig, target: Path) -> None:
    """Write the moving average of the last checkpoint to ``target`` as an SDXL pipeline."""
    modules = build(config)
    load_average(modules, config.folder)
    first, second = tokenizers()
    pipeline = StableDiffusionXLPipeline(
        vae=AutoencoderTiny.from_pretrained(config.folder / "vae"),
        text_encoder=modules["text_encoder"],
        text_encoder_2=modules["text_encoder_2"],
        tokenizer=first,
        tokenizer_2=second,
        unet=modules["unet"],
        scheduler=architecture.scheduler(),
        force_zeros_for_empty_prompt=True,
        add_watermarker=False,
    )
    pipeline.to(dtype=torch.float16).save_pretrained(target, safe_serialization=True)
    finish(target)


def finish(target: Path) -> None:
    """Make a saved pipeline ready to be shipped, with the words that it knows."""
    for encoder in target.glob("text_encoder*"):
        # Half precision on disk, single in memory: transformers follows the configuration where
        # diffusers follows its caller, and a pipeline of two precisions cannot run.
        _edit(encoder / "config.json", lambda config: config | {"dtype": "float32"})
    # AutoencoderTiny writes a key that it warns of when it reads it (it is derived again), and
    # a path of this machine.
    unwanted = {"block_out_channels", "_name_or_path"}
    _edit(
        target / "vae" / "config.json",
        lambda config: {name: value for name, value in config.items() if name not in unwanted},
    )
    for weights in target.rglob("*.safetensors"):
        weights.chmod(0o644)  # they come readable by their maker alone
    words = json.dumps(sorted(VOCABULARY), indent=0)
    (target / "vocabulary.json").write_text(words + "\n")


def _edit(path: Path, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    path.write_text(json.dumps(change(json.loads(path.read_text())), indent=2) + "\n")
