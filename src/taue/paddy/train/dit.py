"""paddy-dit: SD3's transformer and both text encoders, trained together by flow matching."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from taue.paddy import architecture, architecture_dit
from taue.paddy.train.config import TrainConfig
from taue.paddy.train.denoiser import WORD_STD, Samples, tokenizers
from taue.paddy.train.loop import fit
from taue.paddy.train.standing import StandingProcessor, with_mute
from taue.paddy.train.workers import launch


def train_dit(config: TrainConfig) -> None:
    """Train on ``latents.npy``; leaves the moving average in ``dit.pt``'s ``average``."""
    launch(_work, config.workers, config)


def build(config: TrainConfig) -> nn.ModuleDict:
    """Transformer and text encoders with fresh weights, in the order that the checkpoint keeps."""
    torch.manual_seed(config.seed)
    first, second = architecture_dit.text_encoders(tokenizers()[0])
    for encoder in (first, second):
        nn.init.normal_(encoder.get_input_embeddings().weight, std=WORD_STD)
    transformer = architecture_dit.transformer(config.resolution // architecture.LATENT_FACTOR)
    return nn.ModuleDict(
        {"transformer": transformer, "text_encoder": first, "text_encoder_2": second}
    )


def _work(rank: int, workers: int, config: TrainConfig) -> None:
    modules = build(config).to(config.device)
    modules["transformer"].set_attn_processor(StandingProcessor())
    if config.compiled:
        modules["transformer"].compile()
    samples = Samples.load(config).to(config.device)

    def loss(count: int, generator: torch.Generator) -> dict[str, Tensor]:
        return dit_loss(modules, samples, count, generator, config)

    fit(
        "dit",
        modules,
        loss,
        config.dit,
        folder=config.folder,
        rank=rank,
        workers=workers,
        seed=config.seed + 2,
        ema=config.ema,
    )


def dit_loss(
    modules: nn.ModuleDict,
    samples: Samples,
    count: int,
    generator: torch.Generator,
    config: TrainConfig,
) -> dict[str, Tensor]:
    """The error of the velocity on ``count`` samples drawn with replacement.

    A sample without text has the encoded empty prompt: SD3's pipeline knows no zeroed one.
    """
    device = samples.latents.device
    drawn = torch.randint(len(samples.latents), (count,), generator=generator, device=device)
    latents = architecture_dit.from_paddy(samples.latents[drawn].float())
    noise = torch.randn(latents.shape, generator=generator, device=device)
    level = drawn_levels(count, generator, config)
    share = level[:, None, None, None]
    dropped = torch.rand(count, 1, generator=generator, device=device) < config.drop_text
    tokens = torch.where(dropped, samples.blank, samples.tokens[drawn])
    tokens_2 = torch.where(dropped, samples.blank_2, samples.tokens_2[drawn])
    with torch.autocast(device.type, dtype=torch.bfloat16):
        prompt, pooled = encode_both(modules, tokens, tokens_2)
        velocity = modules["transformer"](
            (1 - share) * latents + share * noise,
            encoder_hidden_states=with_mute(prompt),
            pooled_projections=pooled,
            timestep=1000 * level,
        ).sample.float()
    return {"loss": (velocity - (noise - latents)).square().mean()}


def drawn_levels(count: int, generator: torch.Generator, config: TrainConfig) -> Tensor:
    """Shares of noise [count] in 0..1, logit-normal."""
    normal = torch.randn(count, generator=generator, device=generator.device)
    return torch.sigmoid(config.level_mean + config.level_std * normal)


def encode_both(modules: nn.ModuleDict, tokens: Tensor, tokens_2: Tensor) -> tuple[Tensor, Tensor]:
    """Prompt [B, L, 128] and pooled [B, 128] embeddings, as SD3's pipeline reads its two CLIPs."""
    first = modules["text_encoder"](tokens, output_hidden_states=True)
    second = modules["text_encoder_2"](tokens_2, output_hidden_states=True)
    prompt = torch.cat([first.hidden_states[-2], second.hidden_states[-2]], dim=-1)
    return prompt, torch.cat([first.text_embeds, second.text_embeds], dim=-1)
