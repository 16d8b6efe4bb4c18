"""Nothing hangs: labels, prompts, moves, scene files, pipes in the place of files."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import ImageFont
from typer.testing import CliRunner

from taue import Box, Scene, Subject
from taue.bounds import LONGEST_PROMPT, MOST_MOVES, MOST_SUBJECTS
from taue.cli import app
from taue.errors import TaueError
from taue.models import PADDY, resolve, unknown_words
from taue.results.sheet import _shorten
from taue.scene import Request
from taue.scene.text import parse
from taue.seedling import Seedling
from taue.settings import Settings

ONE = 'background = "x"\n[[subjects]]\nprompt = "x"\n'
MEBIBYTE = 2**20


def test_a_label_is_shortened_at_once_to_what_fits() -> None:
    font = ImageFont.load_default(size=13)
    for label in ("x", "a red apple", "W" * 50, "i" * 300, "ein Name " * 10, "\u679c" * 100_000):
        began = time.perf_counter()
        short = _shorten(label, 256, font)
        assert time.perf_counter() - began < 1
        assert font.getlength(short) <= 256
        if short != label.strip():
            kept = short.removesuffix("...")
            assert label.startswith(kept)
            assert font.getlength(label[: len(kept) + 1] + "...") > 256


def request(**changes: object) -> Request:
    return Request.of(Settings(), **{"subjects": (Subject("x"),), "background": "y", **changes})


long = "x" * (LONGEST_PROMPT + 1)
box = Box(0, 0, 1, 1)
TOO_MUCH: dict[str, tuple[Callable[[], object], str]] = {
    "prompt": (lambda: Subject(long), "^prompt is 10001 characters long; shorten it to 10000"),
    "negative": (lambda: Subject("x", long), "^negative_prompt is 10001 characters long"),
    "moves": (lambda: Subject("x", moves=(box,) * 50_000), "^moves has 50000 boxes; give at most"),
    "background": (lambda: request(background=long), "^background is 10001 characters long"),
    "scene": (lambda: request(scene=long), "^scene is 10001 characters long"),
    "all negative": (lambda: request(negative_prompt=long), "^negative_prompt is 10001 char"),
    "subjects": (
        lambda: request(subjects=(Subject("x"),) * (MOST_SUBJECTS + 1)),
        "^subjects has 101 of them; give at most 100",
    ),
    "file prompt": (lambda: Scene.loads(ONE.replace("x", long), "toml"), "is 10001 characters"),
    "file moves": (
        lambda: Scene.loads(ONE + f"moves = [{'[0, 0, 1, 1],' * 50_000}]", "toml"),
        "moves has 50000 boxes; give at most 100",
    ),
    "file subjects": (
        lambda: Scene.loads(ONE + '[[subjects]]\nprompt = "x"\n' * MOST_SUBJECTS, "toml"),
        "subjects has 101 of them; give at most 100",
    ),
    "deep names": (lambda: parse(f"a{'.a' * (MEBIBYTE // 2 - 9)} = 1", "toml", ""), "too deeply"),
    "deep table": (lambda: parse(f"[{'a.' * 400_000}a]", "toml", ""), "too deeply"),
    "long number": (lambda: parse("1" * MEBIBYTE, "toml", ""), "not valid TOML"),
    "many names": (
        lambda: Scene.loads("\n".join(f"k{i} = 1" for i in range(100_000)), "toml"),
        "100002 problems, the first: k0 is unknown",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", TOO_MUCH)
def test_too_much_is_refused_at_once(name: str) -> None:
    make, says = TOO_MUCH[name]
    began = time.perf_counter()
    with pytest.raises(TaueError, match=says):
        make()
    assert time.perf_counter() - began < 10


def test_what_is_not_too_much_is_taken() -> None:
    longest, moves = "x" * LONGEST_PROMPT, (box,) * MOST_MOVES
    Subject(longest, longest, moves=moves)
    request(background=longest, scene=longest, subjects=(Subject("x"),) * MOST_SUBJECTS)
    dotted = '"' + "a." * 99 + '" # ' + "b." * 99
    assert parse(f"x = {dotted}\ny = '''{dotted}'''\n[a.b]\nc.d = 1.5", "toml", "")["a"] == {
        "b": {"c": {"d": 1.5}}
    }


def test_many_unknown_words_are_no_wait() -> None:
    began = time.perf_counter()
    found = unknown_words(PADDY, " ".join(f"{'x' * 40}{chr(97 + i % 26) * i}" for i in range(900)))
    assert len(found) == 900
    assert time.perf_counter() - began < 5


@pytest.mark.skipif(os.name == "nt", reason="pipes")
def test_a_pipe_is_no_file_to_wait_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model_index.json").write_text("{}")
    names = ("s.toml", "s.png", "s.psd", "s.ora", "report.json", "scene.toml", "vocabulary.json")
    for name in (*names, "model/vocabulary.json", "s.safetensors", "composite.png"):
        os.mkfifo(tmp_path / name)
    with pytest.raises(TaueError, match="is missing or no file"):
        Seedling.load("s.safetensors")
    assert unknown_words("./model", "x") == []
    assert resolve("./model").location == "model"
    for arguments in (
        ("scene", "s.toml"), ("scene", "s.png"), ("scene", "."), ("flatten", "s.psd"),
        ("flatten", "s.ora"), ("export", ".", "--psd", "x.psd"), ("judge", "."),
        ("generate", "s.toml", "--out", "o"),
        ("move", ".", "--subject=1", "--box=0,0,1,1", "--out=o"),
        ("generate", "--subject=x", "--background=y", "--model=s.safetensors", "--out=o"),
    ):  # fmt: skip
        done = CliRunner().invoke(app, list(arguments))
        assert done.exit_code == 2, arguments
        assert done.stderr.startswith("Error: ")
