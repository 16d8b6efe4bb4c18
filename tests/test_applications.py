"""New backgrounds, moving, harmony: what was grown once is used again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from schedulers import build
from taue import Layers, TauePipeline
from taue.box import Box
from taue.equations import harvest_step
from taue.errors import TaueError
from taue.layering import brought
from taue.masks import grow
from taue.placing import bounding_box
from taue.scene import Scene
from taue.scene.subject import Subject
from taue.settings import Settings

STEPS = 4
APPLE, BALL = Subject("a red apple"), Subject("a blue ball", box=Box(0.5, 0.5, 0.4, 0.4))


ONCE = Settings(quality="best", tries=1)
"""Random weights paint no object, however often they try."""

STAGES = replace(ONCE, layering="difference")
"""The stages alone: what random weights paint is slow to cut out, and layers tell no more of it."""


@pytest.fixture(scope="module")
def loaded(tiny_sdxl: Path) -> TauePipeline:
    return TauePipeline.from_pretrained(str(tiny_sdxl))


@pytest.fixture
def pipe(loaded: TauePipeline) -> TauePipeline:
    """With a scheduler to itself."""
    pipe = TauePipeline.from_pipe(loaded)
    pipe.set_progress_bar_config(disable=True)
    return pipe


@pytest.fixture(scope="module")
def staged(loaded: TauePipeline) -> Layers:
    """The stages of the scene of most of these tests, to grow from."""
    pipe = TauePipeline.from_pipe(loaded)
    pipe.set_progress_bar_config(disable=True)
    return made(pipe, settings=STAGES)


def made(pipe: TauePipeline, **changes: Any) -> Layers:
    given: dict[str, Any] = {
        "subjects": [APPLE, BALL],
        "background": "desert",
        "num_inference_steps": STEPS,
        "generator": torch.Generator().manual_seed(1),
        "output_type": "pt",
        "settings": ONCE,
    }
    return pipe(**{**given, **changes})


@pytest.mark.slow
@pytest.mark.parametrize("family", ["euler", "dpm++2m", "lcm"])
def test_regrowing_without_a_change_changes_nothing(pipe: TauePipeline, family: str) -> None:
    pipe.scheduler = build(family)
    layers = made(pipe, settings=replace(STAGES, tries=3))  # until its subjects can be planted
    again = pipe.regrow(layers, output_type="pt")
    for ours, theirs in zip(
        (*layers.foregrounds, layers.composite, layers.background),
        (*again.foregrounds, again.composite, again.background),
        strict=True,
    ):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=0)
    assert {**again.settings, "scheduler": None} == {**layers.settings, "scheduler": None}


@pytest.mark.slow
def test_another_background_leaves_the_objects_and_their_stage_alone(pipe: TauePipeline) -> None:
    layers = made(pipe, scene="a red apple on the beach")
    other = layers.rebackground(pipe, "a dark meadow", output_type="pt")
    stages = [r.stage for r in other.records]
    assert stages == ["composite", "background", "decode", "heal"]
    for ours, theirs in zip(layers.cuts, other.cuts, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=0)
    assert not torch.equal(layers.composite, other.composite)
    assert not torch.equal(layers.background, other.background)
    assert other.settings["background"] == "a dark meadow"
    assert other.settings["whole"] == "a red apple and a blue ball, a dark meadow"
    assert other.settings["noise_seed"] == layers.settings["noise_seed"]


@pytest.mark.slow
def test_a_moved_subject_grows_from_its_harvest_and_the_others_stay(pipe: TauePipeline) -> None:
    layers = made(pipe, guidance_scale=1.0, foreground_guidance_scale=1.0, settings=STAGES)
    box = Box(0.05, 0.1, 0.3, 0.3)
    moved = layers.move(pipe, 2, box, output_type="pt")
    told = [(r.stage, r.subjects, r.unet_evaluations) for r in moved.records]
    assert told[0] == ("foreground", (2,), STEPS - harvest_step(STEPS, Settings().crop_ratio))
    assert moved.subjects[1].subject == replace(BALL, moves=(box,))
    assert moved.subjects[0].subject == APPLE
    torch.testing.assert_close(layers.foregrounds[0], moved.foregrounds[0], atol=1e-5, rtol=0)
    assert not torch.equal(layers.foregrounds[1], moved.foregrounds[1])
    assert not torch.equal(layers.composite, moved.composite)


@pytest.mark.slow
def test_new_noise_is_asked_for(pipe: TauePipeline, staged: Layers) -> None:
    fresh = pipe.regrow(staged, generator=torch.Generator().manual_seed(9), output_type="pt")
    torch.testing.assert_close(staged.foregrounds[0], fresh.foregrounds[0], atol=1e-5, rtol=0)
    assert not torch.equal(staged.background, fresh.background)


@pytest.mark.slow
def test_layers_that_cannot_grow_again_are_refused(pipe: TauePipeline, staged: Layers) -> None:
    with pytest.raises(TaueError, match="subject 3 is unknown; there are subjects 1 to 2"):
        pipe.regrow(staged, boxes={3: Box(0, 0, 1, 1)})
    bare = replace(staged.seedlings[0], final=None)
    with pytest.raises(TaueError, match="seedling 1 is not of this canvas"):
        pipe.regrow(replace(staged, seedlings=[bare, staged.seedlings[1]]))


@pytest.mark.slow
@pytest.mark.parametrize("family", ["euler", "heun", "dpm++2m", "lcm"])
def test_without_harmony_the_composites_object_is_the_foreground(
    painter: TauePipeline, monkeypatch: pytest.MonkeyPatch, family: str
) -> None:
    monkeypatch.setattr(painter, "scheduler", build(family))
    layers = made(
        painter,
        subjects=["a red apple"],
        background="a desert",
        settings=Settings(harmony=0.0, tries=1),
        num_inference_steps=10,
        output_type="latent",
    )
    assert not layers.warnings
    core = grow(1 - layers.masks[0]) == 0
    assert core.any() and not core.all()
    error = (layers.composite - layers.foregrounds[0]).abs().amax(dim=1)[0]
    assert error[core].max() < 1e-4
    assert error[layers.masks[0] == 0].max() > 0.1


@pytest.mark.slow
def test_less_harmony_holds_the_object_closer(painter: TauePipeline) -> None:
    def distance(harmony: float) -> float:
        layers = made(
            painter,
            background="a desert",
            settings=Settings(harmony=harmony, tries=1),
            num_inference_steps=10,
            output_type="latent",
        )
        core = grow(1 - layers.masks[1]) == 0
        return (layers.composite - layers.foregrounds[1])[0, :, core].abs().mean().item()

    found = [distance(harmony) for harmony in (0.0, 0.5, 1.0)]
    assert found[0] < found[1] < found[2]


@pytest.mark.slow
def test_subjects_of_one_crop_ratio_share_a_batch(pipe: TauePipeline) -> None:
    early = Subject("a red apple", crop_ratio=0.25)
    layers = made(pipe, subjects=[early, BALL, Subject("a car", crop_ratio=0.25)], settings=STAGES)
    told = [(r.stage, r.subjects) for r in layers.records[:2]]
    assert told == [("foreground", (1, 3)), ("foreground", (2,))]
    assert layers.seedlings[0].sigma == layers.seedlings[2].sigma > layers.seedlings[1].sigma


@pytest.mark.slow
def test_before_another_background_and_moved_a_subject_stays_what_it_is(pipe: TauePipeline) -> None:
    layers = made(pipe, settings=Settings(harmony=0.0, tries=1))
    night = layers.rebackground(pipe, "a city at night", output_type="pt")
    for ours, theirs in zip(layers.subjects, night.subjects, strict=True):
        torch.testing.assert_close(ours.image, theirs.image, atol=0, rtol=0)
    box = Box(0.1, 0.3, 0.4, 0.4)
    moved = night.move(pipe, 1, box, output_type="pt")
    torch.testing.assert_close(moved.subjects[1].image, layers.subjects[1].image, atol=0, rtol=0)
    first = layers.seedlings[0].layer
    assert first is not None
    torch.testing.assert_close(
        moved.subjects[0].image, brought(first, box), atol=0.51 / 255, rtol=0
    )
    foot = bounding_box(moved.subjects[0].image[3])
    assert foot.y + foot.height == pytest.approx(0.7, abs=0.02)


@pytest.mark.slow
@pytest.mark.parametrize(("family", "tries"), [("euler", 2), ("lcm", 1)])
def test_from_nothing_the_same_subjects_come_again(
    pipe: TauePipeline, family: str, tries: int
) -> None:
    pipe.scheduler = build(family)
    box, settings = Box(0.1, 0.3, 0.4, 0.4), replace(ONCE, tries=tries)
    other = made(pipe, settings=settings).rebackground(pipe, "a dark meadow", output_type="pt")
    other = other.move(pipe, 1, box, output_type="pt")
    again = made(
        pipe,
        subjects=[replace(APPLE, moves=(box,)), BALL],
        background="a dark meadow",
        first_background="desert",
        settings=settings,
    )
    assert {**again.settings, "scheduler": None} == {**other.settings, "scheduler": None}
    for ours, theirs in zip(
        (other.composite, other.background, *(s.image for s in other.subjects)),
        (again.composite, again.background, *(s.image for s in again.subjects)),
        strict=True,
    ):
        torch.testing.assert_close(ours, theirs, atol=0, rtol=0)


def test_an_empty_layer_stays_and_a_cut_one_brings_nothing_from_beyond() -> None:
    empty = torch.zeros(4, 64, 64)
    assert torch.equal(brought(empty, Box(0.1, 0.1, 0.5, 0.5)), empty)
    cut = torch.zeros(4, 64, 64)
    cut[:, 20:40, 50:] = 1  # a square that the right border cuts
    inside = brought(cut, Box(0.1, 0.1, 0.4, 0.4))
    assert inside[3, :, 34:].max() == 0
    assert inside[3].max() == 1


@pytest.mark.slow
def test_scenes_of_moved_subjects_are_written_and_read(pipe: TauePipeline, staged: Layers) -> None:
    moved = pipe.regrow(staged, boxes={1: Box(0.1, 0.3, 0.4, 0.4)})
    scene = Scene.making(moved.scene, model="paddy", seed=1)
    assert Scene.loads(scene.dumps(), "toml") == scene
    assert scene.subjects[0].moves == (Box(0.1, 0.3, 0.4, 0.4),)
    assert scene.first_background is None


def test_what_is_told_from_its_key_once_placed_is_planted_at_once(painter: TauePipeline) -> None:
    """As where it goes on: what it was before it came into its box is no longer asked."""
    one = painter(
        [Subject("a", box=Box(0.2, 0.3, 0.4, 0.5))],
        "a meadow",
        generator=torch.Generator().manual_seed(2),
        settings=Settings(num_inference_steps=4, tries=1),
        width=128,
        height=128,
    )
    again = painter.regrow(one)
    assert np.array_equal(np.asarray(again.composite), np.asarray(one.composite))
