"""`taue eval paper` rehearsed: a synthetic COCO folder, tiny models of all the real classes."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import huggingface_hub
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner, Result

from taue import Box, Subject, TauePipeline
from taue.cli import app
from taue.commands.workers import ProcessOptions, run_together
from taue.errors import TaueError
from taue.evaluation import plan
from taue.evaluation.ablation import asked_variants
from taue.evaluation.dataset import first_pairs, read_data
from taue.evaluation.grid import chosen
from taue.evaluation.methods import METHODS
from taue.evaluation.methods.base import counting
from taue.evaluation.plan import Plan, download, own_side
from taue.evaluation.rendered import write_rendered
from taue.settings import Settings
from tiny_networks import save_alexnet, save_clip, save_inception
from tiny_phi import save_phi

COUNT = 3


@pytest.fixture(scope="module")
def coco(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder laid out as MS-COCO's."""
    rendered = tmp_path_factory.mktemp("data") / "paddy"
    write_rendered(rendered, COUNT, seed=4, side=64)
    folder = tmp_path_factory.mktemp("coco")
    (folder / "annotations").mkdir()
    shutil.copy(rendered / "annotations.json", folder / "annotations/instances_val2017.json")
    captions = [{"image_id": i, "caption": "a red apple"} for i in range(1, COUNT + 1)]
    path = folder / "annotations/captions_val2017.json"
    path.write_text(json.dumps({"annotations": captions}))
    shutil.copytree(rendered / "images", folder / "val2017")
    return folder


def call(coco: Path, out: Path, *more: str | Path) -> Result:
    options = ["--coco", coco, "--out", out, "--min-area", "0", *more]
    return CliRunner().invoke(app, ["eval", "paper", *map(str, options)])


def test_a_dry_run_says_what_it_takes_and_does_nothing(coco: Path, tmp_path: Path) -> None:
    done = call(coco, tmp_path / "out", "--dry-run", "--evaluation-seconds", "0.1")
    assert done.exit_code == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[:2] == [f"pairs: {COUNT}", "model: sdxl, 6.94 GB to fetch"]
    assert "prompts: microsoft/Phi-3-mini-4k-instruct, 7.64 GB to fetch" in lines
    assert "plain: 100 UNet evaluations an item, 300 in all" in lines
    assert "taue: 151 UNet evaluations an item, 453 in all" in lines
    assert 'FID: not named, so "-"; give --inception' in lines
    total = 3 * (151 + 300 + 300 + 100 + 200 + 200 + 300)
    cells = [one.base for one in asked_variants(None, None)]
    small = 3 * sum(151 if base == "taue" else 300 for base in cells)
    assert f"ablation: {len(cells)} runs, 3 pairs each, {small} UNet evaluations in all" in lines
    total += small
    assert f"everything: {total} UNet evaluations" in lines
    assert lines[-2] == f"hours: {total * 0.1 / 3600:.1f}"
    assert lines[-1] == (
        "layerdiffuse: left out, for its weights are not named; give --layerdiffuse"
    )
    assert not (tmp_path / "out").exists()
    shorter = call(coco, tmp_path / "out", "--dry-run").stdout
    assert f"hours: about {total * 0.032 / 3600:.1f} of drawing, if all GPUs" in shorter
    assert "hours: unknown" in call(coco, tmp_path / "out", "--dry-run", "--model", "paddy").stdout
    wrong = call(coco, tmp_path / "out", "--dry-run", "--method", "magic")
    assert wrong.exit_code == 2
    assert call(tmp_path, tmp_path / "out", "--dry-run").exit_code == 2


def test_a_dry_run_fetches_nothing(
    coco: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetched(*_: object, **__: object) -> None:
        raise AssertionError("asked the hub")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fetched)
    given = ["--layerdiffuse", "some/weights", "--clip", "some/clip", "--alexnet", "no/where.pth"]
    done = call(coco, tmp_path / "out", "--dry-run", *given)
    assert done.exit_code == 0, done.stderr
    assert "LayerDiffuse: some/weights, to fetch, size unknown" in done.stdout
    assert "CLIP-I and CLIP-S: some/clip, to fetch, size unknown" in done.stdout
    assert "LPIPS: no/where.pth, to fetch" in done.stdout  # may be a hub's name
    nowhere = call(coco, tmp_path / "out", "--dry-run", "--alexnet", "./no/where.pth")
    assert "LPIPS: ./no/where.pth, missing" in nowhere.stdout


def test_what_the_hubs_cache_has_is_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "try_to_load_from_cache", lambda name, file: f"{name}/{file}")
    assert str(download("model", "sdxl")) == "model: sdxl, here"
    assert str(download("model", "some/model")) == "model: some/model, here"
    monkeypatch.setattr(plan, "try_to_load_from_cache", lambda *_: None)
    half, whole = (download("model", "sdxl", dtype=d).gigabytes for d in ("float16", "float32"))
    assert half is not None and whole == 2 * half


