"""SIGTERM, SIGKILL, Ctrl-C at the first line, and readers that leave."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from made_scenes import leftovers
from taue.disk.unfinished import UnfinishedFile, UnfinishedFolder, sweep
from taue.disk.writing import whole_file

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals")

# A shell's background jobs inherit that interrupts are ignored, so they are heeded again.
HEED = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
BEGUN = (
    "from taue.progress import StageProgress as P\nstep = P.__call__\n"
    "P.__call__ = lambda *a: (open('begun', 'w').close(), step(*a))[1]\n"
)
RUN = "from taue.__main__ import main; main()"
HOLD = (
    "import sys, time\nfrom taue.disk.writing import together\n"
    "with together() as writes:\n"
    "    with writes.folder('out') as folder, writes.file('file') as stream:\n"
    "        print('held', flush=True); time.sleep(600)"
)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def wish(model: Path, steps: int) -> list[str]:
    return [
        "generate", "--subject", "a red apple", "--background", "a beach", "--model", str(model),
        "--steps", str(steps), "--width", "64", "--height", "64", "--device", "cpu", "--out", "out",
    ]  # fmt: skip


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + 120
    while not path.exists() and process.poll() is None:
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.slow
def test_sigterm_cleans_up_like_an_interrupt(tiny_sdxl: Path, elsewhere: Path) -> None:
    arguments = [sys.executable, "-c", BEGUN + RUN, *wish(tiny_sdxl, 1000)]
    with subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True) as process:
        wait_for(elsewhere / "begun", process)
        process.send_signal(signal.SIGTERM)
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == 143
    assert stderr.splitlines()[-1] == "Terminated; nothing was written."
    assert leftovers(elsewhere) == ["begun"]


def test_an_interrupt_while_starting_is_one_line() -> None:
    code = HEED + (
        "import sys\nclass Finder:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'taue.cli': raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Finder())\n"
    )
    arguments = [sys.executable, "-c", code + RUN, "models"]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert done.returncode == 130
    assert done.stderr == "Interrupted; nothing was written.\n"


@pytest.mark.slow
@pytest.mark.parametrize("both", [False, True])
def test_work_is_kept_when_nobody_reads(both: bool, tiny_sdxl: Path, elsewhere: Path) -> None:
    arguments = [sys.executable, "-c", RUN, *wish(tiny_sdxl, 2)]
    reader, writer = os.pipe()
    os.close(reader)
    stderr = writer if both else subprocess.PIPE
    done = subprocess.run(arguments, stdout=writer, stderr=stderr, check=False)
    os.close(writer)
    assert done.returncode == 0, done.stderr
    assert (elsewhere / "out" / "report.json").exists()
    if not both:
        assert b"Traceback" not in done.stderr
        assert b"BrokenPipe" not in done.stderr


def test_leftovers_of_the_killed_are_swept_and_of_the_living_are_not(elsewhere: Path) -> None:
    arguments = [sys.executable, "-c", HOLD]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        held = leftovers(elsewhere)
        assert len(held) == 2
        with whole_file("one") as stream:
            stream.write(b"1")
        assert leftovers(elsewhere) == [*held, "one"]
        process.kill()
        process.wait()
    assert leftovers(elsewhere) == [*held, "one"]
    (elsewhere / ".taue-notes").touch()  # not one of ours
    with whole_file("two") as stream:
        stream.write(b"2")
    assert leftovers(elsewhere) == [".taue-notes", "one", "two"]


def test_sweeping_follows_no_link(elsewhere: Path) -> None:
    (elsewhere / "precious").mkdir()
    (elsewhere / "precious" / "file").touch()
    (elsewhere / ".taue-0123456789abcdef").symlink_to(elsewhere / "precious")
    sweep(elsewhere)
    assert (elsewhere / "precious" / "file").exists()
    for made in (UnfinishedFile(elsewhere), UnfinishedFolder(elsewhere)):
        sweep(elsewhere)
        assert made.path.exists()
        made.discard()
        assert not made.path.exists()
