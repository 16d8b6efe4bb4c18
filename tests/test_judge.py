"""The judge that ships: what it sees in pictures that nobody trained it on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks.judge_sheet import sighting_sheet
from taue.errors import TaueError
from taue.evaluation.frechet import frechet
from taue.paddy.judge import Judge, Sighting
from taue.paddy.judge.network import SHIPPED
from taue.paddy.judge.regions import iou
from taue.paddy.scenes import RenderedScene, SceneSpec, render, sample_spec

COUNT = 48


@pytest.fixture(scope="module")
def judge() -> Judge:
    torch.set_num_threads(1)
    return Judge.load()


def specs(objects: int, count: int = COUNT) -> list[SceneSpec]:
    """Scenes whose seeds are neither the training's nor the benchmark's."""
    rngs = [np.random.default_rng((31, objects, index)) for index in range(count)]
    return [sample_spec(rng, held_out=i % 2 == 1, objects=objects) for i, rng in enumerate(rngs)]


@pytest.fixture(scope="module")
def single(judge: Judge) -> list[tuple[SceneSpec, RenderedScene, Sighting]]:
    asked = specs(1)
    scenes = [render(spec, 192) for spec in asked]
    seen = judge.look([scene.composite for scene in scenes])
    return list(zip(asked, scenes, seen, strict=True))


@pytest.mark.slow
def test_single_objects_are_named_with_their_background(
    single: list[tuple[SceneSpec, RenderedScene, Sighting]],
) -> None:
    right = [
        (
            sighting.surest is not None
            and (sighting.surest.kind, sighting.surest.colour)
            == (spec.objects[0].kind, spec.objects[0].colour)
            and sighting.background == spec.background
            and len(sighting.objects) == 1
        )
        for spec, _, sighting in single
    ]
    assert sum(right) >= 0.93 * COUNT


@pytest.mark.slow
def test_masks_and_boxes_lie_on_the_object(
    single: list[tuple[SceneSpec, RenderedScene, Sighting]],
) -> None:
    masks, boxes = [], []
    for spec, scene, sighting in single:
        assert sighting.mask.shape == (192, 192)
        assert sighting.mask.dtype == np.float32
        alpha = scene.objects[0].rgba[..., 3] > 127
        masks.append(iou(sighting.mask > 0.5, alpha) or 0.0)
        for found in sighting.objects[:1]:
            assert found.mask.dtype == np.bool_
            assert found.mask.shape == alpha.shape
            assert not (found.mask & ~(sighting.mask > 0.5)).any()
            boxes.append(found.box.iou(spec.objects[0].box))
    assert np.mean(masks) > 0.88
    assert np.mean(boxes) > 0.8


@pytest.mark.slow
def test_objects_are_counted(judge: Judge) -> None:
    empty = [replace(spec, objects=()) for spec in specs(1, 24)]
    for asked, number, least in ((empty, 0, 0.95), (specs(2, 24), 2, 0.85)):
        seen = judge.look([render(spec, 128).composite for spec in asked])
        assert np.mean([len(sighting.objects) == number for sighting in seen]) >= least


def test_a_plain_ground_has_no_background_and_its_object_a_name(judge: Judge) -> None:
    plain = [replace(spec, background=None, plain=(30, 230, 30)) for spec in specs(1, 24)]
    seen = judge.look([render(spec, 128).composite for spec in plain])
    assert all(sighting.background is None for sighting in seen)
    kinds = [
        one.surest is not None and one.surest.kind == spec.objects[0].kind
        for one, spec in zip(seen, plain, strict=True)
    ]
    assert np.mean(kinds) > 0.9


def test_any_size_and_either_type_of_picture(judge: Judge) -> None:
    spec = specs(1, 1)[0]
    pixels = render(spec, 256).composite
    others = [render(spec, size).composite for size in (128, (128, 160))]
    first, second, small, wide = judge.look([pixels, Image.fromarray(pixels), *others])
    assert first.objects[0].caption == second.objects[0].caption
    np.testing.assert_array_equal(first.mask, second.mask)
    assert small.mask.shape == (128, 128)
    assert wide.mask.shape == (128, 160)
    assert {sighting.background for sighting in (first, second, small, wide)} == {spec.background}


def test_a_batch_is_its_pictures(judge: Judge) -> None:
    pictures = [render(spec, 128).composite for spec in specs(2, 5)]
    together, alone = judge.look(pictures), [judge.look([picture])[0] for picture in pictures]
    for one, other in zip(together, alone, strict=True):
        assert [thing.caption for thing in one.objects] == [
            thing.caption for thing in other.objects
        ]
        np.testing.assert_allclose(one.mask, other.mask, atol=1e-3)
    np.testing.assert_allclose(
        judge.features(pictures), np.concatenate([judge.features([p]) for p in pictures]), atol=1e-3
    )
    assert judge.look([]) == []
    assert judge.features([]).shape == (0, 128)


@pytest.mark.slow
def test_the_frechet_distance_tells_plates_from_scenes(judge: Judge) -> None:
    scenes = [render(spec, 128) for spec in specs(1, 96)]
    composites = judge.features([scene.composite for scene in scenes])
    plates = judge.features([scene.plate for scene in scenes])
    same, other = (
        frechet(composites[:48], features) for features in (composites[48:], plates[48:])
    )
    assert other > 1.3 * same


def test_the_shipped_weights_are_small() -> None:
    assert SHIPPED.stat().st_size < 10e6


def test_other_weights_are_refused(tmp_path: Path) -> None:
    (tmp_path / "broken.safetensors").write_bytes(b"\x08" + bytes(200))
    for name in ("missing.safetensors", "broken.safetensors"):
        with pytest.raises(TaueError, match=r"^weights '.*' are not a judge's"):
            Judge.load(tmp_path / name)


@pytest.mark.slow
def test_a_sheet_of_sightings(judge: Judge) -> None:
    pictures = [render(spec, 128).composite for spec in specs(1, 7)]
    sheet = sighting_sheet(pictures, judge.look(pictures))
    assert sheet.size == (6 * 256, 2 * (256 + 16))
    assert (255, 0, 0) in {colour for _, colour in sheet.getcolors(2**24) or ()}