def test_what_is_not_to_be_had_is_said_before_anything_is_drawn(
    coco: Path, tiny_sdxl: Path, tmp_path: Path
) -> None:
    prompts, out = tmp_path / "prompts.jsonl", tmp_path / "out"
    words = {"foreground": "a red apple", "background": "a desert", "scene": "a red apple"}
    prompts.write_text(json.dumps({"annotation": 1, **words}) + "\n")
    options = [
        "--model", tiny_sdxl, "--steps", "2", "--width", "64", "--height", "64", "--device", "cpu",
        "--prompts", prompts, "--method", "plain", "--ablation-pairs", "0",
    ]  # fmt: skip
    done = call(coco, out, *options, "--alexnet", "./no/where.pth")
    assert done.exit_code == 2 and "alexnet" in done.stderr
    assert not out.exists()
    assert call(coco, out, *options).exit_code == 0
    other = call(coco, out, *options, "--max-second", "0.9")
    assert other.exit_code == 2
    assert "max-second is 0.9, and the data set that out has is of 0.25" in other.stderr


@pytest.mark.slow
@pytest.mark.parametrize("steps", [4, 25])
def test_evaluations_are_foreseen(steps: int, coco: Path, tiny_sdxl: Path) -> None:
    pipe = TauePipeline.from_pretrained(str(tiny_sdxl))
    for base in ("taue", "paper"):
        settings = replace(Settings.of(base), num_inference_steps=steps, tries=1)
        with counting(pipe.network) as count:
            generator = torch.Generator().manual_seed(1)
            subject = Subject("a red apple", box=Box(0.2, 0.2, 0.6, 0.6))
            pipe([subject], "a desert", generator=generator, settings=settings)
        assert METHODS[base].evaluations(steps) == pytest.approx(count[0], rel=0.15)


@pytest.mark.slow
def test_the_whole_comparison_runs_and_goes_on(coco: Path, tiny_sdxl: Path, tmp_path: Path) -> None:
    options = [
        "--model", tiny_sdxl, "--steps", "2", "--width", "64", "--height", "64",
        "--prompt-model", save_phi(tmp_path / "phi"), "--clip", save_clip(tmp_path / "clip"),
        "--inception", save_inception(tmp_path / "inception"),
        "--alexnet", save_alexnet(tmp_path / "alexnet"), "--device", "cpu",
        "--method", "taue", "--method", "plain", "--ablation-pairs", "1", "--factor", "filter",
    ]  # fmt: skip
    out = tmp_path / "out"
    done = call(coco, out, *options)
    assert done.exit_code == 0, done.stderr
    assert done.stdout.count(", here\n") == 5 and "not named" not in done.stdout
    page = (out / "table.md").read_text(encoding="utf-8")
    assert "| taue | 3 |" in page and "| plain | 3 |" in page
    columns = json.loads((out / "table.json").read_text())["runs"][1]["columns"]
    assert columns["fid"] is not None and columns["clip_s"] is not None
    with Image.open(out / "table.png") as grid:
        assert grid.size[0] == 640
    whole = (out / "page.md").read_text(encoding="utf-8")
    assert whole.startswith(page) and "](table.png)" in whole
    assert "# Ablation: one factor at a time" in whole and "| **paper** | 1 |" in whole
    own = (out / "ablation/ablation.md").read_text(encoding="utf-8")
    assert "| box IoU | LPIPS fg | LPIPS bg | CLIP-I | CLIP-S | FID |" in own
    for sheet in ("paper", "paper-layout", "taue"):
        picture = f"figures/ablation-{sheet}-crop.png"
        assert f"](ablation/{picture})" in whole and f"]({picture})" in own
        assert (out / "ablation" / picture).is_file()
    assert "| **paper-layout** | 1 |" in whole
    again = call(coco, out, *options)
    assert again.exit_code == 0
    assert again.stdout.count("0 made, 3 of 3 are there") == 2
    assert again.stdout.count("0 made, 1 of 1 are there") == 9
    assert (out / "table.md").read_text(encoding="utf-8") == page


