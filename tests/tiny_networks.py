"""The networks that scores need, random and small, of the real classes, saved to folders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

NARROW = (4, 4, 8, 8, 8, 8, 8)
"""LayerDiffuse's decoder's channels at each resolution, an eighth of its own and less."""


def save_inception(folder: Path, name: str = "model.safetensors") -> Path:
    """Inception v3 at a sixteenth of its width."""
    import torch
    from safetensors.torch import save_file

    from taue.evaluation.inception import InceptionV3

    folder.mkdir(parents=True, exist_ok=True)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        tensors = InceptionV3(1 / 16).state_dict()
    if name.endswith(".pth"):
        torch.save(tensors, folder / name)
    else:
        save_file(tensors, folder / name)
    return folder


def save_alexnet(folder: Path, name: str = "model.safetensors") -> Path:
    """AlexNet's convolutions, and a layer of its classifier, which nothing needs."""
    import torch
    from safetensors.torch import save_file

    from taue.evaluation.lpips import AlexNet

    folder.mkdir(parents=True, exist_ok=True)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        tensors = {**AlexNet().state_dict(), "classifier.1.bias": torch.zeros(3)}
    if name.endswith(".pth"):
        torch.save(tensors, folder / name)
    else:
        save_file(tensors, folder / name)
    return folder


def save_clip(folder: Path) -> Path:
    """CLIP of two layers and 32 pixels, with a tokenizer of paddy's kind."""
    import torch
    from transformers import CLIPConfig, CLIPModel

    from taue.paddy.scenes import VOCABULARY
    from taue.paddy.tokens import train_tokenizers

    tokenizer, _ = train_tokenizers(list(VOCABULARY))
    tokenizer.save_pretrained(folder)
    small: dict[str, Any] = {
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "projection_dim": 8,
    }
    text = {
        "vocab_size": len(tokenizer),
        "max_position_embeddings": 77,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    config = CLIPConfig(
        text_config={**small, **text},
        vision_config={**small, "image_size": 32, "patch_size": 8},
        projection_dim=8,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        CLIPModel(config).save_pretrained(folder)
    return folder


def save_layerdiffuse(folder: Path, unet: Any, variant: str = "attn") -> Path:
    """LayerDiffuse's files for a UNet: a decoder a quarter as wide and less, and random offsets in
    the published format, of attention as factors, of everything else whole."""
    import torch
    from safetensors.torch import save_file

    from taue.evaluation.methods import layerdiffuse
    from taue.evaluation.methods.offsets import published_names
    from taue.evaluation.methods.transparent import TransparentDecoder

    folder.mkdir(parents=True, exist_ok=True)
    names = published_names(unet)

    def offset(name: str, parameter: Any, more: int = 0) -> dict[str, Any]:
        module, _, kind = name.rpartition(".")
        key = f"diffusion_model.{names[module]}.{kind}"
        if ".attn" in name and kind == "weight":
            rows, columns = parameter.shape
            factors = torch.randn(rows, 2) / 4, torch.randn(2, columns) / 4
            return {f"{key}::lora::{i}": one for i, one in enumerate(factors)}
        shape = list(parameter.shape)
        if name == "conv_in.weight":
            shape[1] += more
        return {f"{key}::diff::0": torch.randn(shape) / 10}

    def offsets(attention: bool, more: int = 0) -> dict[str, Any]:
        told: dict[str, Any] = {}
        for name, parameter in unet.named_parameters():
            if (".attn" in name) == attention and (name.endswith("weight") or not attention):
                told |= offset(name, parameter, more)
        return told

    with torch.random.fork_rng():
        torch.manual_seed(0)
        decoder = TransparentDecoder(NARROW).state_dict()
        save_file(decoder, folder / layerdiffuse.DECODER)
        first = offsets(attention=variant == "attn")
        save_file(first, folder / layerdiffuse.FOREGROUND[variant])
        save_file(offsets(attention=False, more=4), folder / layerdiffuse.BLENDED)
        save_file(offsets(attention=False, more=8), folder / layerdiffuse.BACKGROUND)
    return folder


def save_joint(folder: Path, unet: Any, rank: int = 2) -> Path:
    """LayerDiffuse's joint weights for an SD1.5 UNet, random, in the published format, and a
    decoder as :func:`save_layerdiffuse` saves it."""
    import torch
    from safetensors.torch import save_file

    from taue.evaluation.methods import layerdiffuse_joint
    from taue.evaluation.methods.sharing import (
        BETWEEN,
        PICTURES,
        attention_layers,
        offset_layers,
    )
    from taue.evaluation.methods.transparent import TransparentDecoder

    folder.mkdir(parents=True, exist_ok=True)
    modules, tensors = dict(unet.named_modules()), dict[str, Any]()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        for number, name in enumerate(attention_layers(unet)):
            attention, at = modules[name], f"hookers.layers.{number}"
            for kind, linear in offset_layers(attention).items():
                for picture in range(PICTURES):
                    ends = f"{at}.{kind}_lora.{picture}"
                    tensors[f"{ends}.down.weight"] = torch.randn(rank, linear.in_features) / 4
                    tensors[f"{ends}.up.weight"] = torch.randn(linear.out_features, rank) / 4
            wide = attention.to_k.out_features
            tensors[f"{at}.temporal_n.weight"] = torch.ones(wide)
            tensors[f"{at}.temporal_n.bias"] = torch.zeros(wide)
            for kind in BETWEEN:
                tensors[f"{at}.temporal_{kind}.weight"] = torch.randn(wide, wide) / wide
                tensors[f"{at}.temporal_{kind}.bias"] = torch.randn(wide) / 10
        decoder = TransparentDecoder(NARROW).state_dict()
        save_file(tensors, folder / layerdiffuse_joint.JOINT)
        save_file(decoder, folder / layerdiffuse_joint.DECODER)
    return folder
