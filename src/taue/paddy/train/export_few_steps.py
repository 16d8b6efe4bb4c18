"""A LoRA folder that plain diffusers loads onto the teacher, in half precision."""

from __future__ import annotations

from pathlib import Path

from diffusers import StableDiffusionXLPipeline
from peft import get_peft_model_state_dict
from torch import nn

from taue.paddy.train.config import TrainConfig
from taue.paddy.train.few_steps import load_teacher, student
from taue.paddy.train.grow import load_average

WEIGHTS = "pytorch_lora_weights.safetensors"


def export_few_steps(config: TrainConfig, target: Path) -> None:
    """Write the moving average of the last checkpoint to ``target`` as a LoRA."""
    learner = student(load_teacher(config).unet, config)
    load_average(nn.ModuleDict({"unet": learner}), config.folder, "few-steps")
    # peft's own names: diffusers' converter renames those of attention alone, and what it writes of
    # an adapter that has other layers too is read back without them.
    layers = get_peft_model_state_dict(learner)
    StableDiffusionXLPipeline.save_lora_weights(
        target, unet_lora_layers={name: value.half() for name, value in layers.items()}
    )
    (target / WEIGHTS).chmod(0o644)