@pytest.mark.slow
def test_two_processes_draw_what_one_does(coco: Path, tiny_sdxl: Path, tmp_path: Path) -> None:
    prompts = tmp_path / "prompts.jsonl"
    words = {"foreground": "a red apple", "background": "a desert", "scene": "a red apple"}
    prompts.write_text(
        "".join(json.dumps({"annotation": i, **words}) + "\n" for i in range(1, COUNT + 1))
    )
    options = [
        "--model", tiny_sdxl, "--steps", "2", "--width", "64", "--height", "64", "--device", "cpu",
        "--prompts", prompts, "--method", "plain", "--ablation-pairs", "0",
    ]  # fmt: skip
    one, two = tmp_path / "one", tmp_path / "two"
    assert call(coco, one, *options).exit_code == 0
    done = call(coco, two, *options, "--gpus", "2")
    assert done.exit_code == 0, done.stderr
    for path in (one / "runs").rglob("*.png"):
        assert path.read_bytes() == (two / path.relative_to(one)).read_bytes()
    logs = [(two / f"logs/plain/{i}.txt").read_text() for i in (1, 2)]
    assert sorted(log.splitlines()[-1].split(" made")[0] for log in logs) == ["1", "2"]


@pytest.mark.slow
def test_a_worker_that_fails_says_why_and_stops_the_others(tmp_path: Path) -> None:
    """Whichever fails first is named, never one that was stopped for it and says "Terminated"."""
    failing = ["eval", "generate", "--data", "nowhere", "--out", str(tmp_path / "a")]
    slow = ["--subject", "an apple", "--background", "a desert", "--steps", "900"]
    waiting = ["generate", *slow, "--out", str(tmp_path / "b")]
    for number, commands in ((1, [failing, waiting]), (2, [waiting, failing])):
        logs = [tmp_path / f"logs{number}" / f"{i}.txt" for i in (1, 2)]
        said = rf"worker {number} of 2 failed: .*nowhere.* is no evaluation set"
        with pytest.raises(TaueError, match=said):
            run_together(commands, logs)


@pytest.mark.slow
def test_more_processes_than_gpus_are_refused(
    coco: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    for more, sentence in (
        (["--gpus", "2"], "gpus is 2 and this machine has 1"),
        (["--gpus", "0"], "gpus is 0; give 1 at least"),
        (["--ablation-pairs", "-1"], "ablation-pairs is -1; give 0 at least"),
        (["--factor", "hue"], "factor is 'hue'"),
    ):
        done = call(coco, tmp_path / "out", "--model", "paddy", *more)
        assert done.exit_code == 2
        assert sentence in done.stderr
        assert not (tmp_path / "out").exists()
    crew = ProcessOptions(2, "auto", tmp_path)
    assert [crew.device_of(number) for number in (1, 2)] == ["cuda:0", "cuda:1"]
    assert ProcessOptions(1, "auto", tmp_path).device_of(1) == "auto"


def test_the_grid_shows_the_best_the_middle_and_the_worst() -> None:
    rows = {str(i): {"psnr_fg": float(i)} for i in range(5)}
    assert chosen(rows) == ["4", "2", "0"]
    assert chosen({"a": {}}) == ["a"]
    assert chosen({"a": {}, "b": {"psnr_fg": 3.0}, "c": {}}) == ["b", "a", "c"]


def test_the_canvas_is_the_models_own(tiny_sdxl: Path) -> None:
    assert own_side("paddy") == 256
    assert own_side(str(tiny_sdxl)) == 128
    assert own_side("sdxl") == 1024


@pytest.mark.parametrize("name", ["~nobody-here/x", "x" * 300, "nul\0"])
def test_what_can_be_no_path_is_not_here(name: str) -> None:
    assert download("clip", name).gigabytes is None


def test_a_plan_adds_up() -> None:
    small = Plan(10, 64 * 64, {"a": 100, "b": 50}, [download("model", "some/model")])
    assert small.total_evaluations == 1500
    assert small.hours(2.4) == 1
    assert small.disk == 10 * 2 * 64 * 64 * 25 / 1e9
    more = replace(small, ablation_pairs=4, ablation_evaluations=100, ablation_runs=2)
    assert more.total_evaluations == 1900 and more.hours(3.6, 2) == 0.95
    assert more.disk == (10 * 2 + 4 * 2) * 64 * 64 * 25 / 1e9
    assert "ablation: 2 runs, 4 pairs each, 400 UNet evaluations in all" in more.lines(None)
    assert replace(more, ablation_pairs=99).few == 10
    assert not any("ablation" in line for line in small.lines(1.0))
    assert "model: some/model, to fetch, size unknown" in small.lines(None)


def test_the_first_pairs_are_a_set(coco: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    write_rendered(data, COUNT, seed=4, side=64)
    read, out = read_data(data), tmp_path / "few"
    assert first_pairs(read, COUNT, out) == data and not out.exists()
    for _ in range(2):
        few = read_data(first_pairs(read, 2, out))
        assert few.pairs == read.pairs[:2]
        assert few.about.counts[-1].pictures == 2
    with pytest.raises(TaueError, match="has other pairs; remove it"):
        first_pairs(read, 1, out)
