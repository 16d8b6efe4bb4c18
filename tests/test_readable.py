"""Untrusted text: nothing that a terminal obeys, one line, not long; and the right cause."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.console import Console
from typer.testing import CliRunner, Result

from taue import Box, Scene, Subject
from taue.cli import app
from taue.errors import TaueError
from taue.paddy.judge.findings import Verdict
from taue.paddy.judge.told import verdict_table
from taue.progress import StageProgress
from taue.readable import LONGEST, quoted, readable
from taue.scene import Request
from taue.scene.subject import listed
from taue.scene.text import parse, write
from taue.settings import Settings

EVIL = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e\u200b[bold red]x[/] \ud800"


def call(*arguments: Any) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments])


def assert_harmless(text: str) -> None:
    assert all(c.isprintable() or c == "\n" for c in text), ascii(text)


anything = st.text(st.characters(exclude_categories=()), max_size=3000)


@given(anything, st.integers(20, 500))
@example("000000000 0\U00012544", 20)
def test_anything_becomes_one_harmless_line(text: str, most: int) -> None:
    line = readable(text, most)
    assert len(line) <= most
    assert "\n" not in line
    assert_harmless(line)
    assert readable(line, most) == line
    if text.isprintable() and len(text) <= most:
        assert line == " ".join(text.split())


def test_the_middle_is_cut_and_the_remedy_stays() -> None:
    error = TaueError("prompt is " + "x" * 10**7 + "; give less.")
    assert len(str(error)) == LONGEST
    assert str(error).startswith("prompt is x")
    assert str(error).endswith("x; give less.")


def test_any_value_is_quoted() -> None:
    for value in (10**5000, -(10**5000), [10**5000], "x" * 999, [[]] * 999, EVIL, None, 1.5):
        assert len(quoted(value)) <= 60
        assert_harmless(quoted(value))


@given(anything)
def test_a_scene_that_is_written_holds_no_escape_sequence_and_is_read_again(prompt: str) -> None:
    try:
        prompt.encode()
    except UnicodeEncodeError:
        return
    for form in ("toml", "json"):
        content = write({"prompt": prompt}, form)
        assert_harmless(content)
        assert parse(content, form, "") == {"prompt": prompt}


@pytest.mark.parametrize(
    "arguments",
    [
        ("scene", f"{EVIL}.toml"),
        ("generate", "--subject", "x", "--background", "y", "--out", "o", "--model", EVIL),
        ("generate", "--subject", "x", "--background", "y", "--out", "o", "--key", EVIL),
        ("generate", "--subject", "x", "--background", "y", "--out", "o", f"--{EVIL}"),
        ("generate", "--subject", "x", "--background", "y", "--out", "o", "--name", EVIL * 99),
        ("flatten", f"{EVIL}.psd"),
        ("export", EVIL, "--psd", "x.psd"),
        ("judge", EVIL * 20),
        (EVIL,),
    ],
)
def test_no_message_is_obeyed_by_a_terminal(arguments: tuple[str, ...], tmp_path: Path) -> None:
    done = call(*arguments)
    assert done.exit_code == 2
    assert done.stderr.count("\n") == 1
    assert len(done.stderr) <= LONGEST + 1
    assert_harmless(done.output)


def test_names_and_prompts_are_no_markup() -> None:
    console = Console(width=200, record=True, file=io.StringIO(), force_terminal=True)
    console.print(verdict_table(["[bold]name[/bold]", EVIL], [Verdict((), None, None)] * 2))
    with StageProgress(console, {(1,): ["[red]apple[/red]", EVIL]}, 2) as bars:
        bars(None, 0, 0, {"stage": "foreground", "subjects": (1,), "steps": 2})
    told = console.export_text()
    assert "[bold]name[/bold]" in told
    assert "[red]apple[/red]" in told
    assert_harmless(told)


def test_paths_on_standard_output_are_harmless(tmp_path: Path) -> None:
    from made_scenes import overlapping
    from taue.files.layered import save
    from taue.stack import exact

    path = tmp_path / "a\x1b[2Jb.ora"
    save(exact(overlapping()), path)
    done = call("flatten", path)
    assert done.exit_code == 0, done.stderr
    assert done.stdout == f"{tmp_path}/a\\x1b[2Jb.png\n"


@pytest.mark.slow
def test_a_terminal_without_unicode_is_no_error(tmp_path: Path) -> None:
    from made_scenes import overlapping
    from taue.files.layered import save
    from taue.stack import exact

    save(exact(overlapping()), tmp_path / "\u679c.ora")
    done = subprocess.run(
        [sys.executable, "-c", "from taue.cli import app; app()", "flatten", "\u679c.ora"],
        cwd=tmp_path, capture_output=True, check=False,
        env={"PYTHONPATH": ":".join(sys.path), "PYTHONIOENCODING": "ascii"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == b"\\u679c.png\n"


def request(**changes: Any) -> Request:
    return Request.of(Settings(), **{"subjects": (Subject("x"),), "background": "y", **changes})


MISSPELT: dict[str, Any] = {"negativ_prompt": "y"}


def test_the_cause_is_the_right_one() -> None:
    for make, says in (
        (lambda: request(background=["a", "b"]), r'^background is \["a", "b"\]; give a text'),
        (lambda: request(scene=5), "^scene is 5; give a text"),
        (lambda: Subject(7), "^prompt is 7; give a text"),
        (lambda: Subject(prompt=7), "^prompt is 7; give a text"),
        (lambda: Subject("x", box=(0, 0, 1, 1)), r"^box is \(0, 0, 1, 1\); give .* Box\("),
        (lambda: Subject("x", None, {"x": 0}), r"^box is \{'x': 0\}; give .* Box\("),
        (lambda: Subject("x", moves=Box(0, 0, 1, 1)), "^moves is .*; give a list"),
        (lambda: Subject("x", moves=((0, 0, 1, 1),)), r"^moves\[0\] is .*; give .* Box\("),
        (lambda: Subject("x", negative_prompt=5), "^negative_prompt is 5"),
        (lambda: Subject("x", **MISSPELT), "^negativ_prompt is unknown; did you mean nega"),
        (lambda: Box("0", 0, 1, 1), "^box .* needs four finite numbers"),
        (lambda: Box(10**400, 0, 1, 1), "^box .* needs four finite numbers"),
        (lambda: Settings(harmony=10**400), "^harmony is 100000.* 00000*; give"),
        (lambda: Settings(num_inference_steps=10**5000), "^num_inference_steps is a number of"),
        (lambda: Settings(key=["green"]), r"^key is \['green'\]; choose"),
        (lambda: listed(5), "^subjects is 5; give a list"),
        (lambda: Scene.loads(f"seed = 0x{'f' * 9000}", "toml"), "seed is a number of about"),
        (lambda: Scene.loads(f"steps = [0x{'f' * 9000}]", "toml"), "steps is a list"),
    ):
        with pytest.raises(TaueError, match=says):
            make()


def test_a_missing_folder_is_one_cause(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = call("judge", "nope")
    assert done.stderr == (
        "Error: folder 'nope' is no result of taue generate (it is missing or no folder); "
        "name a folder that it made.\n"
    )
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "report.json").write_text(json.dumps({"settings": {"subjects": [5]}}))
    assert "bad' is no result of taue generate (" in call("judge", "bad").stderr


def test_long_text_takes_no_time() -> None:
    began = time.perf_counter()
    readable("\x1b" * 10**7)
    assert time.perf_counter() - began < 1
