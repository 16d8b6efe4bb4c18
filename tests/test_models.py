"""Names of models: where each leads, and one clear sentence where it leads nowhere."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from taue import models
from taue.errors import TaueError
from taue.models import Kind, Source, resolve, unknown_words, vocabulary


def make_folder(path: Path, words: object = None) -> Path:
    path.mkdir()
    (path / models.INDEX).write_text("{}")
    if words is not None:
        (path / models.VOCABULARY).write_text(json.dumps(words))
    return path


def test_a_known_name_is_a_folder_of_the_package_or_a_hub_id() -> None:
    assert models.PADDY.parts[-3:] == ("taue", "paddy", "model")
    assert resolve("sdxl") == Source(Kind.hub, "stabilityai/stable-diffusion-xl-base-1.0")


def test_the_embedded_model_needs_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(models.NAMED, "paddy", str(tmp_path / "model"))
    with pytest.raises(TaueError, match=r"model paddy lacks its files.*install"):
        resolve("paddy")
    folder = make_folder(tmp_path / "model")
    assert resolve("paddy") == Source(Kind.folder, str(folder))


def test_paths(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "model")
    assert resolve(folder) == Source(Kind.folder, str(folder))
    for name in ("one.safetensors", "three.SAFETENSORS"):
        (tmp_path / name).touch()
        assert resolve(str(tmp_path / name)) == Source(Kind.file, str(tmp_path / name))


def test_a_path_wins_over_a_hub_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert resolve("org/name") == Source(Kind.hub, "org/name")
    Path("org").mkdir()
    make_folder(Path("org/name"))
    assert resolve("org/name") == Source(Kind.folder, "org/name")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("", "empty"),
        ("  ", "empty"),
        ("pady", "'pady' is unknown; did you mean paddy"),
        ("SDXL1", "did you mean sdxl"),
        ("zzz", "known are paddy, paddy-dit and sdxl"),
        ("./missing", "./missing is missing; check the path of the folder"),
        ("/no/such/folder", "missing; check the path of the folder"),
        ("missing.safetensors", "missing; check the path of the checkpoint file"),
        ("some/missing.ckpt", "is of a format that can run code; give a .safetensors file"),
        ("empty", "not a diffusers folder; it has no model_index.json"),
        ("notes.txt", "neither a folder nor a .safetensors file"),
        ("x" * 5000, "unknown"),
        ("nul\0byte", "unknown"),
    ],
)
def test_names_that_lead_nowhere(
    name: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    Path("notes.txt").touch()
    with pytest.raises(TaueError) as failure:
        resolve(name)
    message = str(failure.value)
    assert message.startswith("model ")
    assert says in message
    assert message.endswith(".")
    assert "\n" not in message


def test_unknown_words_and_their_neighbours(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "m", ["a", "red", "apple", "beach", "at", "sunset", "car"])
    assert unknown_words(folder, "A red Apple, a beach at sunset (2)") == []
    assert unknown_words(folder, "a red aple; aple on the beech") == [
        ("aple", ["apple"]),
        ("on", []),
        ("the", []),
        ("beech", ["beach"]),
    ]
    assert unknown_words(folder, "") == []


def test_a_model_without_a_vocabulary_is_not_second_guessed(tmp_path: Path) -> None:
    assert vocabulary(make_folder(tmp_path / "m")) is None
    assert unknown_words(tmp_path / "m", "xyzzy") == []
    assert unknown_words("sdxl", "xyzzy") == []


@pytest.mark.parametrize("words", [{"a": 1}, [1, 2], "abc"])
def test_a_vocabulary_that_is_none(words: object, tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "m", words)
    with pytest.raises(TaueError, match="not a list of words"):
        vocabulary(folder)
    (folder / models.VOCABULARY).write_text("{")
    with pytest.raises(TaueError, match="cannot be read"):
        vocabulary(folder)


def test_resolving_needs_no_torch() -> None:
    code = "import sys, taue.models; taue.models.resolve('sdxl'); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
