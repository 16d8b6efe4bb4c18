"""Conventions of the scheduler families, and how to leave them.

The method is written in *variance-exploding* space, x = x0 + sigma * noise. Some schedulers keep
their latents so (Euler and its kin), others keep *unit* latents, x / sqrt(1 + sigma^2) (DDIM,
DPM++, UniPC, LCM). Models see unit latents and answer with noise, velocity or the sample.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from taue.errors import TaueError


@dataclass(frozen=True)
class NoiseLevels:
    """The noise levels of one run.

    ``sigmas[i]`` is the ratio of noise to signal before iteration i of the scheduler's
    ``timesteps``; ``exploding`` says in which space the scheduler keeps its latents.
    """

    sigmas: tuple[float, ...]
    exploding: bool
    prediction_type: str

    def unit_scale(self, step: int) -> float:
        """What divides variance-exploding latents to make unit latents, sqrt(1 + sigma^2)."""
        return math.sqrt(1 + self.sigmas[step] ** 2)

    def to_exploding(self, latents: Tensor, step: int) -> Tensor:
        """The scheduler's latents before ``step`` in variance-exploding space."""
        return latents if self.exploding else latents * self.unit_scale(step)

    def from_exploding(self, latents: Tensor, step: int) -> Tensor:
        """The inverse of :meth:`to_exploding`."""
        return latents if self.exploding else latents / self.unit_scale(step)

    def to_noise(self, output: Tensor, latents: Tensor, step: int) -> Tensor:
        """The noise that a model output stands for; ``latents`` in variance-exploding space."""
        if self.prediction_type == "epsilon":
            return output
        scale, sigma = self.unit_scale(step), self.sigmas[step]
        if self.prediction_type == "v_prediction":
            return output / scale + latents * sigma / scale**2
        return (latents - output) / sigma

    def from_noise(self, noise: Tensor, latents: Tensor, step: int) -> Tensor:
        """The inverse of :meth:`to_noise`."""
        if self.prediction_type == "epsilon":
            return noise
        scale, sigma = self.unit_scale(step), self.sigmas[step]
        if self.prediction_type == "v_prediction":
            return scale * (noise - latents * sigma / scale**2)
        return latents - sigma * noise


def noise_levels(scheduler: Any) -> NoiseLevels:
    """Read the levels of a scheduler whose ``set_timesteps`` was called.

    Raises:
        TaueError: for flow matching and other schedulers that have no such levels, and for those
            that visit levels between their own (KDPM2).
    """
    name = type(scheduler).__name__
    prediction = scheduler.config.get("prediction_type", "epsilon")
    known = prediction in ("epsilon", "v_prediction", "sample")
    flows = scheduler.config.get("use_flow_sigmas", False)
    readable = hasattr(scheduler, "init_noise_sigma") and hasattr(scheduler, "alphas_cumprod")
    between = hasattr(scheduler, "sigmas_interpol") or hasattr(scheduler, "mid_point_sigma")
    preconditioned = scheduler.config.get("sigma_data") is not None
    if flows or preconditioned or between or not readable or not known:
        raise TaueError(
            f"scheduler {name} is not supported; use a diffusion scheduler such as Euler, "
            "DPM++ 2M, DDIM, UniPC, Euler ancestral or LCM."
        )
    count = len(scheduler.timesteps)
    if hasattr(scheduler, "sigmas"):
        sigmas = scheduler.sigmas[:count].double()
    else:
        kept = scheduler.alphas_cumprod.double()[scheduler.timesteps.long().cpu()]
        sigmas = ((1 - kept) / kept).sqrt()
    if not bool(sigmas.isfinite().all()):
        raise TaueError(
            f"scheduler {name} starts from zero terminal signal, where there is no ratio of noise "
            "to signal; use Euler or DPM++ 2M, which stop just short of it."
        )
    exploding = float(torch.as_tensor(scheduler.init_noise_sigma)) > 1 + 1e-6
    return NoiseLevels(tuple(float(s) for s in sigmas), exploding, prediction)
