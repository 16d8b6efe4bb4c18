"""A fresh scheduler for every row, its timesteps set."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch

from taue.errors import TaueError
from taue.families import FAMILIES
from taue.space import noise_levels


def timed(scheduler: Any, steps: int, device: torch.device, **options: Any) -> Any:
    """A scheduler of the same class and configuration, its timesteps set.

    Args:
        scheduler: a pipeline's.
        steps: denoising steps.
        device: where its timesteps are.
        options: what else the family's pipeline gives ``set_timesteps``.

    Raises:
        TaueError: if it cannot take so many steps.
    """
    fresh = type(scheduler).from_config(scheduler.config)
    try:
        fresh.set_timesteps(steps, device=device, **options)
    except ValueError as error:  # LCM takes no more than it was distilled to
        raise TaueError(
            f"num_inference_steps is {steps}; scheduler {type(fresh).__name__} cannot take it: "
            f"{str(error).strip().rstrip('.')}."
        ) from error
    return fresh


def diffusing(scheduler: Any, steps: int, device: torch.device, family: str) -> Any:
    """As :func:`timed`, for a family of diffusion models.

    Raises:
        TaueError: as well if it does flow matching, or its levels do not fall: with about as many
            steps as the model has timesteps some of diffusers' repeat one, by which those that look
            back divide.
    """
    fresh = timed(scheduler, steps, device)
    levels = noise_levels(fresh)
    if levels.flows:
        raise TaueError(
            f"scheduler {type(fresh).__name__} is not supported by {FAMILIES[family].title}, which "
            "is no flow-matching model; use a diffusion scheduler such as Euler, DPM++ 2M or DDIM."
        )
    sigmas, looks_back = levels.sigmas, "solver_order" in fresh.config
    pairs = pairwise(sigmas) if looks_back else [(sigmas[0], sigmas[-1])]
    if any(before <= after for before, after in pairs):
        raise TaueError(
            f"num_inference_steps is {steps}, with which the levels of scheduler "
            f"{type(fresh).__name__} do not fall; give fewer."
        )
    return fresh
