"""One crop ratio is one level of noise, whatever the schedule."""

from typing import Any

import pytest
from diffusers import EulerDiscreteScheduler, FlowMatchEulerDiscreteScheduler

from schedulers import SDXL, build
from taue import equations
from taue.harvest import harvest_index, reference
from taue.space import noise_levels

RATIOS = (0.01, 0.25, 0.5, 0.6, 0.8, 0.99)


def chosen(scheduler: Any, steps: int, ratio: float, order: int = 1) -> tuple[int, float]:
    """The step, and its noise to signal."""
    scheduler.set_timesteps(steps)
    levels = noise_levels(scheduler)
    step = harvest_index(levels, order, steps, ratio)
    return step, levels[order * step].ratio


@pytest.mark.slow
@pytest.mark.parametrize("steps", [*range(2, 61), 77, 80, 100, 150, 300, 999])
def test_on_sdxls_schedule_it_is_the_papers_step(steps: int) -> None:
    for name in ("euler", "ddim", "euler-ancestral"):
        for ratio in RATIOS:
            assert chosen(build(name), steps, ratio)[0] == equations.harvest_step(steps, ratio)


@pytest.mark.parametrize("steps", [20, 28, 50, 100])
@pytest.mark.parametrize(
    "scheduler",
    [
        FlowMatchEulerDiscreteScheduler(shift=3.0),
        FlowMatchEulerDiscreteScheduler(),
        EulerDiscreteScheduler.from_config({**SDXL, "use_karras_sigmas": True}),
        EulerDiscreteScheduler.from_config({**SDXL, "timestep_spacing": "trailing"}),
        EulerDiscreteScheduler.from_config({**SDXL, "timestep_spacing": "linspace"}),
    ],
)
def test_elsewhere_no_other_step_is_nearer_to_its_noise(scheduler: Any, steps: int) -> None:
    for ratio in (0.5, 0.6, 0.8):
        wanted = reference(steps)[equations.harvest_step(steps, ratio)]
        step, found = chosen(scheduler, steps, ratio)
        assert 0 < step < steps
        assert wanted / 1.35 < found < wanted * 1.35
        ratios = [level.ratio for level in noise_levels(scheduler).levels[1:-1]]
        nearest = min(ratios, key=lambda r: max(r / wanted, wanted / r))
        assert found == nearest


def test_by_hand() -> None:
    """SDXL's 30th step of 50 has noise 1.09 times the signal; with shift 3, s = 3u / (1 + 2u), the
    nearest is u = 0.28 or so, s = 0.524, which is 1.10."""
    assert reference(50)[30] == pytest.approx(1.0937, abs=1e-3)
    step, found = chosen(FlowMatchEulerDiscreteScheduler(shift=3.0), 50, 0.6)
    assert step == 36 and found == pytest.approx(1.10, abs=0.01)


def test_steps_of_two_iterations_and_steps_made_twice() -> None:
    step, found = chosen(build("heun"), 6, 0.5, order=2)
    assert step == 3 and found == pytest.approx(reference(6)[3], rel=1e-6)
    step, _ = chosen(build("pndm"), 6, 0.5)  # seven iterations, the second and third of one level
    assert step == 4
    assert chosen(build("pndm"), 6, 0.1)[0] == 2


@pytest.mark.parametrize("ratio", [0.01, 0.99])
@pytest.mark.parametrize("steps", [2, 3])
def test_a_step_lies_before_it_and_one_from_it_on(steps: int, ratio: float) -> None:
    for scheduler in (FlowMatchEulerDiscreteScheduler(shift=3.0), build("ddim"), build("lcm")):
        assert 0 < chosen(scheduler, steps, ratio)[0] < steps
