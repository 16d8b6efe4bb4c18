"""Which step of a schedule a crop ratio means: the one with as much noise as on SDXL's."""

from __future__ import annotations

import math
from functools import lru_cache

from diffusers import EulerDiscreteScheduler

from taue import equations
from taue.space import NoiseLevels, noise_levels

LEAST = 1e-9
"""Noise to signal below which levels are told apart no more."""


def harvest_index(levels: NoiseLevels, order: int, steps: int, crop_ratio: float) -> int:
    """The step k at which latents are harvested, of any schedule.

    The paper counts steps (:func:`taue.equations.harvest_step`), which means another level on every
    schedule: flow matching with a shift is still nearly noise where SDXL's is half done. So k is
    the step whose ratio of noise to signal is nearest, in its logarithm, to that of SDXL's own
    schedule of as many steps at the paper's k. On SDXL's it is the paper's.

    Args:
        levels: those of the schedule.
        order: iterations that it takes for a step.
        steps: N.
        crop_ratio: r in (0, 1).
    """
    wanted = math.log(reference(steps)[equations.harvest_step(steps, crop_ratio)])

    def away(step: int) -> float:
        ratio = levels[order * step].ratio
        return math.inf if math.isinf(ratio) else abs(math.log(max(ratio, LEAST)) - wanted)

    # Of equal levels the later: PNDM comes to its second one twice before it goes on.
    return min(reversed(range(1, -(-levels.count // order))), key=away)


@lru_cache(maxsize=32)
def reference(steps: int) -> tuple[float, ...]:
    """Noise to signal before each of N steps of SDXL's own schedule."""
    scheduler = EulerDiscreteScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        timestep_spacing="leading",
        steps_offset=1,
    )
    scheduler.set_timesteps(steps)
    return noise_levels(scheduler).sigmas
