"""One row's scheduler: schedulers hold state, so each row has its own."""

from __future__ import annotations

import inspect
from typing import Any

import torch
from diffusers import PNDMScheduler
from torch import Tensor

from taue.shapes import One
from taue.space import noise_levels


class Solver:
    """A fresh scheduler and the levels it visits, iteration by iteration.

    Args:
        scheduler: any of diffusers, its timesteps set.
        generator: what a stochastic one draws from; the global generator if None.

    Attributes:
        levels: see :class:`taue.space.NoiseLevels`.
        order: iterations that it takes for a step.

    Raises:
        TaueError: if the method cannot use the scheduler.
    """

    def __init__(self, scheduler: Any, generator: torch.Generator | None) -> None:
        self.scheduler = scheduler
        self.levels = noise_levels(scheduler)
        self.order = int(getattr(scheduler, "order", 1))
        draws = "generator" in inspect.signature(scheduler.step).parameters
        self._extra = {"generator": generator} if draws else {}
        self._resumed = False

    @property
    def scale(self) -> float:
        """What unit noise is multiplied by before the first iteration."""
        # Flow matching starts from nothing but noise and has no word for it.
        return float(getattr(self.scheduler, "init_noise_sigma", 1.0))

    def start(self, noise: One) -> One:
        """Latents before the first iteration, from unit noise."""
        # Flow matching starts from nothing but noise and has no word for it.
        return noise * getattr(self.scheduler, "init_noise_sigma", 1.0)

    def begin(self, index: int) -> None:
        """Let iteration ``index`` be the first."""
        if hasattr(self.scheduler, "set_begin_index"):
            self.scheduler.set_begin_index(index)
        self._resumed = index > 0

    def timestep(self, index: int) -> Tensor:
        """What the model is told of the level before iteration ``index``, a scalar."""
        return self.scheduler.timesteps[index]

    def model_input(self, latents: One, index: int) -> One:
        """Latents before iteration ``index``, scaled as the model takes them."""
        if not hasattr(self.scheduler, "scale_model_input"):  # flow matching
            return latents
        return self.scheduler.scale_model_input(latents, self.timestep(index))

    def step(self, output: One, latents: One, index: int) -> One:
        """Iteration ``index``: latents after it, from the model's output, in float32."""
        made = self.scheduler.step(
            output, self.timestep(index), latents, **self._extra, return_dict=False
        )
        if (
            self._resumed
            and isinstance(self.scheduler, PNDMScheduler)
            and self.scheduler.counter == 1
        ):
            # It makes its second step twice, for which only its beginning has a timestep more.
            self.scheduler.counter = 2
        return made[0].to(torch.float32)
