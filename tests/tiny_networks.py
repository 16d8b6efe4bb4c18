"""The networks that scores need, random and small, of the real classes, saved to folders."""

from __future__ import annotations

from pathlib import Path
from typing import Any


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
