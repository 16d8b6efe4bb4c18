"""`taue eval paper` rehearsed: a synthetic COCO folder, tiny models of all the real classes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from taue.cli import app
from taue.evaluation.grid import chosen
from taue.evaluation.plan import Plan, download, own_side
from taue.evaluation.rendered import write_rendered
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
    assert "taue: 360 UNet evaluations an item, 1080 in all" in lines
    total = 3 * (360 + 300 + 300 + 100 + 200 + 200 + 300)
    assert f"all methods: {total} UNet evaluations" in lines
    assert lines[-2] == f"hours: {total * 0.1 / 3600:.1f}"
    assert lines[-1] == (
        "layerdiffuse: left out, for its weights are not named; give --layerdiffuse"
    )
    assert not (tmp_path / "out").exists()
    assert "hours: unknown" in call(coco, tmp_path / "out", "--dry-run").stdout
    wrong = call(coco, tmp_path / "out", "--dry-run", "--method", "magic")
    assert wrong.exit_code == 2
    assert call(tmp_path, tmp_path / "out", "--dry-run").exit_code == 2


def test_the_whole_comparison_runs_and_goes_on(coco: Path, tiny_sdxl: Path, tmp_path: Path) -> None:
    options = [
        "--model", tiny_sdxl, "--steps", "2", "--width", "64", "--height", "64",
        "--prompt-model", save_phi(tmp_path / "phi"), "--clip", save_clip(tmp_path / "clip"),
        "--inception", save_inception(tmp_path / "inception"),
        "--alexnet", save_alexnet(tmp_path / "alexnet"), "--device", "cpu",
        "--method", "taue", "--method", "plain",
    ]  # fmt: skip
    out = tmp_path / "out"
    done = call(coco, out, *options)
    assert done.exit_code == 0, done.stderr
    assert done.stdout.count(", here\n") == 5
    page = (out / "table.md").read_text(encoding="utf-8")
    assert "| taue | 3 |" in page and "| plain | 3 |" in page
    columns = json.loads((out / "table.json").read_text())["runs"][1]["columns"]
    assert columns["fid"] is not None and columns["clip_s"] is not None
    with Image.open(out / "table.png") as grid:
        assert grid.size[0] == 640
    again = call(coco, out, *options)
    assert again.exit_code == 0
    assert again.stdout.count("0 made, 3 of 3 are there") == 2
    assert (out / "table.md").read_text(encoding="utf-8") == page


def test_the_grid_shows_the_best_the_middle_and_the_worst() -> None:
    rows = {str(i): {"psnr_fg": float(i)} for i in range(5)}
    assert chosen(rows) == ["4", "2", "0"]
    assert chosen({"a": {}}) == ["a"]
    assert chosen({"a": {}, "b": {"psnr_fg": 3.0}, "c": {}}) == ["b", "a", "c"]


def test_the_canvas_is_the_models_own(tiny_sdxl: Path) -> None:
    assert own_side("paddy") == 256
    assert own_side(str(tiny_sdxl)) == 128
    assert own_side("sdxl") == 1024


def test_a_plan_adds_up() -> None:
    plan = Plan(10, 64 * 64, {"a": 100, "b": 50}, [download("model", "some/model")])
    assert plan.total_evaluations == 1500
    assert plan.hours(2.4) == 1
    assert plan.disk == 10 * 2 * 64 * 64 * 25 / 1e9
    assert "model: some/model, size unknown" in plan.lines(None)
