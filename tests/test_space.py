"""Noise levels: what each scheduler family means by its latents and its model's output."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from diffusers import (
    DDIMScheduler,
    DEISMultistepScheduler,
    EDMEulerScheduler,
    FlowMatchEulerDiscreteScheduler,
    IPNDMScheduler,
    KDPM2DiscreteScheduler,
    SASolverScheduler,
)
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from torch import Tensor

from schedulers import EXPLODING, FAMILIES, FLOWS, SDXL, build, build_flow
from taue.errors import TaueError
from taue.space import CLEAN, DIFFUSION, FLOW, Level, NoiseLevels, noise_levels

STEPS = 10

law = hypothesis_settings(deadline=None, max_examples=100, derandomize=True)


def normal(seed: int) -> Tensor:
    return torch.randn(1, 4, 5, 7, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("family", FAMILIES)
def test_levels_fall_from_noise_to_signal(family: str) -> None:
    scheduler = build(family, STEPS)
    levels = noise_levels(scheduler)
    assert len(levels.sigmas) == levels.count == len(scheduler.timesteps)
    assert all((level.signal == 1) == (family in EXPLODING) for level in levels.levels[:-1])
    if family not in EXPLODING:
        for level in levels.levels:
            assert math.hypot(level.signal, level.noise) == pytest.approx(1, abs=1e-12)
    assert levels[levels.count] == CLEAN
    assert 5 < levels.sigmas[0] < 15 and 0 < levels.sigmas[-1] < 0.5
    steps = zip(levels.sigmas, levels.sigmas[1:], strict=False)
    assert all(a > b or (family in ("heun", "pndm") and a == b) for a, b in steps)


@pytest.mark.parametrize("family", FLOWS)
def test_flow_levels_are_times(family: str) -> None:
    scheduler = build_flow(family, STEPS)
    levels = noise_levels(scheduler)
    assert levels.flows and levels.count == len(scheduler.timesteps)
    for level, timestep in zip(levels.levels, scheduler.timesteps.tolist(), strict=False):
        assert level.signal + level.noise == 1
        assert level.noise == pytest.approx(timestep / 1000, abs=1e-3)  # as models are told
    assert levels[0].noise > 0.99 and levels[levels.count] == CLEAN
    steps = zip(levels.sigmas, levels.sigmas[1:], strict=False)
    assert all(a > b or (family == "flow-heun" and a == b) for a, b in steps)


@pytest.mark.parametrize("family", FAMILIES)
def test_levels_are_those_at_which_the_scheduler_adds_noise(family: str) -> None:
    scheduler = build(family, STEPS)
    levels = noise_levels(scheduler)
    signal, noise = normal(0), normal(1)
    for i in range(len(scheduler.timesteps)):
        noisy = scheduler.add_noise(signal, noise, scheduler.timesteps[i : i + 1])
        torch.testing.assert_close(levels[i].mix(signal, noise), noisy, atol=1e-4, rtol=1e-5)


@pytest.mark.parametrize("family", ["flow-euler", "flow-euler-shifted", "flow-euler-karras"])
def test_flow_levels_are_those_at_which_the_scheduler_adds_noise(family: str) -> None:
    scheduler = build_flow(family, STEPS)
    levels = noise_levels(scheduler)
    signal, noise = normal(0), normal(1)
    for i in range(STEPS):
        noisy = scheduler.scale_noise(signal, scheduler.timesteps[i : i + 1], noise)
        torch.testing.assert_close(levels[i].mix(signal, noise), noisy, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction", "sample"])
@pytest.mark.parametrize("family", ["euler", "ddim"])
def test_noise_and_model_output_convert_both_ways(family: str, prediction: str) -> None:
    levels = noise_levels(build(family, STEPS, prediction_type=prediction))
    latents, output = normal(2), normal(3)
    for i in (0, STEPS // 2, STEPS - 1):
        own = latents * math.hypot(levels[i].signal, levels[i].noise)
        found = levels.estimate(output, own, i)
        back = levels.output(found.denoised, found.noise, i)
        torch.testing.assert_close(back, output, atol=1e-4, rtol=1e-4)


PAIRS = st.one_of(
    st.floats(0.01, 100).map(lambda sigma: Level(1.0, sigma)),
    st.floats(0.01, math.pi / 2).map(lambda angle: Level(math.cos(angle), math.sin(angle))),
    st.floats(0.01, 0.99).map(lambda t: Level(1 - t, t)),
)
"""Levels of variance-exploding, variance-preserving and flow-matching schedulers."""


@law
@given(PAIRS, st.sampled_from((*DIFFUSION, FLOW)), st.integers(0, 2**31))
def test_an_estimate_makes_the_latents_and_the_output_again(
    level: Level, prediction: str, seed: int
) -> None:
    if prediction == FLOW:  # whose pairs are 1 - t and t
        level = Level(*(one / (level.signal + level.noise) for one in (level.signal, level.noise)))
    levels = NoiseLevels((level, CLEAN), prediction)
    denoised, noise = normal(seed), normal(seed + 1)
    latents = level.mix(denoised, noise)
    output = levels.output(denoised, noise, 0)
    found = levels.estimate(output, latents, 0)
    assert found.level == level
    torch.testing.assert_close(
        level.mix(found.denoised, found.noise), latents, atol=1e-3, rtol=1e-4
    )
    back = levels.output(found.denoised, found.noise, 0)
    torch.testing.assert_close(back, output, atol=1e-3, rtol=1e-4)


@pytest.mark.parametrize("prediction", ["v_prediction", "sample", FLOW])
def test_at_zero_signal_an_estimate_is_whole(prediction: str) -> None:
    levels = NoiseLevels((Level(0.0, 1.0), CLEAN), prediction)
    assert levels.sigmas == (math.inf,)
    denoised, noise = normal(1), normal(2)
    found = levels.estimate(levels.output(denoised, noise, 0), levels[0].mix(denoised, noise), 0)
    torch.testing.assert_close(found.denoised, denoised, atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(found.noise, noise, atol=1e-6, rtol=1e-6)


def test_velocity_is_what_diffusers_calls_velocity() -> None:
    scheduler = build("ddim", STEPS, prediction_type="v_prediction")
    levels = noise_levels(scheduler)
    signal, noise = normal(4), normal(5)
    for i in range(STEPS):
        velocity = scheduler.get_velocity(signal, noise, scheduler.timesteps[i : i + 1])
        found = levels.estimate(velocity, levels[i].mix(signal, noise), i)
        torch.testing.assert_close(found.noise, noise, atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(levels.output(signal, noise, i), velocity, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(
    ("family", "prediction"),
    [
        (family, prediction)
        for family in ("euler", "euler-ancestral", "heun", "ddim", "dpm++2m", "unipc")
        for prediction in ("epsilon", "v_prediction", "sample")
        if (family, prediction) != ("euler-ancestral", "sample")  # diffusers has no such thing
    ],
)
def test_denoised_estimate_is_the_schedulers_own(family: str, prediction: str) -> None:
    scheduler = build(family, STEPS, prediction_type=prediction)
    levels = noise_levels(scheduler)
    i = 0
    latents, output = normal(6) * (15 if family in EXPLODING else 1), normal(7)
    denoised = levels.estimate(output, latents, i).denoised
    own = _denoised_by(scheduler, output, latents)
    # Sums of terms near 15: four digits of float32 are left.
    torch.testing.assert_close(denoised, own, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("family", ["flow-dpm++2m", "flow-dpm++2s", "flow-unipc"])
def test_denoised_estimate_of_a_flow_is_the_schedulers_own(family: str) -> None:
    scheduler = build_flow(family, STEPS)
    latents, output = normal(6), normal(7)
    denoised = noise_levels(scheduler).estimate(output, latents, 0).denoised
    own = _denoised_by(scheduler, output, latents)
    torch.testing.assert_close(denoised, own, atol=1e-6, rtol=1e-5)


def _denoised_by(scheduler: Any, output: Tensor, latents: Tensor) -> Tensor:
    """The denoised estimate at the first step, by the scheduler's own arithmetic."""
    timestep = scheduler.timesteps[0]
    if hasattr(scheduler, "convert_model_output"):  # the multistep solvers
        scheduler._init_step_index(timestep)
        return scheduler.convert_model_output(output, sample=latents)
    scheduler.scale_model_input(latents, timestep)
    return scheduler.step(output, timestep, latents).pred_original_sample


