"""One row's scheduler: schedulers hold state, so each row has its own."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import torch
from diffusers import PNDMScheduler
from torch import Tensor

from taue.shapes import One
from taue.space import noise_levels

SAME = 1e-4
"""Difference of latents, of their size, that is rounding."""


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


def goes_on_alike(new_scheduler: Callable[[], Any], index: int) -> bool:
    """Whether what the model made of the latents at iteration ``index`` is all that the iterations
    after it know: a scheduler that draws noise, or looks back, would go on otherwise from there.

    Args:
        new_scheduler: gives a fresh one, its timesteps set.
        index: not the last one.
    """
    whole, rest = (Solver(new_scheduler(), torch.Generator().manual_seed(0)) for _ in range(2))
    values = torch.tensor([[0.7, -0.3], [0.2, 0.5], [-0.4, 0.1]], device=whole.timestep(0).device)
    latents, output, further = (one.view(1, 2, 1, 1) for one in values)
    whole.begin(index)
    rest.begin(index + 1)
    known = whole.levels.estimate(output, latents, index)
    on = rest.levels[index + 1].mix(known.denoised, known.noise)
    reached = _stepped(whole, output, latents, index)
    expected, found = (
        _stepped(solver, further, begun, index + 1)
        for solver, begun in ((whole, reached), (rest, on))
    )
    both = torch.cat([on - reached, found - expected])
    return bool(both.abs().max() <= SAME * max(1.0, float(reached.abs().max())))


def _stepped(solver: Solver, output: One, latents: One, index: int) -> One:
    solver.model_input(latents, index)  # some schedulers warn if it was not asked for
    return solver.step(output, latents, index)
