"""Stage 2: the UNet and both text encoders, trained together on the pictures' latents."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from diffusers.models.attention_processor import AttnProcessor
from torch import Tensor, nn
from transformers import CLIPTokenizer

from taue.paddy import architecture
from taue.paddy.scenes import VOCABULARY
from taue.paddy.tokens import train_tokenizers
from taue.paddy.train.config import TrainConfig
from taue.paddy.train.data import RenderedPictures
from taue.paddy.train.grow import inherit, load_average
from taue.paddy.train.loop import fit
from taue.paddy.train.workers import launch

EMPTY_SHARE = 0.3
"""Of the samples without text, this share is the encoded empty prompt; the rest are zeros, which
is what SDXL's pipeline feeds where no negative prompt is given."""


WORD_STD = 0.5


def tokenizers() -> tuple[CLIPTokenizer, CLIPTokenizer]:
    return train_tokenizers([*VOCABULARY, ","])


def train_denoiser(config: TrainConfig) -> None:
    """Train on ``latents.npy``; leaves the moving average in ``denoiser.pt``'s ``average``."""
    launch(_work, config.workers, config)


@dataclass(frozen=True)
class Samples:
    """Latents [N, 4, h, w], tokens [N, L] of both tokenizers, time ids [N, 6], no prompt [L]."""

    latents: Tensor
    tokens: Tensor
    tokens_2: Tensor
    time_ids: Tensor
    blank: Tensor
    blank_2: Tensor

    @classmethod
    def load(cls, config: TrainConfig) -> Samples:
        pictures = RenderedPictures.open(config.folder)
        first, second = (
            tokenizer(
                [*pictures.captions, ""],
                padding="max_length",
                max_length=architecture.MAX_TOKENS,
                return_tensors="pt",
            ).input_ids
            for tokenizer in tokenizers()
        )
        latents = torch.from_numpy(np.load(config.folder / "latents.npy"))
        time_ids = torch.from_numpy(pictures.time_ids)
        return cls(latents, first[:-1], second[:-1], time_ids, first[-1], second[-1])

    def to(self, device: str) -> Samples:
        """The same in a device's memory, where drawing from them waits for nothing."""
        return Samples(*(getattr(self, field.name).to(device) for field in fields(self)))


def build(config: TrainConfig) -> nn.ModuleDict:
    """UNet and text encoders with fresh weights, in the order that the checkpoint keeps."""
    torch.manual_seed(config.seed)
    first, second = architecture.text_encoders(tokenizers()[0])
    for encoder in (first, second):
        # CLIP starts its words at 0.02, which leaves them whispering for the first thousand steps.
        nn.init.normal_(encoder.get_input_embeddings().weight, std=WORD_STD)
    unet = architecture.denoiser(config.resolution // architecture.LATENT_FACTOR)
    return nn.ModuleDict({"unet": unet, "text_encoder": first, "text_encoder_2": second})


def initial(config: TrainConfig) -> nn.ModuleDict:
    """Fresh weights, or as many as fit of the run to grow from."""
    modules = build(config)
    if config.grow is not None:
        smaller = build(replace(config, resolution=config.resolution // 2))
        load_average(smaller, config.grow)
        inherit(modules, smaller)
    return modules


def _work(rank: int, workers: int, config: TrainConfig) -> None:
    modules = initial(config).to(config.device)
    unet = modules["unet"]
    if config.device == "cpu":  # the fused kernel's backward is slow for short sequences there
        unet.set_attn_processor(AttnProcessor())
    samples = Samples.load(config)
    alphas = architecture.scheduler().alphas_cumprod.to(config.device)

    def loss(count: int, generator: torch.Generator) -> dict[str, Tensor]:
        return denoiser_loss(modules, samples, alphas, count, generator, config)

    fit(
        "denoiser",
        modules,
        loss,
        config.denoiser,
        folder=config.folder,
        rank=rank,
        workers=workers,
        seed=config.seed + 1,
        ema=config.ema,
    )


def denoiser_loss(
    modules: nn.ModuleDict,
    samples: Samples,
    alphas_cumprod: Tensor,
    count: int,
    generator: torch.Generator,
    config: TrainConfig,
) -> dict[str, Tensor]:
    """Noise prediction with min-SNR weights on ``count`` samples drawn with replacement."""
    device = alphas_cumprod.device

    def uniform() -> Tensor:
        return torch.rand(count, generator=generator, device=device)

    drawn = (uniform() * len(samples.latents)).long().cpu()
    latents = samples.latents[drawn].to(device).float()
    timesteps = (uniform() * len(alphas_cumprod)).long()
    dropped, emptied = uniform() < config.drop_text, uniform() < EMPTY_SHARE
    noise = torch.randn(latents.shape, generator=generator, device=device)

    kept = alphas_cumprod[timesteps][:, None, None, None]
    noisy = kept.sqrt() * latents + (1 - kept).sqrt() * noise
    tokens, tokens_2 = samples.tokens[drawn].to(device), samples.tokens_2[drawn].to(device)
    tokens[dropped & emptied] = samples.blank.to(device)
    tokens_2[dropped & emptied] = samples.blank_2.to(device)
    with torch.autocast(device.type, dtype=torch.bfloat16):
        prompt, pooled = encode(modules, tokens, tokens_2)
        said = (~(dropped & ~emptied)).to(prompt.dtype)
        predicted = modules["unet"](
            noisy,
            timesteps,
            encoder_hidden_states=prompt * said[:, None, None],
            added_cond_kwargs={
                "text_embeds": pooled * said[:, None],
                "time_ids": samples.time_ids[drawn].to(device),
            },
        ).sample.float()
    snr = kept / (1 - kept)
    weight = (config.snr_gamma / snr).clamp(max=1)
    squared = (predicted - noise).square()
    return {"loss": (weight * squared).mean(), "mse": squared.mean().detach()}


def encode(modules: nn.ModuleDict, tokens: Tensor, tokens_2: Tensor) -> tuple[Tensor, Tensor]:
    """Prompt [B, L, 128] and pooled [B, 64] embeddings, as SDXL's pipeline reads them."""
    first = modules["text_encoder"](tokens, output_hidden_states=True)
    second = modules["text_encoder_2"](tokens_2, output_hidden_states=True)
    prompt = torch.cat([first.hidden_states[-2], second.hidden_states[-2]], dim=-1)
    return prompt, second.text_embeds
