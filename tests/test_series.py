"""Several results by one command: each is what a command of its own makes."""

from __future__ import annotations

import json
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from made_scenes import leftovers
from taue import Scene, run
from taue.bounds import MOST_RESULTS
from taue.cli import app
from taue.commands.series import series
from taue.errors import LittleMemoryError, TaueError
from taue.results.sheet import choice_sheet, choice_tile
from taue.scene.fields import LARGEST_SEED
from test_cli import assert_one_sentence, bytes_of

SCENE = """
model = {model}
seed = {seed}
background = "a dark beach"
steps = 2
{more}
[[subjects]]
prompt = "a red apple"
{subject}
[canvas]
width = 64
height = 64
[method]
tries = 1
"""


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(*arguments: Any) -> Result:
    return CliRunner().invoke(app, ["generate", *map(str, arguments), "--device", "cpu"])


def scene(name: str, model: Path | str, seed: int = 7, more: str = "", subject: str = "") -> str:
    text = SCENE.format(model=json.dumps(str(model)), seed=seed, more=more, subject=subject)
    Path(name).write_text(text)
    return name


def refused(arguments: Sequence[Any], says: str) -> None:
    done = call(*arguments, "--out", "out")
    assert (done.exit_code, done.stdout) == (2, "")
    assert_one_sentence(done.stderr)
    assert says in done.stderr
    assert not Path("out").exists()


@pytest.mark.slow
def test_seeds_in_a_row_are_what_single_runs_make(tiny_sdxl: Path, elsewhere: Path) -> None:
    done = call(scene("s.toml", tiny_sdxl, 11), "--count", 2, "--out", "out", "--json")
    assert done.exit_code == 0, done.stderr
    assert leftovers(elsewhere / "out") == ["0001", "0002", "sheet.png"]
    told = json.loads(done.stdout)
    assert told["paths"] == ["out/0001", "out/0002", "out/sheet.png"]
    assert "scene" not in told
    for number, one in enumerate(told["results"], 1):
        single = f"single-{number}"
        done = call("s.toml", "--seed", 10 + number, "--out", single, "--json")
        alone = json.loads(done.stdout)
        assert bytes_of(elsewhere / one["folder"]) == bytes_of(elsewhere / single)
        assert one["seed"] == 10 + number
        assert one["scene"] == alone["scene"]
        assert one["warnings"] == alone["warnings"]
        assert [Path(p).name for p in one["paths"]] == [Path(p).name for p in alone["paths"]]
        assert all(Path(path).exists() for path in one["paths"])
    with Image.open("out/sheet.png") as sheet:
        composites = [Image.open(f"out/000{n}/composite.png") for n in (1, 2)]
        labelled = [(f"000{n}  seed {10 + n}", c) for n, c in enumerate(composites, 1)]
        assert sheet.tobytes() == choice_sheet([choice_tile(*one) for one in labelled]).tobytes()


@pytest.mark.slow
def test_seeds_as_a_batch_are_what_single_runs_make(tiny_sdxl: Path) -> None:
    scene("s.toml", tiny_sdxl, 11)
    for out, size in (("alone", 1), ("together", 2)):
        done = call("s.toml", "--count", 3, "--batch-size", size, "--out", out)
        assert done.exit_code == 0, done.stderr
    assert "0001 to 0002 (of 3), seed 11 to 12" in done.stderr
    for number in (1, 2, 3):
        folders = [Path(out) / f"000{number}" for out in ("alone", "together")]
        one, other = (sorted(p.name for p in folder.rglob("*")) for folder in folders)
        assert one == other
        for name in ("composite.png", "background.png", "subject-1.png", "layers/2-subject-1.png"):
            a, b = (np.asarray(Image.open(folder / name), np.int16) for folder in folders)
            assert np.abs(a - b).max() <= 1
        assert Scene.load(folders[1]).seed == 10 + number
    refused(["s.toml", "--count", 2, "--batch-size", 0], "batch-size is 0; give a whole number")


@pytest.mark.slow
def test_several_scenes_in_order_and_again(tiny_sdxl: Path, elsewhere: Path) -> None:
    files = [
        scene("b.toml", tiny_sdxl, 3, 'scheduler = "ddim"'),
        scene("a.toml", tiny_sdxl, 5, "guidance_scale = 2"),
    ]
    done = call(*files, "--out", "out")
    assert done.exit_code == 0, done.stderr
    assert [line for line in done.stdout.splitlines() if line.startswith("out")] == [
        "out/0001",
        "out/0002",
        "out/sheet.png",
    ]
    assert Scene.load("out/0001").scheduler == "ddim"
    # The second has the model's own scheduler back.
    assert call(files[1], "--out", "single").exit_code == 0
    assert bytes_of(elsewhere / "out" / "0002") == bytes_of(elsewhere / "single")
    again = call(*files, "--out", "out")
    assert again.exit_code == 2
    assert "out 'out' exists already" in again.stderr
    fewer = call(files[0], "--count", 1, "--out", "out", "--overwrite")
    assert fewer.exit_code == 2
    assert "holds '0002', beyond the 1 that are made now" in fewer.stderr
    one = call(files[0], "--count", 1, "--out", "single", "--overwrite")
    assert "'single' is one result" in one.stderr
    (elsewhere / "out" / ".taue-0123456789abcdef").mkdir()  # what a killed run leaves
    (elsewhere / "out" / ".taue-0123456789abcdef" / "half.png").touch()
    done = call(files[1], "--count", 2, "--out", "out", "--overwrite", "--quiet")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "")
    assert leftovers(elsewhere / "out") == ["0001", "0002", "sheet.png"]
    assert bytes_of(elsewhere / "out" / "0001") == bytes_of(elsewhere / "single")
    assert Scene.load("out/0002").seed == 6


