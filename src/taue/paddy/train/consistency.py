"""Latent consistency distillation (arXiv 2310.04378): its mathematics, for noise prediction.

The names are the paper's: f is the consistency function, which answers with the clean latents of
the trajectory that a noisy sample lies on, and the solver takes one step along it.
"""

from __future__ import annotations

import torch
from diffusers import LCMScheduler
from torch import Tensor

SOLVER_STEPS = 50
"""Steps of the solver from pure noise to none, which LCMScheduler chooses its few from."""

HUBER = 1e-3
r"""c of the pseudo-Huber loss :math:`\sqrt{d^2 + c^2} - c`: nearly the absolute error."""


def solver_timesteps(train: int) -> tuple[Tensor, Tensor]:
    """Where the solver's steps start and end: timesteps [50] each, rising.

    Args:
        train: the schedule's number of timesteps, a multiple of 50.
    """
    stride = train // SOLVER_STEPS
    starts = torch.arange(1, SOLVER_STEPS + 1) * stride - 1
    return starts, (starts - stride).clamp(min=0)


def clean(noisy: Tensor, noise: Tensor, kept: Tensor) -> Tensor:
    """x_0 of a noise prediction; ``kept`` is alpha-bar of the samples, [B, 1, 1, 1]."""
    return (noisy - (1 - kept).sqrt() * noise) / kept.sqrt()


def solve(noisy: Tensor, noise: Tensor, kept: Tensor, kept_after: Tensor) -> Tensor:
    """One DDIM step along a noise prediction, from alpha-bar ``kept`` to ``kept_after``."""
    return kept_after.sqrt() * clean(noisy, noise, kept) + (1 - kept_after).sqrt() * noise


def consistent(
    scheduler: LCMScheduler, noisy: Tensor, noise: Tensor, timesteps: Tensor, kept: Tensor
) -> Tensor:
    """f(x, t) = c_skip(t) x + c_out(t) x_0, with the scheduler's own c (Equation 9)."""
    skip, out = (
        weight.view(-1, 1, 1, 1)
        for weight in scheduler.get_scalings_for_boundary_condition_discrete(timesteps)
    )
    return skip * noisy + out * clean(noisy, noise, kept)


def huber(one: Tensor, other: Tensor) -> Tensor:
    """The mean pseudo-Huber distance."""
    return ((one - other).square() + HUBER**2).sqrt().mean() - HUBER
