"""What every command does alike: JSON, silence, help, standard input, completion, overwriting."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner, Result

from command_tree import ALL
from made_scenes import leftovers, overlapping
from taue import __version__, devices
from taue.cli import COMMANDS, app
from taue.commands.deferred import Deferred
from taue.disk import exchange as exchanging
from taue.disk.writing import complete_folder, together, whole_file
from taue.errors import TaueError
from taue.files.layered import save
from taue.files.made import PICTURES, RESULT
from taue.stack import exact


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(*arguments: Any, given: str | None = None) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments], input=given)


SMALL = ("--steps", "2", "--width", "64", "--height", "64", "--device", "cpu")


def wish(model: Path, *more: Any) -> list[Any]:
    what = ("--subject", "a red apple", "--background", "a beach", "--model", model)
    return ["generate", *what, *SMALL, *more]


@pytest.mark.slow
@pytest.mark.parametrize(("names", "command"), ALL, ids=str)
def test_every_command_has_the_same_options(names: list[str], command: Any) -> None:
    options = {option for one in command.params for option in one.opts}
    assert {"--json", "--quiet", "-q"} <= options
    assert call(*names, "-h").stdout == call(*names, "--help").stdout != ""


@pytest.mark.parametrize("deferred", COMMANDS, ids=lambda one: one.name)
def test_the_overview_says_how_the_help_of_a_command_begins(deferred: Deferred) -> None:
    begins, *_ = deferred.whole.help.split("\n\n")
    assert deferred.help == " ".join(begins.split())
    assert deferred.name == deferred.whole.name


def test_every_command_that_makes_something_can_overwrite() -> None:
    able = {
        names[-1]
        for names, command in ALL
        if any("--overwrite" in one.opts for one in command.params)
    }
    assert able == {"generate", "rebackground", "move", "regrow", "export", "flatten", "judge"}


def test_libraries_are_quiet_whichever_command_imports_them(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They read it when they are imported, before any command has a say."""
    names = ("TRANSFORMERS_VERBOSITY", "DIFFUSERS_VERBOSITY")
    for name in names:
        monkeypatch.delenv(name, raising=False)
    done = call("eval", "paper", "--coco", elsewhere, "--out", "o", "--method", "x", "--dry-run")
    assert done.exit_code == 2 and "method is 'x'" in done.stderr
    assert [os.environ[name] for name in names] == ["error", "error"]


@pytest.mark.slow
def test_the_version_in_short_and_as_a_module() -> None:
    assert call("-V").stdout == f"taue {__version__}\n"
    done = subprocess.run(
        [sys.executable, "-m", "taue", "-V"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"taue {__version__}\n"


@pytest.mark.slow
def test_shells_complete_commands_options_and_values() -> None:
    def completed(line: str) -> list[str]:
        words = {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split(" ")) - 1)}
        done = subprocess.run(
            [sys.executable, "-c", "from taue.cli import app; app(prog_name='taue')"],
            env={**os.environ, "_TAUE_COMPLETE": "complete_bash", **words},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stdout.split()

    assert completed("taue gen") == ["generate"]
    assert "--background" in completed("taue generate --ba")
    assert completed("taue generate --dtype bf") == ["bfloat16"]


@pytest.mark.slow
def test_json_comes_alone_and_says_everything(tiny_sdxl: Path, elsewhere: Path) -> None:
    done = call(*wish(tiny_sdxl, "--out", "out", "--json"))
    assert done.exit_code == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["command"] == "generate"
    assert all(Path(path).exists() for path in told["paths"])
    assert {Path(path).name for path in told["paths"]} == set(leftovers(elsewhere / "out"))
    report = json.loads((elsewhere / "out" / "report.json").read_text())
    assert told["warnings"] == report["warnings"] != []
    assert told["seconds"] > 0
    assert told["scene"]["canvas"] == {"width": 64, "height": 64}


@pytest.mark.slow
def test_quiet_tells_errors_alone(tiny_sdxl: Path) -> None:
    done = call(*wish(tiny_sdxl, "--out", "out", "--quiet"))
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "")
    done = call(*wish(tiny_sdxl, "--out", "out", "-q"))
    assert done.exit_code == 2 and done.stderr.startswith("Error: out 'out' exists already")
    done = call("scene", "out", "--quiet")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "")


def test_a_scene_comes_from_standard_input(elsewhere: Path) -> None:
    text = 'background = "a beach"\n[[subjects]]\nprompt = "a red apple"\n'
    (elsewhere / "s.toml").write_text(text)
    toml, from_json = call("scene", "s.toml").stdout, call("scene", "s.toml", "--json").stdout
    assert call("scene", "-", given=text).stdout == toml
    assert call("scene", "-", given=f"\n {from_json}").stdout == toml
    for given, says in (
        ("", "is empty"),
        ("\udcff", "UTF-8"),
        ("{", "standard input is not valid"),
    ):
        done = CliRunner().invoke(app, ["scene", "-"], input=given.encode(errors="surrogateescape"))
        assert done.exit_code == 2 and says in done.stderr


@pytest.mark.slow
def test_generate_reads_standard_input(tiny_sdxl: Path) -> None:
    text = f'model = {json.dumps(str(tiny_sdxl))}\nbackground = "x"\n[[subjects]]\nprompt = "y"\n'
    done = call("generate", "-", *SMALL, "--out", "o", given=text)
    assert done.exit_code == 0, done.stderr
    assert Path("o/scene.toml").is_file()


