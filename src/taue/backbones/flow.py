"""Schedules of flow-matching models, which some shift by the canvas."""

from __future__ import annotations

import inspect
from typing import Any

import torch

from taue.backbones.timesteps import timed
from taue.errors import TaueError
from taue.space import noise_levels


def flowing(
    scheduler: Any,
    steps: int,
    device: torch.device,
    *,
    shift: float,
    title: str,
    sigmas: list[float] | None,
) -> Any:
    """A flow-matching scheduler of the same class and configuration, its timesteps set.

    Args:
        scheduler: a pipeline's.
        steps: denoising steps.
        device: where its timesteps are.
        shift: of its levels by the canvas, which counts if its configuration says so.
        title: of the family.
        sigmas: levels before the shift, of each step, for schedulers that take any; their own
            spacing if None.

    Raises:
        TaueError: if it cannot take so many steps, is none of flow matching, or cannot be shifted
            by the canvas though the model wants it.
    """
    config = scheduler.config
    options: dict[str, Any] = {}
    takes = inspect.signature(scheduler.set_timesteps).parameters
    if config.get("use_dynamic_shifting"):
        if "mu" not in takes:
            raise TaueError(
                f"scheduler {type(scheduler).__name__} cannot shift its levels by the canvas, "
                "as this model wants it; use FlowMatchEulerDiscreteScheduler."
            )
        options["mu"] = shift
    fresh = timed(scheduler, steps, device, **options)
    if not _flows(fresh):
        raise TaueError(
            f"scheduler {type(fresh).__name__} is not supported by {title}, which is a "
            "flow-matching model; use one such as FlowMatchEulerDiscreteScheduler, "
            "FlowMatchHeunDiscreteScheduler or DPMSolverMultistepScheduler."
        )
    if sigmas is None or "sigmas" not in takes or config.get("use_flow_sigmas"):
        return fresh
    return timed(scheduler, steps, device, sigmas=sigmas, **options)


def _flows(scheduler: Any) -> bool:
    """Whether it does flow matching in a way that the method can follow."""
    try:
        return noise_levels(scheduler).flows
    except TaueError:
        return False
