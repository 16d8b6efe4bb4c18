"""The studio's parts, each alone: limits, the course of a run, its end, previews, the guard."""

from __future__ import annotations

import asyncio
import errno
import platform
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
from typer.testing import CliRunner

from taue import Scene, TauePipeline
from taue.cli import app
from taue.devices import Machine
from taue.effort import EFFORTS
from taue.errors import TaueError
from taue.studio import memory
from taue.studio.actions import Actions
from taue.studio.course import UNKNOWN, Course
from taue.studio.errands import Errand, state
from taue.studio.forms import scene_asked
from taue.studio.guard import Guard
from taue.studio.kept_models import KeptModels
from taue.studio.limits import Limits
from taue.studio.previews import Previews
from taue.studio.sessions import Sessions
from taue.studio.settings import ADVANCED, PAGE, offered

SCENE: dict[str, Any] = {"subjects": [{"prompt": "a red apple"}], "background": "a beach at sunset"}


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"model": "/etc"}, "model '/etc' is not served"),
        ({"revision": "main", "model": "paddy"}, "revision is not served"),
        ({"loras": [{"name": "/tmp/x.safetensors"}]}, "lora '/tmp/x.safetensors' is not served"),
        ({"steps": 151}, "steps is 151"),
        ({"canvas": {"width": 8192, "height": 8192}}, "2048 x 2048 pixels at most"),
        ({"canvas": {"width": 128}}, "belong together"),
        ({"subjects": [{"prompt": "a"}] * 9}, "takes 8 at most"),
        ({"subjects": [{"prompt": "a"}, {"prompt": ""}]}, "prompt of subject 2 is empty"),
        ({"sprout": 1}, "sprout"),
    ],
)
def test_a_server_makes_what_it_allows(changes: dict[str, Any], match: str) -> None:
    assert scene_asked(SCENE, Limits()).model == "paddy"  # pyright: ignore[reportArgumentType]
    with pytest.raises(TaueError, match=match):
        scene_asked({**SCENE, **changes}, Limits())  # pyright: ignore[reportArgumentType]


def test_the_course_of_a_run_ends_where_its_steps_do() -> None:
    scene = Scene.from_data({**SCENE, "steps": 10})
    clock = iter(float(second) for second in range(1000))
    course = Course.of(scene, clock=lambda: next(clock))
    assert course.left == UNKNOWN
    lefts: list[float] = []
    for (stage, subjects), one in list(course.stages.items()):
        for index in range(one.first, one.steps):
            course.step({"stage": stage, "subjects": subjects, "steps": one.steps}, index)
            lefts.append(course.left)
    assert all(one["done"] == 1 for one in course.forms())
    assert lefts[1] > lefts[-1] > 0
    course.step({"stage": "foreground", "subjects": (1,), "steps": 4}, 0)  # tried once more
    assert [one["stage"] for one in course.forms()].count("foreground") == 1


def test_a_run_tells_the_newest_and_its_end() -> None:
    def work(tell: Callable[[Any], None]) -> Any:
        for _ in range(3):
            tell(state("running"))
        return {"id": "a"}

    states = list(Errand(work).states())
    assert states[0]["state"] == "loading"
    assert states[-1]["result"] == {"id": "a"}


def test_a_run_that_nobody_reads_any_more_ends_within_a_step() -> None:
    ended, begun = threading.Event(), threading.Event()

    def work(tell: Callable[[Any], None]) -> Any:
        begun.set()
        try:
            while True:
                tell(state("running"))
                time.sleep(0.001)
        finally:
            ended.set()

    errand = Errand(work)
    states: Iterator[Any] = errand.states()
    next(states)
    begun.wait(5)
    states.close()  # pyright: ignore[reportAttributeAccessIssue]
    assert ended.is_set()
    errand = Errand(work)
    states = errand.states()
    next(states)
    errand.cancel()
    assert list(states)[-1]["state"] == "cancelled"