@pytest.mark.parametrize("count", [0, -1, MOST_RESULTS + 1, "many"])
def test_bad_counts_are_one_sentence(count: object, tiny_sdxl: Path) -> None:
    refused([scene("s.toml", tiny_sdxl), "--count", count], "count")
    files = [f"{i}.toml" for i in range(2)]
    refused([*files, "--count", MOST_RESULTS], "from 1 to 50 for 2 scenes")
    refused(["s.toml"] * (MOST_RESULTS + 1), f"give at most {MOST_RESULTS}")
    refused(["s.toml", "--count", 3, "--seed", LARGEST_SEED - 1], "above the largest seed")


@pytest.mark.slow
def test_all_scenes_are_looked_at_before_anything_runs(
    tiny_sdxl: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        pytest.fail("something ran")

    monkeypatch.setattr(run, "make_several", never)
    good = scene("good.toml", tiny_sdxl)
    refused([good, "missing.toml"], "missing.toml")
    refused([good, scene("s.toml", tiny_sdxl, more="steps_ = 3")], "s.toml: steps_ is unknown")
    refused([good, scene("s.toml", "paddy")], "model of scene 2 is not that of scene 1")
    lora = '[[loras]]\nname = "x.safetensors"\n'
    Path("x.safetensors").touch()
    refused([good, scene("s.toml", tiny_sdxl, subject=lora)], "loras of scene 2 is not")
    # What only the loaded model knows.
    refused([good, scene("s.toml", tiny_sdxl, more='scheduler = "edm euler"')], "scheduler")
    unfit = 'scheduler = "EDMEulerScheduler"'
    refused([good, scene("s.toml", tiny_sdxl, more=unfit)], "does not suit this model")
    tiny = "box = [0.1, 0.1, 0.01, 0.01]"
    refused([good, scene("s.toml", tiny_sdxl, subject=tiny)], "box of subject 1 is 0.64 x 0.64")


def test_seeds_follow_for_each_scene() -> None:
    subject = {"subjects": [{"prompt": "a ball"}], "background": "a beach"}
    scenes = [Scene.from_data({**subject, "seed": seed}) for seed in (3, 9)]
    made = series(scenes, 2)
    assert [one.seed for one in made] == [3, 4, 9, 10]
    assert made[3] == Scene.from_data({**subject, "seed": 10})


def test_the_sheet_takes_results_of_any_size() -> None:
    tiles = [
        choice_tile(str(i), Image.new("RGB", size, "red"))
        for i, size in enumerate([(64, 128), (1024, 512), (300, 300)])
    ]
    assert [tile.size for _, tile in tiles] == [(128, 256), (512, 256), (300, 300)]
    sheet = choice_sheet(tiles)
    assert sheet.width > 2 * 512 and sheet.height > 2 * 300
    red = sum(tile.width * tile.height for _, tile in tiles)
    assert (
        sum(count for count, colour in sheet.getcolors(9999) or () if colour == (255, 0, 0)) == red
    )


@pytest.mark.slow
@pytest.mark.parametrize("ends", [MemoryError, signal.SIGTERM], ids=str)
def test_what_is_finished_stays(
    ends: Any, tiny_sdxl: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = run.make_several

    def second_ends(pipe: Any, scenes: Sequence[Scene], **more: Any) -> Any:
        if scenes[0].seed == 7:
            return make(pipe, scenes, **more)
        if ends is MemoryError:
            raise MemoryError
        signal.raise_signal(ends)
        return pytest.fail("it went on")

    monkeypatch.setattr(run, "make_several", second_ends)
    done = call(scene("s.toml", tiny_sdxl), "--count", 3, "--out", "out")
    code, says = (2, "Error: memory ran out")
    if ends is not MemoryError:
        code, says = (143, "Terminated; what was written is whole.")
    assert done.exit_code == code
    assert done.stderr.splitlines()[-1].startswith(says)
    assert leftovers(elsewhere) == ["out", "s.toml"]
    assert leftovers(elsewhere / "out") == ["0001"]
    assert (elsewhere / "out" / "0001" / "report.json").is_file()


@pytest.mark.slow
def test_a_scene_that_fails_stops_no_other(
    tiny_sdxl: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, batches = run.make_several, list[int]()

    def second_fails(pipe: Any, scenes: Sequence[Scene], **more: Any) -> Any:
        batches.append(len(scenes))
        if len(scenes) == 2:
            raise LittleMemoryError("memory ran out.")
        if scenes[0].seed == 8:
            raise TaueError("seed 8 is unlucky.")
        return make(pipe, scenes, **more)

    monkeypatch.setattr(run, "make_several", second_fails)
    done = call(scene("s.toml", tiny_sdxl), "--count", 3, "--batch-size", 2, "--out", "out")
    assert done.exit_code == 2
    assert done.stderr.splitlines()[-2:] == [
        "Warning: not made: 0002; the others are whole.",
        "Error: seed 8 is unlucky.",
    ]
    assert batches == [2, 1, 1, 1]
    assert leftovers(elsewhere / "out") == ["0001", "0003"]
    assert Scene.load("out/0003").seed == 9
