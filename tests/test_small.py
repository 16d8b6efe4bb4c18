"""Boxes too small to draw in: their subjects are drawn elsewhere and brought there as pictures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from taue import Layers, TauePipeline
from taue.box import Box
from taue.paddy.judge import Judge
from taue.refining import kept
from taue.results.report import make_report
from taue.scene import Scene
from taue.scene.subject import CENTRED, Subject
from taue.seedling import Seedling
from taue.settings import Settings
from taue.small import LEAST, drawn_elsewhere, too_small
from taue.space import Level

SMALL, ROOM = Box(0.1, 0.6, 0.2, 0.2), Box(0.2, 0.3, 0.6, 0.6)
APPLE = Subject("a red apple", box=SMALL)


def made(pipe: TauePipeline, *subjects: Subject, **changes: Any) -> Layers:
    given: dict[str, Any] = {
        "background": "a green meadow",
        "num_inference_steps": 8,
        "generator": torch.Generator().manual_seed(3),
        "settings": Settings(quality="fast", tries=1),
        "width": 160,
        "height": 160,
    }
    return pipe(list(subjects or [APPLE]), **{**given, **changes})


@pytest.fixture(scope="module")
def one(painter: TauePipeline) -> Layers:
    return made(painter)


@given(st.integers(1, 200), st.integers(1, 200), st.floats(0.01, 1), st.floats(0.01, 1))
def test_what_is_too_small_is_so_for_its_cells_alone(
    rows: int, columns: int, width: float, height: float
) -> None:
    box = Box(0, 0, width, height)
    small = too_small(box, (rows, columns))
    assert small == too_small(Box(0, 0, height, width), (columns, rows))
    assert not too_small(CENTRED, (rows, columns))
    if small:
        assert min(width * columns, height * rows) < LEAST
    assert not too_small(box, (rows // 64, columns)), "nowhere there would be more room"


def test_only_a_layer_with_an_object_is_brought_as_a_picture() -> None:
    latents, mask = torch.zeros(1, 4, 32, 32), torch.zeros(32, 32)
    bare = Seedling(latents, latents, Level(1, 1), mask, mask)
    layer = torch.zeros(4, 256, 256)
    assert drawn_elsewhere(bare, SMALL) is None
    assert drawn_elsewhere(replace(bare, layer=layer), SMALL) is None
    layer[:, 100:150, 100:150] = 1
    assert drawn_elsewhere(replace(bare, layer=layer), SMALL) is layer
    assert drawn_elsewhere(replace(bare, layer=layer), ROOM) is None
    assert drawn_elsewhere(replace(bare, layer=layer / 2, drawn=layer), ROOM) is layer


@pytest.mark.slow
def test_a_small_box_shows_what_was_asked_for(painter: TauePipeline) -> None:
    layers = made(painter, width=256, height=256, num_inference_steps=20, settings=Settings())
    assert layers.warnings == []
    alpha = np.asarray(layers.subjects[0].image)[..., 3] > 127
    rows, columns = np.flatnonzero(alpha.any(axis=1)), np.flatnonzero(alpha.any(axis=0))
    side = alpha.shape[0]
    assert rows[-1] + 1 == pytest.approx(0.8 * side, abs=2)
    assert columns.mean() == pytest.approx(0.2 * side, abs=2)
    assert max(np.ptp(rows), np.ptp(columns)) + 1 == pytest.approx(0.2 * side, abs=2)
    # Large enough for the judge, who knows no objects of a fifth of the canvas.
    near = layers.composite.crop((0, 128, 100, 228)).resize((256, 256))
    seen = Judge.load().look([near])[0].surest
    assert seen is not None and (seen.colour, seen.kind) == ("red", "apple")


@pytest.mark.slow
def test_it_is_drawn_alone_and_planted_as_a_picture(one: Layers) -> None:
    stages = [record.stage for record in one.records if record.stage != "refine"]
    scene = ["composite", "background", "decode"]
    assert stages == ["foreground", *scene, *scene, "heal"]
    seedling = one.seedlings[0]
    assert seedling.drawn is not None and seedling.layer is not None
    assert seedling.drawn[3].sum() > 3 * seedling.layer[3].sum()
    assert make_report(one, {}, [], {})["subjects"] == [{"subject": 1, "cut_from": "elsewhere"}]


@pytest.mark.slow
def test_a_file_keeps_what_was_drawn(one: Layers, tmp_path: Path) -> None:
    one.seedlings[0].save(tmp_path / "seedling.safetensors")
    read = Seedling.load(tmp_path / "seedling.safetensors")
    for name in ("layer", "drawn", "final", "mask"):
        assert torch.equal(getattr(read, name), getattr(one.seedlings[0], name))


@pytest.mark.slow
@pytest.mark.parametrize("box", [ROOM, Box(0.7, 0.5, 0.15, 0.15)])
def test_moved_it_comes_from_what_was_drawn_and_again_from_nothing(
    painter: TauePipeline, one: Layers, box: Box
) -> None:
    moved = one.move(painter, 1, box)
    drawn, layer = one.seedlings[0].drawn, moved.seedlings[0].layer
    assert drawn is not None and layer is not None
    assert torch.equal(drawn, moved.seedlings[0].drawn)
    again = made(painter, replace(APPLE, moves=(box,)))
    assert moved.composite.tobytes() == again.composite.tobytes()
    assert moved.subjects[0].image.tobytes() == again.subjects[0].image.tobytes()


@pytest.mark.slow
def test_what_had_room_goes_into_a_small_box_as_a_picture(painter: TauePipeline) -> None:
    large = made(painter, Subject("a red apple", box=ROOM))
    assert large.seedlings[0].drawn is None
    moved = large.move(painter, 1, SMALL)
    assert torch.equal(moved.seedlings[0].drawn, large.seedlings[0].layer)
    again = made(painter, Subject("a red apple", box=ROOM, moves=(SMALL,)))
    assert moved.composite.tobytes() == again.composite.tobytes()


@pytest.mark.slow
def test_before_another_background_it_is_the_same(painter: TauePipeline, one: Layers) -> None:
    other = one.rebackground(painter, "a desert")
    assert torch.equal(one.seedlings[0].layer, other.seedlings[0].layer)
    again = made(painter, background="a desert", first_background="a green meadow")
    assert other.composite.tobytes() == again.composite.tobytes()


@pytest.mark.slow
def test_beside_one_with_room_and_in_two_places(painter: TauePipeline) -> None:
    other = Subject("a blue ball", box=Box(0.45, 0.4, 0.5, 0.5))
    layers = made(painter, replace(APPLE, places=(Box(0.1, 0.1, 0.2, 0.2),)), other)
    assert layers.seedlings[1].drawn is None and layers.seedlings[1].layer is not None
    alpha = np.asarray(layers.subjects[0].image)[..., 3] > 127
    half = len(alpha) // 2
    assert alpha[half:].sum() == pytest.approx(alpha[:half].sum(), rel=0.2)


@pytest.mark.slow
def test_kept_as_a_picture_it_has_the_pixels_that_it_has(
    painter: TauePipeline, one: Layers
) -> None:
    scene = kept(replace(one, scene=Scene.making(one.scene, model="paddy", seed=3)))
    again = painter.make(scene, generator=torch.Generator().manual_seed(3))
    assert torch.equal(again.seedlings[0].layer, one.seedlings[0].layer)


@pytest.mark.slow
@pytest.mark.parametrize("changes", [{"layering": "difference"}, {"placement": "suggest"}])
def test_where_no_layers_are_made_first_it_grows_where_it_is(
    painter: TauePipeline, changes: dict[str, Any]
) -> None:
    layers = made(painter, settings=Settings(quality="fast", tries=1, **changes))
    assert [r.stage for r in layers.records].count("composite") == 1
    assert layers.seedlings[0].drawn is None
    assert made(painter, output_type="latent").seedlings[0].drawn is None
