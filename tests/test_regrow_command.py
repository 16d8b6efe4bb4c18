"""``taue rebackground`` and ``taue move``: what they keep, change, refuse, and that it repeats."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from called import call, pictures_and_scene, worked
from taue import Box, Layers, Scene


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def made(tiny_sdxl: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A result with two subjects, the first of them named."""
    folder = tmp_path_factory.mktemp("regrown")
    (folder / "scene.toml").write_text(
        f"""
model = {json.dumps(str(tiny_sdxl))}
background = "desert"
steps = 4
[method]
tries = 1
[canvas]
width = 72
height = 96
[[subjects]]
name = "ball"
prompt = "a blue ball"
[[subjects]]
prompt = "a red apple"
box = [0.1, 0.3, 0.4, 0.5]
"""
    )
    worked("generate", folder / "scene.toml", "--out", folder / "first")
    return folder / "first"


@pytest.fixture
def first(made: Path, elsewhere: Path) -> Path:
    """A copy that a test may do harm to."""
    return Path(shutil.copytree(made, elsewhere / "first"))


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path))


@pytest.mark.slow
def test_another_background_repeats_from_its_own_scene(first: Path) -> None:
    worked("rebackground", first, "--background", "a dark meadow", "--out", "other")
    other = Path("other")
    for name in ("foreground-ball-cut.png", "foreground-2.png"):
        np.testing.assert_array_equal(pixels(first / name), pixels(other / name))
    assert (pixels(first / "composite.png") != pixels(other / "composite.png")).any()
    told = json.loads((other / "report.json").read_text())
    stages = [one["stage"] for one in told["stages"]]
    assert stages == ["composite", "background", "decode", "heal"]
    assert pixels(other / "subject-ball.png")[..., 3].any()
    for name in ("subject-ball.png", "subject-2.png"):
        shapes = [pixels(folder / name)[..., 3] for folder in (first, other)]
        np.testing.assert_array_equal(*shapes)
    worked("generate", other / "scene.toml", "--out", "again")
    assert pictures_and_scene(other) == pictures_and_scene(Path("again"))


@pytest.mark.slow
def test_moving_repeats_from_its_own_scene_however_often(first: Path) -> None:
    worked("move", first, "--subject", "ball", "--box", "0.5,0.5,0.4,0.4", "--out", "once")
    worked("move", "once", "--subject", "1", "--box", "0.1,0.1,0.3,0.3", "--out", "twice")
    scene = Scene.load("twice")
    assert scene.subjects[0].moves == (Box(0.5, 0.5, 0.4, 0.4), Box(0.1, 0.1, 0.3, 0.3))
    for name in ("foreground-2-cut.png", "foreground-2.png"):
        np.testing.assert_array_equal(pixels(first / name), pixels(Path("twice", name)))
    assert (pixels(first / "subject-ball.png") != pixels(Path("twice/subject-ball.png"))).any()
    worked("generate", "twice/scene.toml", "--out", "again")
    assert pictures_and_scene(Path("twice")) == pictures_and_scene(Path("again"))


@pytest.mark.slow
def test_a_background_may_come_with_new_boxes(first: Path) -> None:
    worked(
        "rebackground", first, "--background", "desert", "--box", "", "--box", "0.5,0.5,0.4,0.4",
        "--out", "other",
    )  # fmt: skip
    scene = Scene.load("other")
    assert [one.moves for one in scene.subjects] == [(), (Box(0.5, 0.5, 0.4, 0.4),)]


@pytest.mark.slow
def test_a_result_is_read_as_it_was_written(first: Path) -> None:
    layers = Layers.load(first)
    assert (
        layers.settings["noise_seed"]
        == json.loads((first / "report.json").read_text())["settings"]["noise_seed"]
    )
    assert [s.subject.prompt for s in layers.subjects] == ["a blue ball", "a red apple"]
    assert layers.subjects[0].image.mode == "RGBA"
    np.testing.assert_array_equal(layers.composite, pixels(first / "composite.png"))
    assert layers.seedlings[0].final is not None


BAD: dict[str, tuple[list[str], str]] = {
    "no such subject": (["move", "first", "--subject", "3", "--box", "0,0,1,1"], "subject is '3'"),
    "a box outside": (["move", "first", "--subject", "1", "--box", "0.9,0,1,1"], "box x and width"),
    "no box": (["move", "first", "--subject", "1", "--box", "left"], "box is 'left'"),
    "too few boxes": (
        ["rebackground", "first", "--background", "desert", "--box", "0,0,1,1"],
        "box is given 1 time for 2 subjects",
    ),
    "an empty background": (["rebackground", "first", "--background", " "], "background is empty"),
    "no result": (["rebackground", "nowhere", "--background", "desert"], "nowhere is missing"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_sentence_and_leaves_nothing(
    first: Path, elsewhere: Path, name: str
) -> None:
    arguments, expected = BAD[name]
    before = sorted(path.name for path in elsewhere.iterdir())
    done = call(*arguments, "--out", "new")
    assert done.exit_code == 2
    assert expected in done.output and done.output.startswith("Error: ")
    assert sorted(path.name for path in elsewhere.iterdir()) == before


@pytest.mark.slow
@pytest.mark.parametrize("harm", ["seedling", "report", "settings"])
def test_a_damaged_result_is_refused(first: Path, harm: str) -> None:
    if harm == "seedling":
        (first / "seedlings/subject-ball.safetensors").write_bytes(b"no tensors")
    else:
        (first / "report.json").write_text("{" if harm == "report" else "{}")
    done = call("rebackground", first, "--background", "desert", "--out", "new")
    assert done.exit_code == 2 and not Path("new").exists()
    assert "Traceback" not in done.output
