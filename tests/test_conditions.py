"""What prompts a scene's parts attend to."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from taue import Subject, TauePipeline
from taue.backbones import Encoded
from taue.conditions import Conditions
from taue.errors import TaueError
from taue.memo import Memo
from taue.scene import Request

BEACH, JOINED = "a beach", "a ball and a cube, a beach"


def conditions(
    pipe: TauePipeline, *subjects: Subject, embeds: Any = None, **more: Any
) -> Conditions:
    told = {"subjects": subjects, "background": BEACH, **more}
    request = Request.from_data(told).on_canvas(64, 64)
    return Conditions(pipe.backbone(64, 64), request, embeds or {}, Memo())


def same(one: Encoded | None, other: Encoded) -> bool:
    return (
        one is not None
        and torch.equal(one.prompt, other.prompt)
        and torch.equal(one.negative, other.negative)
    )


@pytest.mark.parametrize("sentence", [None, "a ball behind a cube, far away"])
def test_each_of_several_is_released_to_the_scene_with_it_alone(
    pipeline: TauePipeline, sentence: str | None
) -> None:
    two = Subject("a ball"), Subject("a cube", negative_prompt="red")
    made, encode = conditions(pipeline, *two, scene=sentence), pipeline.backbone(64, 64)
    ball, cube = (one.released for one in made.scene.subjects)
    assert same(ball, encode.encode_prompt("a ball, a beach", None))
    assert same(cube, encode.encode_prompt("a cube, a beach", "red"))
    assert same(made.scene.whole, encode.encode_prompt(sentence or JOINED, None))
    alone = made.alone(made.scene.subjects[0])
    assert alone.subjects[0].released is None


def test_one_is_released_to_the_whole_scene(pipeline: TauePipeline) -> None:
    sentence, encode = "a ball in the surf, a beach", pipeline.backbone(64, 64).encode_prompt
    (plain,) = conditions(pipeline, Subject("a ball"), scene=sentence).scene.subjects
    assert plain.released is None
    hating = Subject("a ball", negative_prompt="red")
    (one,) = conditions(pipeline, hating, scene=sentence).scene.subjects
    assert same(one.released, encode(sentence, "red"))


@pytest.mark.parametrize("field", [("attention_blending", "none"), ("released_prompt", "regions")])
def test_where_nothing_is_released_to_it_no_region_has_a_scene_of_its_own(
    pipeline: TauePipeline, field: tuple[str, str]
) -> None:
    two, method = (Subject("a ball"), Subject("a cube")), dict([field])
    made = conditions(pipeline, *two, method=method)
    assert [one.released for one in made.scene.subjects] == [None, None]


def test_an_embedding_of_a_scene_that_no_region_attends_to_is_refused(
    pipeline: TauePipeline,
) -> None:
    alone, one = "a ball, a beach", Subject("a ball")
    embeds = {alone: pipeline.encode_prompt(alone)}
    with pytest.raises(TaueError, match="a ball, a beach"):
        conditions(pipeline, one, embeds=embeds, scene="a ball in the surf")
    conditions(pipeline, one, Subject("a cube"), embeds=embeds)
