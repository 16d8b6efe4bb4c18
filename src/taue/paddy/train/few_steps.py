"""Few-step paddy: a LoRA on its UNet, by latent consistency distillation (arXiv 2311.05556)."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import torch
from diffusers import LCMScheduler, StableDiffusionXLPipeline, UNet2DConditionModel
from peft import LoraConfig
from torch import Tensor, nn

from taue.paddy.train.config import TrainConfig
from taue.paddy.train.consistency import consistent, huber, solve, solver_timesteps
from taue.paddy.train.data import RenderedPictures
from taue.paddy.train.loop import fit
from taue.paddy.train.workers import launch

TARGETS = (
    "to_q", "to_k", "to_v", "to_out.0", "proj_in", "proj_out", "ff.net.0.proj", "ff.net.2",
    "conv1", "conv2", "conv_shortcut", "downsamplers.0.conv", "upsamplers.0.conv", "time_emb_proj",
)  # fmt: skip
"""The layers that LCM-LoRA adapts: those of attention and of the residual blocks."""

ENCODED_AT_ONCE = 256


def train_few_steps(config: TrainConfig) -> None:
    """Train on ``latents.npy``; leaves the moving average in ``few-steps.pt``'s ``average``."""
    launch(_work, config.workers, config)


@dataclass(frozen=True)
class Lessons:
    """Latents [N, 4, h, w], time ids [N, 6], which prompt [N], prompts [M, L, D], pooled [M, P]."""

    latents: Tensor
    time_ids: Tensor
    said: Tensor
    prompts: Tensor
    pooled: Tensor

    @classmethod
    @torch.no_grad()
    def load(cls, config: TrainConfig, teacher: StableDiffusionXLPipeline) -> Lessons:
        """The pictures of a run, and their captions as the teacher's own encoders say them."""
        pictures = RenderedPictures.open(config.folder)
        captions = sorted(set(pictures.captions))
        place = {caption: index for index, caption in enumerate(captions)}
        teacher.to(config.device)
        parts: list[tuple[Tensor, Tensor]] = []
        for start in range(0, len(captions), ENCODED_AT_ONCE):
            prompt, _, pooled, _ = teacher.encode_prompt(
                captions[start : start + ENCODED_AT_ONCE], do_classifier_free_guidance=False
            )
            parts.append((prompt.half(), pooled.half()))
        prompts, pooled = (torch.cat(both) for both in zip(*parts, strict=True))
        return cls(
            torch.from_numpy(np.load(config.folder / "latents.npy")).to(config.device),
            torch.from_numpy(pictures.time_ids).to(config.device),
            torch.tensor([place[c] for c in pictures.captions], device=config.device),
            prompts,
            pooled,
        )


def student(unet: UNet2DConditionModel, config: TrainConfig) -> UNet2DConditionModel:
    """A copy of the teacher's UNet whose only trained weights are a fresh LoRA."""
    torch.manual_seed(config.seed)
    made = deepcopy(unet).requires_grad_(False)
    made.add_adapter(
        LoraConfig(r=config.rank, lora_alpha=config.rank, target_modules=list(TARGETS))
    )
    return made


def load_teacher(config: TrainConfig) -> StableDiffusionXLPipeline:
    return StableDiffusionXLPipeline.from_pretrained(config.teacher)


def _work(rank: int, workers: int, config: TrainConfig) -> None:
    teacher = load_teacher(config)
    lessons = Lessons.load(config, teacher)
    unet = teacher.unet.requires_grad_(False)
    learner = student(unet, config)
    scheduler = LCMScheduler.from_config(teacher.scheduler.config)
    if config.compiled:
        unet.compile()
        learner.compile()

    def loss(count: int, generator: torch.Generator) -> dict[str, Tensor]:
        return distillation_loss(unet, learner, scheduler, lessons, count, generator, config)

    fit(
        "few-steps",
        nn.ModuleDict({"unet": learner}),
        loss,
        config.few_steps,
        folder=config.folder,
        rank=rank,
        workers=workers,
        seed=config.seed + 3,
        ema=config.ema,
    )


def distillation_loss(
    teacher: UNet2DConditionModel,
    learner: UNet2DConditionModel,
    scheduler: LCMScheduler,
    lessons: Lessons,
    count: int,
    generator: torch.Generator,
    config: TrainConfig,
) -> dict[str, Tensor]:
    """How far the learner is from saying the same before and after one step of the teacher.

    The teacher steps with guidance, against the zeros that SDXL's pipeline puts in the place of a
    missing negative prompt. Its target is the learner's own answer there (Algorithm 1, with the
    current weights in the place of their average, as LCM-LoRA's authors train).
    """
    device = lessons.latents.device
    drawn = torch.randint(len(lessons.latents), (count,), generator=generator, device=device)
    latents = lessons.latents[drawn].float()
    noise = torch.randn(latents.shape, generator=generator, device=device)
    alphas = scheduler.alphas_cumprod.to(device)
    starts, ends = (t.to(device) for t in solver_timesteps(len(alphas)))
    step = torch.randint(len(starts), (count,), generator=generator, device=device)
    start, end = starts[step], ends[step]
    kept, kept_after = (alphas[t][:, None, None, None] for t in (start, end))
    low, high = config.guidance
    guidance = low + (high - low) * torch.rand(count, 1, 1, 1, generator=generator, device=device)
    noisy = kept.sqrt() * latents + (1 - kept).sqrt() * noise
    told = torch.rand(count, generator=generator, device=device) >= config.drop_text
    prompt = lessons.prompts[lessons.said[drawn]].float() * told[:, None, None]
    pooled = lessons.pooled[lessons.said[drawn]].float() * told[:, None]
    time_ids = lessons.time_ids[drawn]

    def noise_of(
        unet: UNet2DConditionModel, sample: Tensor, timesteps: Tensor, *, silent: bool = False
    ) -> Tensor:
        with torch.autocast(device.type, dtype=torch.bfloat16):
            return unet(
                sample,
                timesteps,
                encoder_hidden_states=prompt * (not silent),
                added_cond_kwargs={"text_embeds": pooled * (not silent), "time_ids": time_ids},
            ).sample.float()

    with torch.no_grad():
        without = noise_of(teacher, noisy, start, silent=True)
        guided = without + guidance * (noise_of(teacher, noisy, start) - without)
        after = solve(noisy, guided, kept, kept_after)
        target = consistent(scheduler, after, noise_of(learner, after, end), end, kept_after)
    answer = consistent(scheduler, noisy, noise_of(learner, noisy, start), start, kept)
    return {"loss": huber(answer, target)}
