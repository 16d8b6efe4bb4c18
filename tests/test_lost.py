"""Composites that lose a subject: it fades into what is behind it, or becomes another thing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from taue import Box, Layers, Subject, TauePipeline
from taue.drawing import CROWDED, SceneInputs, let_go
from taue.generation import Generation
from taue.lost import lost
from taue.scene import Request
from taue.settings import Settings
from taue.watch import StageWatch
from test_shown import BLUE, RED, SIDES, disc, ground, over
from test_sight import cut

WHITE = (0.95, 0.95, 0.95)
light = st.floats(0.4, 1.0)


def striped(side: int, stripe: float, one: Any = RED, other: Any = WHITE) -> np.ndarray:
    """A disc that has a stripe, cut out, RGBA [H, W, 4]."""
    whole = disc(side, 0.5, 0.55, 0.17)
    across = np.abs((np.arange(side) + 0.5) / side - stripe)[:, None] < 0.05
    rgba = cut(whole, one)
    rgba[..., :3] = np.where(across[..., None], np.float32(other), rgba[..., :3])
    return rgba


def laid(plate: np.ndarray, rgba: np.ndarray, tint: Any = 1.0) -> np.ndarray:
    alpha = rgba[..., 3:]
    return (plate * (1 - alpha) + rgba[..., :3] * np.float32(tint) * alpha).astype(np.float32)


@pytest.mark.slow
@pytest.mark.parametrize("side", SIDES)
def test_what_fades_into_its_background_or_becomes_another_is_lost(side: int) -> None:
    plate, thing = ground(side), striped(side, 0.5)
    assert lost([thing], laid(plate, thing), plate) == [False]
    assert lost([thing], plate, plate) == [True]
    faint = laid(plate, thing) * 0.1 + plate * 0.9
    assert lost([thing], faint.astype(np.float32), plate) == [True]
    other = striped(side, 0.62, one=WHITE, other=BLUE)
    assert lost([thing], laid(plate, other), plate) == [True]


@given(light, light, light)
def test_no_light_makes_another_thing_of_it(red: float, green: float, blue: float) -> None:
    plate, thing = ground(64), striped(64, 0.5)
    assert lost([thing], laid(plate, thing, (red, green, blue)), plate) == [False]


GREEN, PURPLE = (0.1, 0.42, 0.14), (0.36, 0.12, 0.42)


@given(light, light, light)
def test_two_that_changed_their_colours_are_lost_and_one_in_a_light_is_not(
    red: float, green: float, blue: float
) -> None:
    """Each has its shape still, and a light of three numbers would explain it."""
    plate = ground(64)
    tree, house = (cut(disc(64, 0.5, 0.55, 0.17), colour) for colour in (GREEN, PURPLE))
    assert lost([tree], laid(plate, house), plate) == [True]
    assert lost([house], laid(plate, tree), plate) == [True]
    grey = (red + green + blue) / 3
    softly = [(one + 2 * grey) / 3 for one in (red, green, blue)]
    assert lost([tree], laid(plate, tree, softly), plate) == [False]


def test_what_another_hides_is_not_lost() -> None:
    plate, behind = ground(256), striped(256, 0.5)
    front = cut(disc(256, 0.5, 0.55, 0.2), BLUE)
    composite = over(plate, front[..., 3], BLUE)
    assert lost([behind, front], composite, plate) == [False, False]
    assert lost([front, behind], composite, plate)[1]


def drawn(pipe: TauePipeline, **changes: Any) -> Layers:
    """A scene whose own prompt makes another thing of its subject once that is free."""
    given: dict[str, Any] = {
        "subjects": ["a red ball"],
        "background": "a desert",
        "scene": "a blue car, a desert",
        "num_inference_steps": 12,
        "generator": torch.Generator().manual_seed(1),
        "settings": Settings(key="green"),
    }
    return pipe(**{**given, **changes})


def ball(layers: Layers) -> np.ndarray:
    """The subject's mean colour."""
    rgba = np.asarray(layers.subjects[0].image)
    return rgba[rgba[..., 3] > 200][:, :3].mean(axis=0)


@pytest.mark.slow
def test_a_subject_that_the_composite_lost_is_held_for_longer(painter: TauePipeline) -> None:
    layers = drawn(painter)
    stages = [record.stage for record in layers.records]
    assert stages.count("composite") == 2
    assert stages.count("background") == 1  # what it repeats of the composite is the same
    first, again = (r.unet_evaluations for r in layers.records if r.stage == "composite")
    assert again < first / 2
    red, _, blue = ball(layers)
    assert red > 2 * blue
    middle = np.asarray(layers.raw_composite)[np.asarray(layers.subjects[0].image)[..., 3] > 200]
    red, _, blue = middle.mean(axis=0)
    assert red > 1.5 * blue  # the stage itself drew it


@pytest.mark.slow
def test_of_a_crowd_each_is_held_for_longer_from_the_beginning(painter: TauePipeline) -> None:
    boxes = [Box(0.01 + 0.33 * (n % 3), 0.1 + 0.45 * (n // 3), 0.32, 0.32) for n in range(5)]
    balls = [Subject("a red ball", box=box) for box in boxes]
    layers = drawn(painter, subjects=balls)
    assert [record.stage for record in layers.records].count("composite") == 1
    for subject in layers.subjects:
        seen = np.asarray(layers.raw_composite)[np.asarray(subject.image)[..., 3] > 200]
        red, _, blue = seen.mean(axis=0)
        assert red > 1.5 * blue


@given(count=st.integers(1, 100))
def test_the_more_there_are_the_longer_each_is_held(count: int) -> None:
    assert let_go(1) == 1
    assert CROWDED <= let_go(count + 1) <= let_go(count)


@pytest.mark.slow
def test_finished_again_it_is_as_from_the_beginning(pipeline: TauePipeline) -> None:
    """A harmony acts from the harvest step on alone."""
    backbone = pipeline.backbone(64, 64)
    chosen = Settings(num_inference_steps=10, tries=1, planted_subjects="all", quality="best")
    asked = Request.of(chosen, subjects=[{"prompt": "a red ball"}], background="a desert")
    pipeline._interrupt = False
    with torch.no_grad():
        scene = Generation(backbone, asked.on_canvas(64, 64), 5, StageWatch(pipeline, None))
        subjects, drawer = scene.subjects("latent"), scene.drawing
        inputs = SceneInputs(scene._conditions.scene, None, None)
        first = drawer.together(inputs, subjects)
        longer = replace(inputs, conditions=inputs.conditions.with_harmony(0.2, {1}))
        wanted, behind = drawer.together(longer, subjects)
        made, same = drawer._finished_again(longer, subjects, *first)
    assert not torch.allclose(wanted.latents, first[0].latents, atol=1e-2)
    torch.testing.assert_close(made.latents, wanted.latents, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(made.seedling.denoised, wanted.seedling.denoised)
    torch.testing.assert_close(same.latents, behind.latents)
    assert made.evaluations < wanted.evaluations


@pytest.mark.slow
def test_a_composite_that_is_not_tried_again_gives_a_lost_subject_no_light(
    painter: TauePipeline,
) -> None:
    layers = drawn(painter, settings=Settings(key="green", tries=1))
    assert [record.stage for record in layers.records].count("composite") == 1
    assert layers.sources == ["foreground"]
    red, _, blue = ball(layers)
    assert red > 2 * blue