@pytest.mark.slow
def test_a_result_is_replaced_whole_and_only_if_asked(tiny_sdxl: Path, elsewhere: Path) -> None:
    first = call(
        *wish(tiny_sdxl, "--out", "out", "--subject", "a ball", "--name", "a", "--name", "b")
    )
    assert first.exit_code == 0, first.stderr
    before = {path.name: path.stat().st_mtime_ns for path in Path("out").iterdir()}
    refused = call(*wish(tiny_sdxl, "--out", "out"))
    assert refused.exit_code == 2 and "exists already" in refused.stderr
    assert "--overwrite" in refused.stderr
    assert {path.name: path.stat().st_mtime_ns for path in Path("out").iterdir()} == before
    done = call(*wish(tiny_sdxl, "--out", "out", "--overwrite"))
    assert done.exit_code == 0, done.stderr
    assert "subject-1.png" in leftovers(elsewhere / "out")
    assert "subject-a.png" not in leftovers(elsewhere / "out")
    assert leftovers(elsewhere) == ["out"]
    done = call("rebackground", "out", "--background", "x", "--out", "out", "--overwrite")
    assert done.exit_code == 0, done.stderr
    (elsewhere / "out" / "notes.txt").write_text("mine")
    done = call(*wish(tiny_sdxl, "--out", "out", "--overwrite"))
    assert done.exit_code == 2
    assert "holds 'notes.txt', which taue did not make" in done.stderr
    assert (elsewhere / "out" / "notes.txt").read_text() == "mine"


def older(folder: Path) -> None:
    (folder / "raw").mkdir(parents=True)
    for name in ("composite.png", "raw/healed.png", "subject-old.png"):
        (folder / name).write_bytes(b"old")


@pytest.mark.parametrize("at_once", [True, False])
def test_folders_are_exchanged(
    at_once: bool, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not at_once:
        monkeypatch.setattr(exchanging, "_at_once", lambda *_: False)
    older(elsewhere / "out")

    def replace(fails: str) -> None:
        with together() as writes:
            with writes.folder("out", RESULT) as folder:
                (folder / "composite.png").write_bytes(b"new")
                if fails == "before":
                    raise RuntimeError
            with writes.file("goal") as stream:
                stream.write(b"new")
            (elsewhere / "goal").mkdir()  # it cannot take its name

    with pytest.raises(RuntimeError):
        replace("before")
    assert (elsewhere / "out" / "composite.png").read_bytes() == b"old"
    with pytest.raises(TaueError, match="goal"):
        replace("after")
    assert leftovers(elsewhere) == ["goal", "out"]
    assert leftovers(elsewhere / "out") == ["composite.png", "raw", "subject-old.png"]
    with complete_folder("out", RESULT) as folder:
        (folder / "composite.png").write_bytes(b"new")
    assert leftovers(elsewhere / "out") == ["composite.png"]
    assert leftovers(elsewhere) == ["goal", "out"]


@pytest.mark.skipif(os.name == "nt", reason="links")
def test_what_is_not_ours_is_not_replaced(elsewhere: Path) -> None:
    for name in ("raw/photo.cr2", "layers/0-background.webp", "composite.png/x", "notes"):
        out = elsewhere / name.replace("/", "-")
        (out / name).parent.mkdir(parents=True)
        (out / name).touch()
        with (
            pytest.raises(TaueError, match="which taue did not make"),
            complete_folder(out, RESULT),
        ):
            pass
        assert (out / name).exists()
    (elsewhere / "linked").mkdir()
    (elsewhere / "linked" / "composite.png").symlink_to(elsewhere / "notes")
    (elsewhere / "link").symlink_to(elsewhere / "linked")
    (elsewhere / "file").touch()
    for out in ("linked", "link", "file"):
        with pytest.raises(TaueError), complete_folder(out, RESULT):
            pass
    assert leftovers(elsewhere / "linked") == ["composite.png"]


def test_files_are_replaced_only_if_asked(elsewhere: Path) -> None:
    stack = exact(overlapping((64, 64)))
    save(stack, "x.ora")
    (elsewhere / "x.png").write_bytes(b"mine")
    done = call("flatten", "x.ora")
    assert done.exit_code == 2
    assert "out 'x.png' exists already; name another file, or add --overwrite." in done.stderr
    assert (elsewhere / "x.png").read_bytes() == b"mine"
    assert call("flatten", "x.ora", "--overwrite").exit_code == 0
    assert (elsewhere / "x.png").read_bytes() != b"mine"

    def write_late() -> None:
        with whole_file("late", replace=False) as stream:
            stream.write(b"new")
            (elsewhere / "late").write_bytes(b"theirs")  # somebody was faster

    with pytest.raises(TaueError, match="exists already"):
        write_late()
    assert (elsewhere / "late").read_bytes() == b"theirs"
    (elsewhere / "webp").mkdir()
    (elsewhere / "webp" / "0-background.webp").touch()
    with complete_folder("webp", PICTURES):
        pass
    assert leftovers(elsewhere / "webp") == []


def test_json_and_a_file_do_not_share_standard_output(elsewhere: Path) -> None:
    save(exact(overlapping((64, 64))), "x.ora")
    done = call("flatten", "x.ora", "--out", "-", "--json")
    assert done.exit_code == 2 and done.stdout == ""
    assert "out is '-', where --json prints" in done.stderr
    done = call("flatten", "x.ora", "--json")
    assert json.loads(done.stdout)["paths"] == ["x.png"]


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_on_a_cpu_is_warned_of(dtype: str, tiny_sdxl: Path) -> None:
    assert devices.unwise(torch.device("cpu"), torch.float32) is None
    assert devices.unwise(torch.device("cuda"), torch.float16) is None
    done = call(*wish(tiny_sdxl, "--out", "o", "--dtype", dtype, "--subject", "a ball"))
    assert done.exit_code == 0, done.stderr
    assert f"Warning: dtype {dtype} on a CPU is slow" in done.stderr
    assert "on a CPU" in json.loads(Path("o/report.json").read_text())["warnings"][0]