@pytest.mark.parametrize(
    ("error", "match"),
    [
        (TaueError("steps is 1; give more."), "steps is 1"),
        (OSError(errno.ENOSPC, "No space left on device"), "disk is full"),
        (MemoryError(), "memory ran out"),
        (KeyError("secret"), "not foreseen"),
    ],
)
def test_whatever_goes_wrong_is_a_sentence(error: Exception, match: str) -> None:
    def work(tell: Callable[[Any], None]) -> Any:
        raise error

    with pytest.raises(TaueError, match=match) as told:
        list(Errand(work).states())
    assert "secret" not in str(told.value)


@pytest.mark.slow
def test_callbacks_are_handed_what_latents_are_without_their_noise(tiny_sdxl: Path) -> None:
    pipe = TauePipeline.from_pretrained(tiny_sdxl)
    pipe.set_progress_bar_config(disable=True)
    seen: list[tuple[str, float]] = []

    def look(_: Any, index: int, timestep: Any, told: dict[str, Any]) -> dict[str, Any]:
        assert told["denoised"].shape == told["latents"].shape
        away = (told["denoised"] - told["latents"]).abs().max().item()
        seen.append((told["stage"], away))
        return told

    pipe("a red apple", "a beach", num_inference_steps=3, callback_on_step_end=look)
    assert all(away > 0 for _, away in seen[:2])
    assert seen[2][1] < 1e-3  # at the end nothing but the estimate is left


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="of glibc's allocator")
def test_what_a_run_leaves_is_given_back_to_the_system() -> None:
    def resident() -> int:
        return psutil.Process().memory_info().rss

    pieces = [b"x" * 50_000 for _ in range(2000)]  # 100 MB
    pinned = pieces[::20]  # nothing can be given back by itself
    pieces.clear()
    before = resident()
    memory.give_back()
    assert before - resident() > 50e6
    assert len(pinned) == 100


POOLS_OF_EIGHT_THREADS = """
import ctypes, runpy, sys, threading
runpy.run_path(sys.argv[1])["keep_few_pools"]()
there = threading.Barrier(8)

def work():
    kept = [b"x" * 9_000 for _ in range(9)]
    there.wait()
    return kept

threads = [threading.Thread(target=work) for _ in range(8)]
[one.start() for one in threads], [one.join() for one in threads]
libc = ctypes.CDLL(None)
libc.fopen.restype = ctypes.c_void_p
stream = ctypes.c_void_p(libc.fopen(sys.argv[2].encode(), b"w"))
libc.malloc_info(0, stream), libc.fclose(stream)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="of glibc's allocator")
def test_threads_share_few_pools_of_memory(tmp_path: Path) -> None:
    script = [sys.executable, "-c", POOLS_OF_EIGHT_THREADS]
    subprocess.run([*script, memory.__file__, tmp_path / "pools"], check=True)
    assert (tmp_path / "pools").read_text().count("<heap nr=") <= memory.POOLS


@pytest.mark.slow
def test_previews_of_a_window_say_where_it_is(tiny_sdxl: Path) -> None:
    pipe = TauePipeline.from_pretrained(tiny_sdxl)
    previews = Previews(pipe.backbone(64, 128))
    rows, columns = previews.backbone.shape[2:]
    whole, part = torch.zeros(1, 4, rows, columns), torch.zeros(2, 4, rows // 2, columns // 4)

    def boxes(latents: torch.Tensor, subjects: Any, corners: Any) -> list[list[float]]:
        previews.next = 0.0
        told = previews.of({"denoised": latents, "subjects": subjects, "corners": corners})
        return [one["box"] for one in told or []]

    assert boxes(whole, (), ((0, 0),)) == [[0, 0, 1, 1]]
    corners = ((rows // 4, columns // 2), (0, 0))
    assert boxes(part, (1, 2), corners) == [[0.5, 0.25, 0.25, 0.5], [0, 0, 0.25, 0.5]]


@pytest.mark.slow
def test_actions_make_move_and_remove(tmp_path: Path, tiny_sdxl: Path) -> None:
    limits = Limits(models=(str(tiny_sdxl),))
    actions = Actions(KeptModels(Machine("cpu")), Sessions(tmp_path), limits)
    scene: Any = {**SCENE, "steps": 2, "canvas": {"width": 64, "height": 64}}
    session = actions.new_session()
    states = list(actions.generate(scene, session))
    boxes = {tuple(shown["box"]) for one in states for shown in one["previews"]}
    assert boxes == {(0, 0, 1, 1)}
    result = states[-1]["result"]
    assert result is not None
    assert [layer["role"] for layer in result["layers"]] == ["background", "effects", "subject"]
    folder = tmp_path / session / result["id"]
    assert all((folder / layer["file"]).is_file() for layer in result["layers"])
    *_, last = actions.regrow(result["id"], session, [], "a meadow")
    assert last["result"] is not None
    assert last["result"]["scene"]["background"] == "a meadow"
    assert [one["id"] for one in actions.history(session)] == [last["result"]["id"], result["id"]]
    with pytest.raises(TaueError, match="not in this session"):
        next(iter(actions.regrow(result["id"], actions.new_session(), [], "a meadow")))
    with pytest.raises(TaueError, match="moves has one without a subject"):
        next(iter(actions.regrow(result["id"], session, [{"box": [0, 0, 1, 1]}])))  # pyright: ignore[reportArgumentType]
    with pytest.raises(TaueError, match="subject 4 is unknown"):
        next(iter(actions.regrow(result["id"], session, [{"subject": 4, "box": [0, 0, 1, 1]}])))
    assert actions.cancel(session) == 0
    actions.remove(result["id"], session)
    assert len(actions.history(session)) == 1


def through(guard: Guard, path: str = "/", **headers: str) -> int:
    """The status that a request gets."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": b""}

    told = [(name.replace("_", "-").encode(), text.encode()) for name, text in headers.items()]
    asyncio.run(guard({"type": "http", "path": path, "headers": told}, receive, send))
    return sent[0]["status"]


