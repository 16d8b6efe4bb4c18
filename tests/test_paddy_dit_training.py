"""The training of paddy-dit and of the LoRA for few steps, at toy size."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch
from diffusers import (
    DDIMScheduler,
    LCMScheduler,
    StableDiffusion3Pipeline,
    StableDiffusionXLPipeline,
)
from torch import Tensor, nn

from taue import models
from taue.paddy import architecture, architecture_dit
from taue.paddy.train import dit, few_steps, loop
from taue.paddy.train.autoencoder import encode_pictures
from taue.paddy.train.config import Schedule, TrainConfig
from taue.paddy.train.consistency import SOLVER_STEPS, consistent, solve, solver_timesteps
from taue.paddy.train.data import render_pictures
from taue.paddy.train.dit import build, drawn_levels, encode_both, train_dit
from taue.paddy.train.export_dit import export_dit
from taue.paddy.train.export_few_steps import export_few_steps
from taue.paddy.train.few_steps import load_teacher, student, train_few_steps
from taue.paddy.train.grow import load_average
from taue.paddy.train.standing import StandingProcessor, with_mute

TINY = Schedule(steps=4, batch=2, learning_rate=1e-2, warmup=1)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> TrainConfig:
    """Pictures of 64 pixels, their latents, and both trainings of a few steps."""
    folder = tmp_path_factory.mktemp("relatives")
    config = TrainConfig(
        folder=folder, resolution=64, scenes=12, workers=1, dit=TINY, few_steps=TINY, rank=4
    )
    render_pictures(config)
    shutil.copytree(models.PADDY / "vae", folder / "vae")
    encode_pictures(config)
    train_dit(config)
    export_dit(config, folder / "paddy-dit")
    train_few_steps(config)
    export_few_steps(config, folder / "few-steps")
    return config


@pytest.mark.slow
def test_plain_diffusers_loads_the_transformer_and_draws_with_its_defaults(
    run: TrainConfig,
) -> None:
    pipe = StableDiffusion3Pipeline.from_pretrained(run.folder / "paddy-dit")
    pipe.set_progress_bar_config(disable=True)
    assert pipe("a red apple").images[0].size == (64, 64)
    assert {p.dtype for p in pipe.text_encoder_3.parameters()} == {torch.float32}
    shape = {name: pipe.vae.config[name] for name in ("shift_factor", "scaling_factor")}
    assert shape == {"shift_factor": 0.3, "scaling_factor": 1.1}
    exported = pipe.transformer.state_dict()
    trained = build(run)
    load_average(trained, run.folder, "dit")
    for name, value in trained["transformer"].state_dict().items():
        assert torch.equal(exported[name], value.half().float()), name


@pytest.mark.slow
def test_the_pipeline_says_what_training_said(run: TrainConfig) -> None:
    pipe = StableDiffusion3Pipeline.from_pretrained(run.folder / "paddy-dit")
    said = "a desert with a blue car"
    with torch.no_grad():
        prompt, _, pooled, _ = pipe.encode_prompt(said, None, None)
        tokens, tokens_2 = (
            one(said, padding="max_length", max_length=32, return_tensors="pt").input_ids
            for one in (pipe.tokenizer, pipe.tokenizer_2)
        )
        ours, ours_pooled = encode_both(
            nn.ModuleDict(
                {"text_encoder": pipe.text_encoder, "text_encoder_2": pipe.text_encoder_2}
            ),
            tokens,
            tokens_2,
        )
    assert torch.equal(prompt[:, : architecture.MAX_TOKENS], ours)
    assert prompt[:, architecture.MAX_TOKENS :].shape == (1, 256, 128)
    assert not prompt[:, architecture.MAX_TOKENS :].any()
    assert torch.equal(pooled, ours_pooled)


def test_one_silent_token_stands_for_eight() -> None:
    torch.manual_seed(0)
    network = architecture_dit.transformer(8)
    for parameter in network.parameters():  # what starts at zero would hide everything
        nn.init.normal_(parameter, std=0.1)
    prompt, pooled = torch.randn(2, 32, 128), torch.randn(2, 128)
    latents, timestep = torch.randn(2, 4, 8, 8), torch.tensor([300.0, 900.0])

    def answer(said: Tensor) -> Tensor:
        with torch.no_grad():
            return network(latents, said, pooled, timestep).sample

    plain = answer(torch.cat([prompt, torch.zeros(2, 256, 128)], dim=1))
    fewer = answer(with_mute(prompt))
    network.set_attn_processor(StandingProcessor())
    standing = answer(with_mute(prompt))
    scale = plain.abs().max()
    assert (standing - plain).abs().max() < 1e-5 * scale
    assert (fewer - plain).abs().max() > 1e-3 * scale


@pytest.mark.slow
def test_latents_of_paddy_decode_alike_by_either_configuration(run: TrainConfig) -> None:
    vae = StableDiffusion3Pipeline.from_pretrained(run.folder / "paddy-dit").vae
    latents = torch.randn(1, 4, 8, 8)
    theirs = architecture_dit.from_paddy(latents)
    raw = theirs / vae.config["scaling_factor"] + vae.config["shift_factor"]
    assert torch.allclose(raw, latents / architecture.SCALING_FACTOR, atol=1e-6)


@pytest.mark.slow
def test_noise_levels_are_between_those_of_shift_one_and_three(run: TrainConfig) -> None:
    levels = drawn_levels(20_000, torch.Generator().manual_seed(0), run)
    assert 0 < levels.min() < levels.max() < 1
    assert 0.5 < levels.median() < 0.75
    assert (levels < 0.1).float().mean() > 0.01
    assert (levels > 0.95).float().mean() > 0.03


@pytest.mark.slow
@pytest.mark.parametrize("name", ["dit", "few-steps"])
def test_a_killed_training_ends_in_the_same_bytes(
    run: TrainConfig, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for part in ("pictures.json", "pictures.npy", "latents.npy"):
        shutil.copy(run.folder / part, tmp_path / part)
    train = {"dit": train_dit, "few-steps": train_few_steps}[name]
    config = replace(run, folder=tmp_path)
    steps = 0

    def die_in_the_second(*_: object) -> None:
        nonlocal steps
        steps += 1
        if steps == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        for module in (dit, few_steps):
            patched.setattr(module, "fit", partial(loop.fit, save_every=1))
        patched.setattr(loop, "average_gradients", die_in_the_second)
        with pytest.raises(KeyboardInterrupt):
            train(config)
    assert torch.load(tmp_path / f"{name}.pt")["step"] == 1
    train(config)
    resumed, straight = (torch.load(f / f"{name}.pt") for f in (tmp_path, run.folder))
    assert resumed["step"] == straight["step"] == TINY.steps
    for kind in ("average", "modules"):
        one, other = resumed[kind], straight[kind]
        pairs = (
            zip(one, other, strict=True)
            if kind == "average"
            else zip(one.values(), other.values(), strict=True)
        )
        assert all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.slow
def test_the_lora_is_loaded_whole_by_plain_diffusers(run: TrainConfig) -> None:
    pipe = StableDiffusionXLPipeline.from_pretrained(models.PADDY)
    pipe.load_lora_weights(run.folder / "few-steps")
    learner = student(load_teacher(run).unet, run)
    load_average(nn.ModuleDict({"unet": learner}), run.folder, "few-steps")
    loaded = pipe.unet.state_dict()
    changed = 0
    for name, value in learner.state_dict().items():
        there = loaded[name.replace(".default.", ".default_0.")]
        adapted = ".lora_" in name
        assert torch.equal(there, value.half().float() if adapted else value), name
        changed += ".lora_B" in name and bool(value.any())
    assert changed == len([name for name in loaded if ".lora_B" in name]) > 50
    pipe.scheduler = LCMScheduler.from_config(pipe.scheduler.config)
    pipe.set_progress_bar_config(disable=True)
    assert pipe("a red apple", num_inference_steps=2, guidance_scale=1).images[0].size == (256, 256)


def test_the_solvers_steps_are_those_that_the_scheduler_chooses_from() -> None:
    starts, ends = solver_timesteps(1000)
    scheduler = LCMScheduler.from_config(architecture.scheduler().config)
    scheduler.set_timesteps(SOLVER_STEPS, original_inference_steps=SOLVER_STEPS)
    assert starts.flip(0).tolist() == scheduler.timesteps.tolist()
    assert ends[1:].tolist() == starts[:-1].tolist()
    assert ends[0] == 0


def test_a_step_of_the_solver_is_ddims_and_f_is_the_schedulers() -> None:
    generator = torch.Generator().manual_seed(1)
    noisy, noise = (torch.randn(1, 4, 8, 8, generator=generator) for _ in range(2))
    ddim = DDIMScheduler.from_config(
        architecture.scheduler().config, timestep_spacing="trailing", clip_sample=False
    )
    ddim.set_timesteps(SOLVER_STEPS)
    start = int(ddim.timesteps[10])
    kept, after = (ddim.alphas_cumprod[t].view(1, 1, 1, 1) for t in (start, start - 20))
    expected = ddim.step(noise, start, noisy).prev_sample
    assert torch.allclose(solve(noisy, noise, kept, after), expected, atol=1e-5)
    lcm = LCMScheduler.from_config(architecture.scheduler().config)
    lcm.set_timesteps(4)
    last = lcm.timesteps[-1:]
    lcm.set_begin_index(3)
    expected = lcm.step(noise, int(last), noisy).denoised
    kept = lcm.alphas_cumprod[last].view(1, 1, 1, 1)
    assert torch.allclose(consistent(lcm, noisy, noise, last, kept), expected, atol=1e-5)


@pytest.mark.slow
def test_a_run_by_the_clock_ends_with_a_low_rate_and_its_average(tmp_path: Path) -> None:
    schedule = Schedule(steps=10**6, batch=1, learning_rate=1.0, warmup=1, decay=0.5, minutes=0.01)
    assert schedule.rate(10, seconds=0.1) == 1
    assert schedule.rate(10, seconds=0.45) == pytest.approx(0.5)
    assert schedule.rate(10, seconds=5) == pytest.approx(0.02)
    layer = nn.Linear(1, 1)

    def loss(samples: int, generator: torch.Generator) -> dict[str, Tensor]:
        return {"loss": layer(torch.ones(samples, 1)).square().mean()}

    modules = nn.ModuleDict({"layer": layer})
    loop.fit("timed", modules, loss, schedule, folder=tmp_path, rank=0, workers=1, seed=0, ema=0.5)
    saved = torch.load(tmp_path / "timed.pt")
    assert 0.6 <= saved["seconds"] < 5
    assert 0 < saved["step"] < 10**6
    assert torch.equal(layer.weight, saved["average"][0])
    with pytest.raises(ValueError, match="one worker"):
        loop.fit("two", modules, loss, schedule, folder=tmp_path, rank=0, workers=2, seed=0)
    line = json.loads((tmp_path / "timed.jsonl").read_text().splitlines()[-1])
    assert line["step"] <= saved["step"]
