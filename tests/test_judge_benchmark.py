"""The judge's benchmark at toy size: it runs, and its figures are what they say."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks import judge as benchmark
from benchmarks.judge_planted import MISTAKES
from taue.models import PADDY
from taue.paddy.judge.train.samples import draw_sample
from taue.paddy.scenes import is_held_out


def test_every_second_render_is_a_pair_that_paddy_never_saw() -> None:
    scenes = benchmark.held_out(8, 64)
    things = [spec.objects[0] for spec, _ in scenes]
    assert [is_held_out(thing.colour, thing.kind) for thing in things] == [False, True] * 4
    again = benchmark.held_out(8, 64)
    for (_, one), (_, other) in zip(scenes, again, strict=True):
        np.testing.assert_array_equal(one.composite, other.composite)
    trained = {draw_sample(0, index).picture.tobytes() for index in range(8)}
    assert not trained & {scene.composite.tobytes() for _, scene in scenes}


@pytest.mark.slow
def test_it_writes_its_figures_and_a_sheet(tmp_path: Path) -> None:
    Image.new("RGB", (128, 128), (30, 230, 30)).save(tmp_path / "plain.png")
    lines = [{"file": "plain.png", "objects": [], "background": None}]
    labels = tmp_path / "labels.json"
    labels.write_text(json.dumps({"pictures": ".", "labels": lines}))
    benchmark.main(tmp_path / "out", vae=PADDY / "vae", labels=labels, side=128, count=4)
    figures = json.loads((tmp_path / "out" / "judge.json").read_text())
    assert set(MISTAKES) < set(figures["planted mistakes"])
    for name in ("held-out renders", "after the autoencoder", "number of objects"):
        assert all(0 <= share <= 1 for share in figures[name].values())
    assert figures["held-out renders"]["colour"] >= 0.75
    assert figures["agreement with labels by eye"]["everything"] == 1
    with Image.open(tmp_path / "out" / "figures" / "judge.png") as sheet:
        assert sheet.size == (6 * 256, 4 * (256 + 16))
