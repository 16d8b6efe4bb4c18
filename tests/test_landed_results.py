"""Result folders and scene files of an older version (see landed/README.md) are read today."""

from __future__ import annotations

import json
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from called import files, worked
from taue import Box, Layers, Scene

LANDED = Path(__file__).parent / "landed"
RESULTS = ("apple", "night", "left")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def old(name: str, tmp_path: Path) -> Iterator[Path]:
    """A copy of a folder, in which nothing changes."""
    folder = Path(shutil.copytree(LANDED / name, tmp_path / name))
    before = files(folder)
    yield folder
    assert files(folder) == before


def leaves(table: Any, *way: str | int) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Every value of a scene file and where it stands."""
    parts: Any = table.items() if isinstance(table, dict) else enumerate(table)
    for key, value in parts:
        if isinstance(value, dict | list) and value:
            yield from leaves(value, *way, key)
        else:
            yield (*way, key), value


def told(table: Any, way: tuple[str | int, ...]) -> Any:
    for key in way:
        table = table[key]
    return table


@pytest.mark.parametrize("name", [*(f"{one}/scene.toml" for one in RESULTS), "every-field.toml"])
def test_a_scene_file_says_what_it_said(name: str) -> None:
    path = LANDED / name
    now = json.loads(Scene.load(path).dumps("json"))
    old = list(leaves(tomllib.loads(path.read_text(encoding="utf-8"))))
    assert len(old) > 20
    for way, value in old:
        assert told(now, way) == value, way


@pytest.mark.parametrize("name", RESULTS)
def test_a_result_is_read_whole(name: str, old: Path) -> None:
    layers = Layers.load(old)
    assert layers.scene == Scene.load(old)
    assert layers.seedlings[0].final is not None and layers.seedlings[0].layer is not None
    np.testing.assert_array_equal(layers.subjects[0].image, Image.open(old / "subject-apple.png"))


@pytest.mark.parametrize("name", RESULTS)
def test_what_is_exported_shows_its_composite(name: str, old: Path) -> None:
    worked("export", old, "--psd", "new.psd", "--ora", "new.ora", "--webp", "new")
    for path in ("new.psd", "new.ora"):
        worked("flatten", path, "--out", "shown.png", "--overwrite")
        np.testing.assert_array_equal(Image.open("shown.png"), Image.open(old / "composite.png"))
    assert len(list(Path("new").iterdir())) == 3


@pytest.mark.parametrize("name", ["apple"])
def test_its_own_layered_files_are_flattened(name: str, old: Path) -> None:
    for ending in ("psd", "ora"):
        worked("flatten", old / f"layers.{ending}", "--out", f"{ending}.png")
        np.testing.assert_array_equal(
            Image.open(f"{ending}.png"), Image.open(old / "composite.png")
        )


CHANGES = {
    "rebackground": ("--background", "a green meadow"),
    "move": ("--subject", "apple", "--box", "0.4,0.3,0.5,0.5"),
    "regrow": ("--subject", "apple", "--seed", "9"),
}


@pytest.mark.slow
@pytest.mark.parametrize("command", CHANGES)
@pytest.mark.parametrize("name", RESULTS)
def test_it_is_changed_further(name: str, old: Path, command: str) -> None:
    worked(command, old, *CHANGES[command], "--out", "new")
    was, now = Layers.load(old), Layers.load("new")
    [before], [after] = was.scene.subjects, now.scene.subjects
    assert not np.array_equal(was.composite, now.composite)
    if command == "rebackground":
        assert (before, now.scene.background) == (after, "a green meadow")
        # Decoded anew, by a later version, which may sum in another order.
        cut, again = (np.asarray(one.cuts[0], np.int16) for one in (was, now))
        np.testing.assert_allclose(again, cut, atol=1)
    elif command == "move":
        assert after.moves == (*before.moves, Box(0.4, 0.3, 0.5, 0.5))
    else:
        assert after.seed == 9
        assert not np.array_equal(was.cuts[0], now.cuts[0])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["apple"])
def test_its_scene_is_made_again(name: str, old: Path) -> None:
    worked("generate", old, "--out", "new")
    assert Scene.load("new") == Scene.load(old)


@pytest.mark.slow
def test_they_are_judged(tmp_path: Path) -> None:
    folders = [Path(shutil.copytree(LANDED / name, tmp_path / name)) for name in RESULTS]
    before = [files(folder) for folder in folders]
    told = json.loads(worked("judge", *folders, "--json").stdout)
    assert len(told["results"]) == 3
    for folder, was in zip(folders, before, strict=True):
        now = files(folder)
        assert "judge" in json.loads(now.pop("report.json"))
        assert now == {name: data for name, data in was.items() if name != "report.json"}