SD3: dict[str, Any] = {"num_train_timesteps": 1000, "shift": 3.0}
"""scheduler_config.json of stable-diffusion-3-medium."""

DECLINED: dict[str, Any] = {
    "flow-of-a-diffusion-model": lambda: FlowMatchEulerDiscreteScheduler.from_config(SDXL),
    "diffusion-of-a-flow-model": lambda: DDIMScheduler.from_config(SD3),
    "flow-sigmas": lambda: build("unipc", use_flow_sigmas=True, flow_shift=3.0),
    "flow-deis": lambda: DEISMultistepScheduler(
        use_flow_sigmas=True, prediction_type="flow_prediction"
    ),
    "flow-sa": lambda: SASolverScheduler(use_flow_sigmas=True, prediction_type="flow_prediction"),
    "flow-inverse": lambda: FlowMatchEulerDiscreteScheduler(invert_sigmas=True),
    "preconditioned": EDMEulerScheduler,
    "between-levels": lambda: KDPM2DiscreteScheduler.from_config(SDXL),
    "no-levels": IPNDMScheduler,
}


@pytest.mark.filterwarnings("ignore:__array_wrap__:DeprecationWarning")  # inside KDPM2
@pytest.mark.parametrize("make", DECLINED.values(), ids=DECLINED)
def test_what_has_no_such_levels_is_declined_in_a_sentence(make: Callable[[], Any]) -> None:
    scheduler = make()
    scheduler.set_timesteps(STEPS)
    with pytest.raises(TaueError, match=r"scheduler \w+ is not supported; use"):
        noise_levels(scheduler)


ZERO_SNR: dict[str, Any] = {
    "prediction_type": "v_prediction",
    "rescale_betas_zero_snr": True,
    "timestep_spacing": "trailing",
}


@pytest.mark.parametrize("family", ["euler", "dpm++2m"])
def test_zero_terminal_snr_stops_just_short_of_infinity(family: str) -> None:
    levels = noise_levels(build(family, STEPS, **ZERO_SNR))
    assert all(0 < sigma < 5000 for sigma in levels.sigmas)


def test_zero_terminal_signal_is_a_level_like_any_other() -> None:
    levels = noise_levels(build("ddim", STEPS, **ZERO_SNR))
    assert levels[0] == Level(0.0, 1.0) and levels.sigmas[0] == math.inf
    assert all(0 < sigma < 500 for sigma in levels.sigmas[1:])


def test_noise_predicted_of_nothing_but_noise_is_declined_in_a_sentence() -> None:
    with pytest.raises(TaueError, match="zero terminal signal"):
        noise_levels(build("ddim", STEPS, **{**ZERO_SNR, "prediction_type": "epsilon"}))