async def _hello(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})


def test_the_guard_knows_names_passwords_and_sizes() -> None:
    guard = Guard(_hello, ("127.0.0.1", "localhost", "::1"), ("me", "pässword"), 100)
    key = "Basic bWU6cMOkc3N3b3Jk"
    assert through(guard, host="localhost:7860", authorization=key) == 200
    assert through(guard, host="[::1]:7860", authorization=key) == 200
    assert through(guard, host="evil.example", authorization=key) == 421
    assert through(guard, host="localhost") == 401
    assert through(guard, host="localhost", authorization=key[:-1]) == 401
    assert through(guard, path="/health", host="localhost") == 200
    assert through(guard, host="localhost", authorization=key, content_length="101") == 413


def test_the_page_offers_what_there_is_and_is_small() -> None:
    told = offered(Limits())
    assert [one["path"] for one in told["advanced"]] == [path for path, *_ in ADVANCED]
    assert [one["name"] for one in told["qualities"]] == list(EFFORTS)
    for one in told["advanced"]:
        if one["kind"] == "number":  # a slider stands at its default
            steps = (one["default"] - one["low"]) / one["step"]
            assert steps == pytest.approx(round(steps)), one
            assert one["low"] <= one["default"] <= one["high"]
    for example in told["examples"]:
        scene_asked(example["scene"], Limits())
    assert sum(file.stat().st_size for file in PAGE.rglob("*")) < 300_000


def test_the_command_says_how_to_get_it_and_what_is_wrong() -> None:
    run = CliRunner().invoke
    done = run(app, ["studio"])
    assert done.exit_code == 2
    assert "pip install 'taue[studio]'" in done.stderr
    assert "user and password belong together" in run(app, ["studio", "--user", "me"]).stderr
    assert "is unknown; known are" in run(app, ["studio", "--model", "nothing-such"]).stderr


def test_both_lists_of_versions_agree_where_they_can() -> None:
    root = Path(__file__).parent.parent

    def versions(name: str) -> dict[str, str]:
        lines = (root / name).read_text(encoding="utf-8").splitlines()
        return dict(line.split("==") for line in lines if "==" in line)

    ours, studio = versions("constraints.txt"), versions("constraints-studio.txt")
    older = {"pillow", "pydantic", "pydantic-core", "tomlkit"}
    assert {name for name in ours.keys() & studio.keys() if ours[name] != studio[name]} == older
