"""What the published figures rest on."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from benchmarks import judged, mutants, recorded, three_stages
from benchmarks.pair import OneSubject
from taue.paddy import scenes


def test_every_benchmark_finds_what_it_imports() -> None:
    for path in Path(judged.__file__).parent.glob("*.py"):
        importlib.import_module(f"benchmarks.{path.stem}")


def test_no_pair_is_both_for_tuning_and_for_testing() -> None:
    tuning, test = three_stages.pairs("tuning"), three_stages.pairs("test")
    assert len(test) == 50

    def triples(pairs: list) -> set[tuple[str, str, str]]:
        return {(p.colour, p.kind, p.background) for p in pairs}

    assert len(triples(test)) == 50
    assert not triples(tuning) & triples(test)
    assert not {p.seed for p in tuning} & {p.seed for p in test}
    assert {p.kind for p in test} == set(scenes.KINDS)
    assert {p.colour for p in test} == set(scenes.COLOURS)
    assert {p.background for p in test} == set(scenes.BACKGROUNDS)


def test_the_light_bounds_the_foregrounds_agreement() -> None:
    neutral = three_stages.OneSubject("white", "ball", "a sunny beach", 1)
    night = three_stages.OneSubject("white", "ball", "a city at night", 1)
    bright, dark = three_stages.light_bound(neutral), three_stages.light_bound(night)
    # White in the night's light (0.66, 0.68, 0.86): about a quarter darker, so 10 to 14 dB.
    assert bright is not None and dark is not None
    assert bright > 25
    assert 9 < dark < 15


def test_key_figures_of_a_flat_magenta_by_hand() -> None:
    import torch

    from taue.layers import Layers, SubjectLayer
    from taue.scene import Scene, Subject

    picture = np.full((64, 64, 3), (0.75, 0.25, 0.75), np.float32)
    picture[20:40, 20:40] = 0.9  # the object, inside the mask
    mask = torch.zeros(8, 8)
    mask[2:6, 2:6] = 1
    layers = Layers(
        composite=picture,
        background=picture,
        subjects=[SubjectLayer(Subject("a white cube"), picture)],
        foregrounds=[picture],
        masks=[mask],
        attention_maps=[mask],
        seedlings=[],
        scene=Scene.from_data({"subjects": [Subject("a white cube")], "background": "green"}),
        noise_seed=1,
    )
    spread, closeness = three_stages.key_figures(layers)
    assert spread == pytest.approx(0, abs=1e-4)
    assert closeness == pytest.approx(1)


def test_a_sheet_of_few_pairs_has_their_own_labels(tmp_path: Path) -> None:
    for part in judged.PARTS:
        Image.new("RGB", (64, 64), "red").save(tmp_path / f"7-{part}.png")
    for pair, label in (
        (OneSubject("red", "apple", "a desert", 7), "7: a red apple, a desert"),
        (OneSubject("blue", "car", "the ocean", 7), "7: a blue car, the ocean"),
    ):
        judged.stages_sheet([pair], tmp_path, tmp_path / "sheet.png")
        expected = Image.new("RGB", (3 * judged.TILE, 14), "white")
        ImageDraw.Draw(expected).text((2, 2), label, "black")
        with Image.open(tmp_path / "sheet.png") as sheet:
            strip = sheet.crop((0, 0, *expected.size))
        np.testing.assert_array_equal(strip, expected)


def test_what_is_judged_can_be_said_in_json() -> None:
    lines = [{"right": judged.as_plain(np.bool_(i > 1)), "psnr": float(i)} for i in range(4)]
    told = judged.summary(lines)
    assert json.loads(json.dumps([told, lines]))[0] == told
    assert told["right"] == 0.5 and told["psnr_median"] == 1.5 and told["psnr_p95"] == 2.85


def test_how_far_two_results_are_apart_by_hand(tmp_path: Path) -> None:
    picture, mask = np.zeros((2, 2, 3), np.float32), np.array([[0.0, 1.0], [1.0, 1.0]])
    other, moved = picture.copy(), mask.copy()
    other[1, 0, 2], moved[0, 0] = 0.2, 1
    paths = tmp_path / "old.npz", tmp_path / "new.npz"
    for path, one, two in zip(paths, (picture, other), (mask, moved), strict=True):
        np.savez(path, **{"stages/background": one, "masks/mask0": two, "latents/noise0": one})
    old, new = map(np.load, paths)
    nothing = {"stages": 0, "latents": 0, "masks": 0, "layers": 0}
    assert recorded.apart(old, old) == nothing
    assert recorded.apart(old, new) == {**nothing, "stages": 51, "latents": 0.2, "masks": 1}


def test_every_fault_stands_once_in_the_code_and_its_tests_are_there() -> None:
    assert len(mutants.MUTANTS) == 30
    for one in (*mutants.MUTANTS, *mutants.BESIDE):
        code = (mutants.ROOT / f"src/taue/{one.where}.py").read_text(encoding="utf-8")
        assert code.count(one.was) == 1, one
        for test in one.tests:
            path, _, name = test.partition("::")
            assert f"def {name}" in (mutants.ROOT / path).read_text(encoding="utf-8"), test


def test_twenty_scenes_are_recorded_of_every_kind() -> None:
    assert len(recorded.CASES) == 20
    assert len({case.scheduler for case in recorded.CASES}) >= 8
    assert {len(case.subjects) for case in recorded.CASES} == {1, 2, 3, 4}
    assert any(case.move for case in recorded.CASES)
    assert any(case.other for case in recorded.CASES)


@pytest.mark.slow
def test_work_is_counted_as_the_network_does_it() -> None:
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    from benchmarks import counted
    from benchmarks.crew import load_quiet
    from taue import run

    pipe = load_quiet("paddy")
    tokens = pipe.encode_prompt("a")[0].shape[1]
    scene = counted.scene(1, "fast", counted.grid(2))
    scene = scene.model_copy(update={"method": scene.method.model_copy(update={"tries": 1})})
    with (
        sdpa_kernel(SDPBackend.MATH),  # torch does not count the CPU's own attention
        FlopCounterMode(display=False) as counter,
        counted.calls_written(pipe, tokens) as ledger,
    ):
        made = run.make(pipe, scene, ledger.stepped)
    spent = {one.stage: one.unet_evaluations for one in made.records if one.unet_evaluations}
    samples = {
        stage: sum(call.samples * times for call, times in calls.items())
        for stage, calls in ledger.calls.items()
    }
    together = samples.pop("composite + background")
    apart = ("composite", "background")
    assert sum(samples.pop(one) for one in apart) + together == sum(spent.pop(o) for o in apart)
    assert samples == spent
    bare = counted.Architecture.of(pipe.network.config, tokens)
    told = sum(
        bare.gflops(call) * times
        for calls in ledger.calls.values()
        for call, times in calls.items()
    )
    real = counter.get_flop_counts()["UNet2DConditionModel"]
    assert told == pytest.approx(sum(real.values()) / 1e9, rel=0.02)
