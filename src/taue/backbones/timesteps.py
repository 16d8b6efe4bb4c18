"""A fresh scheduler for every row, its timesteps set."""

from __future__ import annotations

from typing import Any

import torch

from taue.errors import TaueError


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
