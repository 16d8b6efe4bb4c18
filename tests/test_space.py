"""Noise levels: what each scheduler family means by its latents and its model's output."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from diffusers import (
    EDMEulerScheduler,
    FlowMatchEulerDiscreteScheduler,
    IPNDMScheduler,
    KDPM2DiscreteScheduler,
)
from torch import Tensor

from schedulers import EXPLODING, FAMILIES, SDXL, build
from taue.errors import TaueError
from taue.space import noise_levels

STEPS = 10


def normal(seed: int) -> Tensor:
    return torch.randn(1, 4, 5, 7, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("family", FAMILIES)
def test_levels_fall_from_noise_to_signal(family: str) -> None:
    scheduler = build(family, STEPS)
    levels = noise_levels(scheduler)
    assert len(levels.sigmas) == len(scheduler.timesteps)
    assert levels.exploding == (family in EXPLODING)
    assert 5 < levels.sigmas[0] < 15 and 0 < levels.sigmas[-1] < 0.5
    steps = zip(levels.sigmas, levels.sigmas[1:], strict=False)
    assert all(a > b or (family == "heun" and a == b) for a, b in steps)


@pytest.mark.parametrize("family", FAMILIES)
def test_levels_are_those_at_which_the_scheduler_adds_noise(family: str) -> None:
    scheduler = build(family, STEPS)
    levels = noise_levels(scheduler)
    signal, noise = normal(0), normal(1)
    for i in range(len(scheduler.timesteps)):
        noisy = scheduler.add_noise(signal, noise, scheduler.timesteps[i : i + 1])
        exploding = signal + levels.sigmas[i] * noise
        torch.testing.assert_close(levels.from_exploding(exploding, i), noisy, atol=1e-4, rtol=1e-5)
        torch.testing.assert_close(levels.to_exploding(noisy, i), exploding, atol=1e-4, rtol=1e-5)


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction", "sample"])
@pytest.mark.parametrize("family", ["euler", "ddim"])
def test_noise_and_model_output_convert_both_ways(family: str, prediction: str) -> None:
    levels = noise_levels(build(family, STEPS, prediction_type=prediction))
    latents, output = normal(2), normal(3)
    for i in (0, STEPS // 2, STEPS - 1):
        exploding = latents * levels.unit_scale(i)
        there = levels.to_noise(output, exploding, i)
        back = levels.from_noise(there, exploding, i)
        torch.testing.assert_close(back, output, atol=1e-4, rtol=1e-4)


def test_velocity_is_what_diffusers_calls_velocity() -> None:
    scheduler = build("ddim", STEPS, prediction_type="v_prediction")
    levels = noise_levels(scheduler)
    signal, noise = normal(4), normal(5)
    for i in range(STEPS):
        velocity = scheduler.get_velocity(signal, noise, scheduler.timesteps[i : i + 1])
        exploding = signal + levels.sigmas[i] * noise
        found = levels.to_noise(velocity, exploding, i)
        torch.testing.assert_close(found, noise, atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(
            levels.from_noise(noise, exploding, i), velocity, atol=1e-5, rtol=1e-4
        )


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
    latents, output = normal(6) * (15 if levels.exploding else 1), normal(7)
    exploding = levels.to_exploding(latents, i)
    denoised = exploding - levels.sigmas[i] * levels.to_noise(output, exploding, i)
    own = _denoised_by(scheduler, output, latents)
    # Sums of terms near 15: four digits of float32 are left.
    torch.testing.assert_close(denoised, own, atol=1e-4, rtol=1e-4)


def _denoised_by(scheduler: Any, output: Tensor, latents: Tensor) -> Tensor:
    """The denoised estimate at the first step, by the scheduler's own arithmetic."""
    timestep = scheduler.timesteps[0]
    if hasattr(scheduler, "convert_model_output"):  # the multistep solvers
        scheduler._init_step_index(timestep)
        return scheduler.convert_model_output(output, sample=latents)
    scheduler.scale_model_input(latents, timestep)
    return scheduler.step(output, timestep, latents).pred_original_sample


DECLINED: dict[str, Any] = {
    "flow-match": FlowMatchEulerDiscreteScheduler,
    "flow-sigmas": lambda: build("unipc", use_flow_sigmas=True, flow_shift=3.0),
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


def test_infinite_noise_is_declined_in_a_sentence() -> None:
    with pytest.raises(TaueError, match="zero terminal signal"):
        noise_levels(build("ddim", STEPS, **ZERO_SNR))
