"""Noise levels as pairs, and what a model's output says at one of them.

A level is how much signal and how much noise the scheduler's latents hold, x = a x0 + s eps.
Variance-exploding schedulers (Euler and its kin) keep (1, sigma), variance-preserving ones (DDIM,
DPM++, UniPC, LCM) keep a^2 + s^2 = 1, flow matching keeps (1 - t, t). Models answer with noise,
velocity, the sample or the flow.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from diffusers import (
    DPMSolverMultistepScheduler,
    DPMSolverSinglestepScheduler,
    FlowMatchEulerDiscreteScheduler,
    FlowMatchHeunDiscreteScheduler,
    FlowMatchLCMScheduler,
    PNDMScheduler,
    UniPCMultistepScheduler,
)

from taue import equations
from taue.errors import TaueError
from taue.shapes import Latents

FLOW = "flow_prediction"
"""The model answers with eps - x0."""

DIFFUSION = ("epsilon", "v_prediction", "sample")
"""What a diffusion model may answer with, in the words of diffusers."""

FLOW_MATCHING = (
    FlowMatchEulerDiscreteScheduler,
    FlowMatchHeunDiscreteScheduler,
    FlowMatchLCMScheduler,
)
"""Schedulers for flow matching alone."""

FLOW_SIGMAS = (
    DPMSolverMultistepScheduler,
    DPMSolverSinglestepScheduler,
    UniPCMultistepScheduler,
)
"""Schedulers that do flow matching, too, with ``use_flow_sigmas``."""


@dataclass(frozen=True)
class Level:
    """How much signal a and how much noise s latents hold; either may be zero."""

    signal: float
    noise: float

    @property
    def ratio(self) -> float:
        """Noise to signal, the sigma of variance-exploding schedulers; infinite without signal."""
        return self.noise / self.signal if self.signal else math.inf

    def mix(self, denoised: Latents, noise: Latents) -> Latents:
        """Latents of this level."""
        return equations.planted(denoised, noise, self.signal, self.noise)


CLEAN = Level(1.0, 0.0)
"""The level at which every pass ends."""


@dataclass(frozen=True)
class Estimate:
    """What latents of one level are made of, ``level.mix(denoised, noise)``; [B, C, h, w]."""

    denoised: Latents
    noise: Latents
    level: Level


@dataclass(frozen=True)
class NoiseLevels:
    """The noise levels of one run.

    ``levels[i]`` is that of the latents before iteration i of the scheduler's ``timesteps``; one
    more, at which the last iteration ends, is clean.
    """

    levels: tuple[Level, ...]
    prediction_type: str

    def __getitem__(self, index: int) -> Level:
        return self.levels[index]

    @property
    def count(self) -> int:
        """Iterations, and the index of the clean level."""
        return len(self.levels) - 1

    @property
    def sigmas(self) -> tuple[float, ...]:
        """Noise to signal before each iteration."""
        return tuple(level.ratio for level in self.levels[:-1])

    @property
    def flows(self) -> bool:
        """Whether this is flow matching."""
        return self.prediction_type == FLOW

    def estimate(self, output: Latents, latents: Latents, index: int) -> Estimate:
        """What a model's output says of the scheduler's latents before iteration ``index``."""
        level = self[index]
        signal, noise = level.signal, level.noise
        if self.prediction_type == "epsilon":
            return Estimate((latents - noise * output) / signal, output, level)
        if self.prediction_type == "sample":
            return Estimate(output, (latents - signal * output) / noise, level)
        if self.flows:
            return Estimate(latents - noise * output, latents + signal * output, level)
        scale = math.hypot(signal, noise)
        signal, noise, unit = signal / scale, noise / scale, latents / scale
        return Estimate(signal * unit - noise * output, noise * unit + signal * output, level)

    def output(self, denoised: Latents, noise: Latents, index: int) -> Latents:
        """The inverse of :meth:`estimate`: the output that says this of latents."""
        if self.prediction_type == "epsilon":
            return noise
        if self.prediction_type == "sample":
            return denoised
        if self.flows:
            return noise - denoised
        level = self[index]
        scale = math.hypot(level.signal, level.noise)
        return (level.signal / scale) * noise - (level.noise / scale) * denoised

    def along(self, level: Level) -> float:
        """How far along the straight line that the solver walks latents of a level are: by the
        ratio of noise to signal, in flow matching by the share of noise."""
        return level.noise / (level.signal + level.noise) if self.flows else level.ratio


def noise_levels(scheduler: Any) -> NoiseLevels:
    """Read the levels of a scheduler whose ``set_timesteps`` was called.

    Raises:
        TaueError: for schedulers that have no such levels, for those that visit levels between
            their own (KDPM2), for those made from the configuration of another kind of model,
            for a prediction of noise where there is nothing but noise, and for more steps than the
            model has timesteps for.
    """
    prediction = _prediction(scheduler)
    if prediction is None:
        raise TaueError(
            f"scheduler {type(scheduler).__name__} is not supported; use a diffusion scheduler "
            "such as Euler, DPM++ 2M, DDIM, UniPC, Euler ancestral or LCM."
        )
    levels = _levels(scheduler, flows=prediction == FLOW)
    if prediction == "epsilon" and levels[0].signal == 0:
        raise TaueError(
            f"scheduler {type(scheduler).__name__} starts from zero terminal signal, of which a "
            'prediction of noise says nothing; use prediction_type "v_prediction", or Euler or '
            "DPM++ 2M, which stop just short of it."
        )
    return NoiseLevels((*levels, CLEAN), prediction)


def _prediction(scheduler: Any) -> str | None:
    """What the model answers with, or None if the method cannot use the scheduler."""
    config = scheduler.config
    flow_sigmas = config.get("use_flow_sigmas", False)
    if isinstance(scheduler, FLOW_MATCHING) or flow_sigmas:
        stated = config.get("prediction_type", FLOW)  # a diffusion model's, if it is another
        usable = isinstance(scheduler, FLOW_MATCHING if not flow_sigmas else FLOW_SIGMAS)
        return FLOW if usable and stated == FLOW and not config.get("invert_sigmas") else None
    prediction = config.get("prediction_type", "epsilon")
    readable = hasattr(scheduler, "init_noise_sigma") and hasattr(scheduler, "alphas_cumprod")
    between = hasattr(scheduler, "sigmas_interpol") or hasattr(scheduler, "mid_point_sigma")
    if isinstance(scheduler, PNDMScheduler):
        between = not config.skip_prk_steps  # Runge-Kutta's
    preconditioned = config.get("sigma_data") is not None
    flow_models = "shift" in config  # left over from a flow-matching scheduler's configuration
    usable = readable and not (between or preconditioned or flow_models)
    return prediction if usable and prediction in DIFFUSION else None


def _require_trained(scheduler: Any) -> None:
    """Make sure that every timestep is one that the model was trained with: where diffusers takes
    all of them with an offset, it begins beyond the last."""
    trained, first = len(scheduler.alphas_cumprod), int(scheduler.timesteps.max())
    if first >= trained:
        raise TaueError(
            f"num_inference_steps is {scheduler.num_inference_steps}, with which scheduler "
            f"{type(scheduler).__name__} begins at timestep {first}, beyond the last that the "
            f"model knows, {trained - 1}; give fewer."
        )


def _levels(scheduler: Any, *, flows: bool) -> list[Level]:
    """The level before each iteration, in the scheduler's own space."""
    count = len(scheduler.timesteps)
    if not hasattr(scheduler, "sigmas"):
        _require_trained(scheduler)
        kept = scheduler.alphas_cumprod.double()[scheduler.timesteps.long().cpu()]
        return [Level(math.sqrt(a), math.sqrt(1 - a)) for a in kept.tolist()]
    sigmas = scheduler.sigmas[:count].double().tolist()
    if flows:
        return [Level(1 - s, s) for s in sigmas]
    if float(torch.as_tensor(scheduler.init_noise_sigma)) > 1 + 1e-6:
        return [Level(1.0, s) for s in sigmas]
    return [Level(1 / math.hypot(1, s), s / math.hypot(1, s)) for s in sigmas]
