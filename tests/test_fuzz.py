"""Every command and every file format under odd input, with one law.

The law: exit 0 or 2; on failure one line of error, nothing unforeseen, no trace, nothing
changed and nothing left. ``TAUE_FUZZ`` and ``TAUE_FUZZ_PROCESSES`` choose how many inputs;
``make fuzz`` takes 10,000 and 300.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from typer.testing import CliRunner

from batches import prepared, scenes_file, sleeping
from command_tree import ALL
from made_scenes import overlapping
from taue.batch.driver import drive
from taue.batch.engines import StoreInProcess
from taue.cli import app
from taue.files.layered import save
from taue.stack import exact

INPUTS = int(os.environ.get("TAUE_FUZZ", "500"))
PROCESSES = int(os.environ.get("TAUE_FUZZ_PROCESSES", "20"))

SCENE = (
    'background = "a beach"\nseed = 3\nsteps = 2\nmodel = "nothing"\n'
    '[canvas]\nwidth = 64\n[method]\nharmony = 0.5\n[[subjects]]\nprompt = "a red apple"\n'
    "box = [0.1, 0.2, 0.5, 0.5]\nmoves = [[0.0, 0.0, 0.5, 0.5]]\n"
)
FILES = ("s.toml", "s.json", "x.png", "x.psd", "x.ora", "r/report.json", "r/scene.toml",
         "r/composite.png", "r/subject-1.png", "m/model_index.json", "w.safetensors")  # fmt: skip
OPTIONS = {
    "generate": ("--subject", "--background", "--out", "--box", "--name", "--negative", "--scene",
                 "--seed", "--steps", "--guidance", "--crop-ratio", "--key", "--harmony", "--model",
                 "--revision", "--scheduler", "--device", "--dtype", "--width", "--height",
                 "--background-image", "--subject-image", "--init-image", "--strength",
                 "--count", "--lora", "--method", "--quality", "--clip-skip"),
    "scene": ("--schema",),
    "rebackground": ("--background", "--out", "--scene", "--box", "--device", "--dtype",
                     "--background-image"),
    "move": ("--subject", "--box", "--out", "--device", "--dtype"),
    "regrow": ("--subject", "--seed", "--add", "--box", "--name", "--remove", "--rename", "--order",
               "--from", "--out", "--device", "--dtype"),
    "export": ("--psd", "--ora", "--webp", "--mode"),
    "flatten": ("--out",),
    "judge": ("--out",),
    "models": (),
    "batch run": ("--shard", "--workers", "--attempts", "--keep", "--device", "--dtype"),
    "batch status": (),
    "batch audit": (),
    "batch retry": ("--shard", "--workers", "--attempts", "--keep", "--batch-size", "--dtype"),
    "batch export": ("--out", "--format", "--threshold"),
    "eval data paddy": ("--n", "--out", "--seed", "--size"),
    "eval generate": ("--data", "--method", "--out", "--steps", "--width", "--shard"),
    "eval score": ("--out", "--layers", "--data", "--require", "--inception", "--clip",
                   "--alexnet", "--common"),
    "eval data coco": ("--annotations", "--images", "--out", "--captions", "--prompts",
                       "--prompt-cache", "--min-area", "--max-second", "--seed"),
    "eval paper": ("--coco", "--split", "--method", "--steps", "--width", "--prompts",
                   "--min-area", "--ablation-pairs", "--factor", "--gpus", "--inception", "--clip",
                   "--evaluation-seconds"),
    "eval ablation": ("--data", "--method", "--factor", "--steps", "--width", "--workers",
                      "--shard", "--inception"),
    "eval capabilities": ("--data", "--method", "--steps", "--width"),
    "studio": ("--host", "--port", "--user", "--password", "--folder", "--keep-hours",
               "--keep-gib", "--largest", "--device", "--dtype"),
    "nonsense": (),
}  # fmt: skip
DRAW_BY_NONE = ("eval generate", "eval ablation", "eval capabilities", "studio")
"""Commands that end at a model that is none, before anything is drawn or served."""
ALWAYS = {
    "batch retry": ["--device", "cuda:99"],
    "eval paper": ["--out", "o", "--dry-run"],
    "eval ablation": ["--out", "o"],
    "eval capabilities": ["--out", "o"],
}
"""What keeps the others from a long way."""
FLAGS = ("--json", "--quiet", "--overwrite", "-h")
ODD = ("", " ", ".", "..", "-", "--", "~", "~nobody-here/x", "nul\0", "x" * 300, "\x1b[2J\x07",
       "[bold]", "\ud800", "\u202e", "1e-320", "nan", "inf", "-1", "0", "0x10", "9" * 5000, "1e999",
       "0,0,1,1", "0,0,1e-320,1", "1,1,1,1", "cuda:007", "cuda:1", "cpu", "missing.toml", "link",
       "pipe", "m", "r", "r/nope", "o", "p/q", "o.psd", "o.ora", "o.png", "2", "a red apple",
       "./nothing", "w.safetensors", "w.bin", "w.ckpt", "ScoreSdeVeScheduler", "auto",
       "scenes.jsonl", "store", "set", "psnr_healed=3", "webdataset", "parquet", "0.5", "1/2",
       "paddy")  # fmt: skip

argument = st.one_of(st.sampled_from((*FILES, *ODD)), st.text(max_size=20))
changes = st.lists(
    st.tuples(st.integers(0, 2**10), st.integers(0, 2**20), st.binary(max_size=12), st.booleans()),
    max_size=3,
)


@st.composite
def command_lines(draw: st.DrawFn) -> list[str]:
    """A command with arguments and options, most of them its own."""
    command = draw(st.sampled_from(list(OPTIONS)))
    line = [*command.split(), *draw(st.lists(argument, max_size=2))]
    if command == "batch run":
        line.append("--check")
    if command in DRAW_BY_NONE:
        line += ["--model", "./nothing"]
    line += ALWAYS.get(command, [])
    if command in ("generate", "rebackground", "move", "regrow"):
        line += ["--out", draw(st.sampled_from(("o", "p/q", "r", "x.png/o")))]
        # The model is none, so that nothing grows, however well the rest goes.
        line += ["--model", draw(st.sampled_from(("./nothing", "m", "w.safetensors", "w.bin")))][
            : 2 * (command == "generate")
        ]
    for option in draw(st.lists(st.sampled_from(OPTIONS[command] or ("--odd",)), max_size=4)):
        if option == "--schema":
            line.append(option)
        elif option != "--model":
            line += [option, draw(argument)]
    return line + draw(st.lists(st.sampled_from(FLAGS), max_size=2))


@functools.cache
def pristine() -> Path:
    """One of each kind of file that a command reads."""
    folder = Path(tempfile.mkdtemp(prefix="taue-fuzz-"))
    (folder / "s.toml").write_text(SCENE)
    from taue import Scene

    (folder / "s.json").write_text(Scene.loads(SCENE, "toml").dumps("json"))
    pictures = overlapping((64, 64))
    for ending in ("psd", "ora"):
        save(exact(pictures), folder / f"x.{ending}")
    (folder / "m").mkdir()
    (folder / "m" / "model_index.json").write_text("{}")
    (folder / "w.safetensors").write_bytes(b"\x08" + bytes(100))
    store, tasks = prepared(folder / "store", scenes_file(folder, 2))
    drive(store, tasks, StoreInProcess(store, sleeping()))
    CliRunner().invoke(
        app, ["eval", "data", "paddy", "--n", "2", "--size", "64", "--out", str(folder / "set")]
    )
    result = folder / "r"
    result.mkdir()
    for name, pixels in (
        ("composite", pictures.composite), ("background", pictures.background),
        ("subject-1", pictures.subjects[0]), ("foreground-1", pictures.composite),
    ):  # fmt: skip
        Image.fromarray(pixels).save(result / f"{name}.png")
    shutil.copy(result / "composite.png", folder / "x.png")
    shutil.copy(folder / "s.toml", result / "scene.toml")
    told = {"settings": {"subjects": [{"prompt": "a red apple"}], "background": "a beach"}}
    (result / "report.json").write_text(json.dumps(told))
    return folder


def prepare(folder: Path, spoilt: list[tuple[int, int, bytes, bool]]) -> None:
    shutil.copytree(pristine(), folder, dirs_exist_ok=True)
    there = sorted(path for path in folder.rglob("*") if path.is_file())
    if os.name != "nt":
        os.mkfifo(folder / "pipe")
        (folder / "link").symlink_to("s.toml")
    for number, place, piece, cut in spoilt:
        path = there[number % len(there)]
        data = path.read_bytes()
        at = place % (len(data) + 1)
        path.write_bytes(data[:at] + piece + (b"" if cut else data[at + len(piece) :]))


def content(folder: Path) -> dict[str, bytes | None]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


def hold(
    code: int, stderr: str, before: dict[str, bytes | None], folder: Path, most: int = 1
) -> None:
    """The law; ``most`` sentences at most say what is wrong."""
    assert code in (0, 2), (code, stderr)
    assert "Traceback" not in stderr and "not foreseen" not in stderr, stderr
    assert all(c.isprintable() or c == "\n" for c in stderr), ascii(stderr)
    after = content(folder)
    assert not [name for name in after if "/.taue-" in f"/{name}"]
    if code:
        sentences = stderr.splitlines(keepends=True)
        assert 1 <= len(sentences) <= most, stderr
        for one in sentences:
            assert one.startswith("Error: ") and one.endswith("\n"), stderr
            assert len(one) <= 401
        assert after == before


def test_every_command_is_among_them() -> None:
    assert {*OPTIONS} - {"nonsense"} == {" ".join(names) for names, _ in ALL}


@pytest.mark.slow
@settings(
    max_examples=INPUTS, deadline=None, derandomize=INPUTS == 500, database=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
@given(line=command_lines(), spoilt=changes)
def test_the_law_in_one_process(
    line: list[str], spoilt: list[tuple[int, int, bytes, bool]]
) -> None:
    here = Path.cwd()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder, spoilt)
        os.chdir(folder)
        try:
            before = content(folder)
            done = CliRunner().invoke(app, line)
            hold(done.exit_code, done.stderr, before, folder, said_at_most(line))
        finally:
            os.chdir(here)


@pytest.mark.slow
@settings(
    max_examples=PROCESSES, deadline=None, derandomize=PROCESSES == 20, database=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
@given(line=command_lines(), spoilt=changes)
def test_the_law_in_processes(line: list[str], spoilt: list[tuple[int, int, bytes, bool]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder, spoilt)
        before = content(folder)
        given = [os.fsencode(part.replace("\0", "")) if is_fs(part) else b"?" for part in line]
        done = subprocess.run(
            [sys.executable, "-m", "taue", *given], cwd=folder, capture_output=True, check=False,
            timeout=120, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        hold(done.returncode, done.stderr.decode(), before, folder, said_at_most(line))


def said_at_most(line: list[str]) -> int:
    """Sentences; a file of scenes that is checked has one for each of its first wrong lines."""
    return 20 if line[:2] == ["batch", "run"] and "--check" in line else 1


def is_fs(part: str) -> bool:
    """Whether a system can hand it to a process."""
    try:
        os.fsencode(part)
    except UnicodeEncodeError:
        return False
    return True
