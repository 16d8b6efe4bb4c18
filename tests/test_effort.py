"""What each stage takes of the steps: schedules of its own, late beginnings, an end of guidance."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from schedulers import FAMILIES, build
from taue import Layers, Scene, Subject, TauePipeline, run
from taue.backbones import Conditioning
from taue.backbones.sdxl import SDXLBackbone
from taue.box import Box
from taue.cultivate import cultivate
from taue.effort import EFFORTS, Effort, Guidance
from taue.equations import stable_guidance
from taue.errors import TaueError
from taue.filled import smoothly_filled
from taue.rows import Harvest, Row
from taue.seedling import Seedling
from taue.settings import Settings
from taue.solver import Solver
from taue.space import Level

STEPS = 10
SETTINGS = Settings(num_inference_steps=STEPS, crop_ratio=0.5)


def normal(seed: int) -> Tensor:
    return torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(seed))


def row_of(backbone: SDXLBackbone, scale: float = 5.0, **changes: Any) -> Row:
    apple = backbone.encode_prompt("a red apple", None)
    generator = torch.Generator().manual_seed(1)
    row = Row(
        "composite", normal(1), Conditioning((apple,), apple, scale), generator, crop_ratio=0.5
    )
    return replace(row, **changes)


def grown(backbone: SDXLBackbone, row: Row, steps: int = STEPS) -> Harvest:
    return cultivate(backbone, [row], replace(SETTINGS, num_inference_steps=steps))[0]


def backbone_of(pipeline: TauePipeline, family: str = "euler") -> SDXLBackbone:
    pipeline.scheduler = build(family)
    return SDXLBackbone(pipeline, 64, 64)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_row_with_steps_of_its_own_is_the_row_of_that_many(
    pipeline: TauePipeline, family: str
) -> None:
    backbone = backbone_of(pipeline, family)
    own, whole = grown(backbone, row_of(backbone, steps=4)), grown(backbone, row_of(backbone), 4)
    assert torch.equal(own.latents, whole.latents)
    assert (own.level, own.evaluations) == (whole.level, whole.evaluations)


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_a_row_begins_where_it_is_told_not_at_its_harvest(
    pipeline: TauePipeline, family: str
) -> None:
    backbone = backbone_of(pipeline, family)
    early = grown(backbone, row_of(backbone, estimate=normal(2), begin=0.2))
    there = grown(backbone, row_of(backbone, estimate=normal(2), crop_ratio=0.2))
    late = grown(backbone, row_of(backbone, estimate=normal(2)))
    assert torch.equal(early.latents, there.latents)
    assert early.evaluations > late.evaluations
    assert not torch.equal(early.latents, late.latents)


def test_only_of_many_steps_one_is_left_out_where_a_subject_is_placed() -> None:
    balanced = EFFORTS["balanced"]
    assert balanced.predicts_once(12)
    assert not balanced.predicts_once(8)
    assert not EFFORTS["best"].predicts_once(50)


@pytest.mark.slow
def test_what_goes_into_a_box_goes_early(pipeline: TauePipeline) -> None:
    """It grows on there, in a window; what has no box stays until its harvest where it grew."""
    assert Effort(placed=0.4).placing(0.6) == 0.4
    assert Effort(placed=0.4).placing(0.3) == 0.3
    assert Effort().placing(0.6) == 0.6

    def noise(box: Box | None) -> float:
        layers = pipeline(
            [Subject("an apple", box=box)],
            "a beach",
            num_inference_steps=15,
            height=64,
            width=64,
            output_type="latent",
            settings=Settings(quality="balanced", tries=1),
        )
        return layers.seedlings[0].level.ratio

    assert noise(Box(0.2, 0.2, 0.6, 0.6)) > 1.2 * noise(None)


def test_guidance_ends_where_it_is_told(pipeline: TauePipeline) -> None:
    """From there on the steps are those of a pass without guidance, from the same latents."""
    backbone = backbone_of(pipeline)
    seen: list[Tensor] = []
    row = row_of(backbone, guided=Guidance(until=0.6))
    found = cultivate(backbone, [row], SETTINGS, lambda step: seen.append(step.latents))[0]
    assert found.evaluations == 2 * 6 + 4
    guided: list[Tensor] = []
    cultivate(backbone, [row_of(backbone)], SETTINGS, lambda step: guided.append(step.latents))
    for ours, theirs in zip(seen[:6], guided[:6], strict=True):
        assert torch.equal(ours, theirs)
    assert not torch.equal(seen[6], guided[6])

    plain = backbone.new_scheduler(STEPS)
    plain.set_begin_index(6)
    latents, prompt = seen[5], row_of(backbone, scale=1.0).conditioning
    for timestep, expected in zip(plain.timesteps[6:], seen[6:], strict=True):
        output = backbone.predict(
            plain.scale_model_input(latents, timestep), timestep[None], [prompt]
        )
        latents = plain.step(output, timestep, latents, return_dict=False)[0].float()
        torch.testing.assert_close(latents, expected, atol=1e-5, rtol=0)


def scales(backbone: SDXLBackbone, row: Row) -> list[float]:
    """The guidance of each of a pass's predictions."""
    told: list[float] = []
    predict = backbone.predict

    def listening(inputs: Tensor, timesteps: Tensor, conditionings: Any) -> Tensor:
        told.extend(one.guidance_scale for one in conditionings)
        return predict(inputs, timesteps, conditionings)

    backbone.predict = listening  # type: ignore[method-assign]
    grown(backbone, row)
    return told


