"""Composite and background side by side, from the composite's harvest step on."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from schedulers import build
from taue import TauePipeline, beside, stages
from taue.drawing import SceneInputs
from taue.generation import Generation
from taue.scene import Request
from taue.settings import Settings
from taue.solver import goes_on_alike
from taue.watch import StageWatch

SIDE, STEPS = 64, 50


def generation(pipeline: TauePipeline, callback: Any = None, **settings: Any) -> Generation:
    chosen = Settings(num_inference_steps=STEPS, tries=1, planted_subjects="all", **settings)
    asked = Request.of(chosen, subjects=[{"prompt": "a red ball"}], background="a desert")
    pipeline._interrupt = False
    watch = StageWatch(pipeline, callback)
    return Generation(pipeline.backbone(SIDE, SIDE), asked.on_canvas(SIDE, SIDE), 5, watch)


def test_both_are_what_they_are_one_after_the_other(pipeline: TauePipeline) -> None:
    samples: list[int] = []

    def called(_: Any, given: tuple[Any, ...]) -> None:
        samples.append(len(given[0]))

    with torch.no_grad():
        scene = generation(pipeline)
        subjects, own = scene.subjects("latent"), scene._conditions.scene
        counting = pipeline.unet.register_forward_pre_hook(called)
        together, behind = scene.drawing.together(SceneInputs(own, None, None), subjects)
        counting.remove()
        given = own.subjects, own.background, own.whole, subjects
        wanted = stages.composite(scene.context, *given)
        alone = stages.background(scene.context, own.background, wanted.seedling)
    for found, expected in ((together, wanted), (behind, alone)):
        close: dict[str, Any] = {"atol": 1e-4, "rtol": 1e-4}
        torch.testing.assert_close(found.latents, expected.latents, **close)
        torch.testing.assert_close(found.seedling.denoised, expected.seedling.denoised, **close)
        torch.testing.assert_close(found.seedling.noise, expected.seedling.noise, **close)
        assert found.seedling.level == expected.seedling.level
        assert found.evaluations == expected.evaluations
    assert sum(samples) == together.evaluations + behind.evaluations
    assert max(samples) == 3  # the composite's, which is not guided any more, and the background's
    apart = [record for record in scene.records if record.stage in ("composite", "background")]
    assert [one.unet_evaluations for one in apart] == [together.evaluations, behind.evaluations]


@pytest.mark.parametrize("changes", [{"quality": "best"}, {"hold_crop_step": True}])
def test_full_schedules_go_on_one_after_the_other(
    pipeline: TauePipeline, changes: dict[str, Any]
) -> None:
    assert beside.go_on_together(generation(pipeline).context)
    assert not beside.go_on_together(generation(pipeline, **changes).context)


@pytest.mark.parametrize(("stage", "last"), [("composite", 9), ("background", 4)])
def test_a_callback_ends_both(pipeline: TauePipeline, stage: str, last: int) -> None:
    """Before the harvest the composite is alone, after it the background is there, too."""
    seen: list[tuple[str, int]] = []

    def interrupt(pipe: Any, index: int, _: Any, told: dict[str, Any]) -> dict[str, Any]:
        seen.append((told["stage"], index))
        if (told["stage"], index) == (stage, last):
            pipe._interrupt = True
        return {}

    with torch.no_grad():
        scene = generation(pipeline, interrupt)
        subjects, own = scene.subjects("latent"), scene._conditions.scene
        together, behind = scene.drawing.together(SceneInputs(own, None, None), subjects)
    pipeline._interrupt = False
    assert together.interrupted
    assert behind.interrupted
    assert torch.isfinite(together.latents).all()
    assert [index for name, index in seen if name == stage][-1] == last


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("euler", True),
        ("ddim", True),
        ("euler-ancestral", False),
        ("dpm++2m", False),
        ("unipc", False),
        ("heun", False),
        ("lcm", False),
    ],
)
def test_schedulers_that_draw_or_look_back_go_on_otherwise(name: str, expected: bool) -> None:
    assert goes_on_alike(lambda: build(name, 20), 12) is expected