def test_where_no_guidance_doubles_the_cost_it_does_not_end(pipeline: TauePipeline) -> None:
    """Distilled models embed the scale: without it they would draw otherwise and cost as much."""
    backbone = backbone_of(pipeline)
    backbone.evaluations = lambda scale: 1  # type: ignore[method-assign]
    assert scales(backbone, row_of(backbone, guided=Guidance(until=0.6))) == [5.0] * STEPS


@pytest.mark.parametrize("family", FAMILIES)
def test_guidance_is_no_stronger_than_a_step_is_short_enough_for(
    pipeline: TauePipeline, family: str
) -> None:
    backbone = backbone_of(pipeline, family)
    told = scales(backbone, row_of(backbone, 7.5, guided=Guidance(until=0.8, limit=2.0)))
    solver = Solver(backbone.new_scheduler(STEPS), torch.Generator())
    levels = pairwise(level.ratio for level in solver.levels.levels)
    expected = [stable_guidance(7.5, before, after, 64, 2.0) for before, after in levels]
    guided = [scale for scale in told if scale > 1]
    assert guided == expected[: len(guided)]
    assert min(guided) < 7.5
    assert len(guided) >= 7 * solver.order


@pytest.mark.parametrize("quality", ["balanced", "fast"])
def test_what_takes_fewer_steps_is_not_guided_beyond_them(quality: str) -> None:
    """`fast` gave a quarter of what it drew another colour, with flow matching three fifths: each
    step overshot what guidance wanted."""
    guided = EFFORTS[quality].guided
    assert guided.limit is not None
    assert guided.limit <= 2
    assert EFFORTS["best"].guided == Guidance()


@given(hole=st.floats(-1e3, 1e3), kept=st.floats(-3, 3))
def test_what_is_filled_knows_nothing_of_the_hole(hole: float, kept: float) -> None:
    """Nor of the cells right beside it, which still show the object."""
    outside = torch.ones(12, 12)
    outside[4:8, 4:8] = 0
    latents = torch.full((1, 4, 12, 12), kept)
    latents[..., 3:9, 3:9] = hole
    filled = smoothly_filled(Seedling(latents, latents, Level(1.0, 1.0), outside, outside))
    inside = filled[..., 4:8, 4:8]
    torch.testing.assert_close(inside, torch.full_like(inside, kept), atol=1e-4, rtol=1e-4)
    assert torch.equal(filled[..., outside > 0], latents[..., outside > 0])


def test_where_nothing_is_around_it_is_filled_with_nothing() -> None:
    latents, nowhere = normal(1), torch.zeros(8, 8)
    filled = smoothly_filled(Seedling(latents, latents, Level(1.0, 1.0), nowhere, nowhere))
    assert torch.equal(filled, torch.zeros_like(latents))


@given(st.sampled_from(list(EFFORTS)), st.integers(2, 1000))
def test_every_stage_has_steps(quality: str, steps: int) -> None:
    effort = EFFORTS[quality]
    for stage in ("foreground", "composite", "background", "refine", "heal"):
        assert min(effort.fewest, steps) <= effort.steps(stage, steps) <= steps


@pytest.mark.slow
def test_a_balanced_scene_costs_what_its_effort_says(tiny_sdxl: Path) -> None:
    pipe = TauePipeline.from_pretrained(str(tiny_sdxl))
    pipe.set_progress_bar_config(disable=True)
    settings = Settings(num_inference_steps=20, quality="balanced", tries=1)
    layers = pipe(
        subjects=["a red apple"], background="a desert", settings=settings, height=64, width=64,
        generator=torch.Generator().manual_seed(1), output_type="pt",
    )  # fmt: skip
    found = {r.stage: r.unet_evaluations for r in layers.records}
    # Of 20 steps 16 are guided, of 12, the fewest, 10; of 12 those from the fourth on, the last
    # four and the last two.
    assert found == {
        "foreground": 2 * 10 + 2,
        "composite": 2 * 16 + 4,
        "background": 2 * 7 + 2,
        "refine": 2 * 2 + 2,
        "heal": 2,
        "decode": 0,
    }
    best = replace(settings, quality="best").effort
    assert best == Effort() and best.evaluations("background", 50, 0.6) == 100


@pytest.mark.slow
def test_what_has_its_layers_already_takes_fewer_steps_however_it_is_made(tiny_sdxl: Path) -> None:
    pipe = TauePipeline.from_pretrained(str(tiny_sdxl))
    pipe.set_progress_bar_config(disable=True)
    scene = Scene.from_data(
        {
            "subjects": [{"prompt": "a red apple"}],
            "background": "a desert",
            "steps": 40,
            "seed": 1,
            "canvas": {"width": 64, "height": 64},
            "method": {"tries": 1},
        }
    )
    first = run.make(pipe, scene)
    changed = run.regrow(pipe, first, "a beach", None, {})
    again = run.make(pipe, changed.made_scene)
    np.testing.assert_array_equal(changed.composite, again.composite)

    def composites(layers: Layers) -> list[int]:
        return [r.unet_evaluations for r in layers.records if r.stage == "composite"]

    # Of 40 steps 32 are guided, of 26 the first 21.
    assert composites(first) == [2 * 32 + 8]
    assert composites(changed) == [2 * 21 + 5]
    assert composites(again) == [2 * 32 + 8, 2 * 21 + 5]


def test_a_quality_that_there_is_not_is_declined() -> None:
    with pytest.raises(TaueError, match="quality is 'finest'; choose best or balanced or fast"):
        Settings(quality="finest")
