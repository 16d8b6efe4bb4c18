"""The studio's parts, each alone: sessions, room, limits, the course of a run, its end."""

from __future__ import annotations

import asyncio
import errno
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from typer.testing import CliRunner

from taue import Scene, TauePipeline
from taue.cli import app
from taue.errors import TaueError
from taue.studio.actions import Actions
from taue.studio.course import UNKNOWN, Course
from taue.studio.errands import Errand, state
from taue.studio.forms import scene_asked
from taue.studio.guard import Guard
from taue.studio.kept_models import KeptModels
from taue.studio.limits import Limits
from taue.studio.sessions import INFO, RESULT, TOKEN, Sessions
from taue.studio.settings import ADVANCED, PAGE, offered
from taue.studio.sweeping import sweep_results

SCENE: dict[str, Any] = {"subjects": [{"prompt": "a red apple"}], "background": "a beach at sunset"}


def made(sessions: Sessions, token: str, size: int = 10, age: float = 0.0) -> Path:
    """A finished result of so many bytes and hours."""
    session = sessions.at(token)
    name, folder = session.new()
    (folder / "layers").mkdir(parents=True)
    (folder / "composite.png").write_bytes(b"x" * size)
    session.finish(name, {"id": name})
    then = (folder / INFO).stat().st_mtime - age * 3600
    os.utime(folder / INFO, (then, then))
    return folder


def test_sessions_are_kept_apart(tmp_path: Path) -> None:
    sessions = Sessions(tmp_path / "results")
    one, other = sessions.at(""), sessions.at("")
    assert TOKEN.fullmatch(one.token)
    assert one.token != other.token
    first, second = made(sessions, one.token), made(sessions, one.token)
    assert [told["id"] for told in one.history()] == [second.name, first.name]
    assert other.history() == []
    assert one.file(first.name, "composite.png") == first / "composite.png"
    with pytest.raises(TaueError, match="not in this session"):
        other.file(first.name, "composite.png")
    with pytest.raises(TaueError, match="not in this session"):
        other.remove(first.name)
    one.remove(first.name)
    assert [told["id"] for told in one.history()] == [second.name]
    assert not first.exists()
    assert (tmp_path / "results").stat().st_mode & 0o077 == 0


@given(
    st.one_of(st.text(), st.sampled_from(["../" * 4 + "etc/passwd", "..", "a/../..", "/", "\0"]))
)
def test_no_name_leads_out_of_a_session(
    tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    sessions = Sessions(tmp_path_factory.getbasetemp() / "names")
    session = sessions.at("0" * 32)
    kept = next(iter(session.folder.iterdir()), None) if session.folder.is_dir() else None
    kept = kept or made(sessions, session.token)
    (sessions.folder / "secret.png").write_bytes(b"")
    if not TOKEN.fullmatch(name) and name:
        with pytest.raises(TaueError, match="session is no token"):
            sessions.at(name)
    if not RESULT.fullmatch(name):
        with pytest.raises(TaueError):
            session.of(name)
    if name != "composite.png":
        with pytest.raises(TaueError):
            session.file(kept.name, name)
    with pytest.raises(TaueError):
        session.file(kept.name, "../../secret.png")


def test_links_and_what_the_page_is_told_are_not_handed_out(tmp_path: Path) -> None:
    sessions = Sessions(tmp_path / "results")
    session = sessions.at("")
    folder = made(sessions, session.token)
    (folder / "link.png").symlink_to("/etc/passwd")
    for name in ("link.png", INFO):
        with pytest.raises(TaueError, match="not in this result"):
            session.file(folder.name, name)


def test_old_results_make_room_by_age_and_size(tmp_path: Path) -> None:
    sessions = Sessions(tmp_path)
    old, kept = made(sessions, "0" * 32, age=30), made(sessions, "1" * 32, age=1)
    assert sweep_results(tmp_path, 24, 10**6) == [old]
    assert not old.parent.exists()  # an empty session goes, too
    larger = made(sessions, "1" * 32, size=5000)
    assert sweep_results(tmp_path, 24, 5050) == [kept]
    assert sweep_results(tmp_path, 24, 5050) == []
    assert larger.exists()
    unfinished = tmp_path / ("1" * 32) / ("a" * 16)
    unfinished.mkdir()
    assert sweep_results(tmp_path, 24, 0) == [larger]
    assert unfinished.exists()  # it is being written


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


@pytest.mark.parametrize("name", ["/etc/passwd", "../x.png", "pictures/../../x.png", "x", 3])
def test_own_pictures_are_named_and_never_paths(tmp_path: Path, name: Any) -> None:
    sessions = Sessions(tmp_path)
    session, other = sessions.at(""), sessions.at("")
    (tmp_path / "x.png").write_bytes(b"")
    for form in (
        {"background_image": name},
        {"init": {"image": name}},
        {"first_init": {"image": name}},
        {"subjects": [{"prompt": "a cup", "image": name}]},
    ):
        with pytest.raises(TaueError, match="not in this session"):
            scene_asked({**SCENE, **form, "seed": 1}, Limits(), session)  # pyright: ignore[reportArgumentType]
    kept = session.take(Image.new("RGB", (9, 9)))
    made_of: Any = {**SCENE, "background_image": kept}
    assert scene_asked(made_of, Limits(), session).background_image is not None
    for elsewhere in (other, None):
        with pytest.raises(TaueError, match=r"not in this session|picture of yours"):
            scene_asked(made_of, Limits(), elsewhere)


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


@pytest.mark.slow
def test_actions_make_move_and_remove(tmp_path: Path, tiny_sdxl: Path) -> None:
    limits = Limits(models=(str(tiny_sdxl),))
    actions = Actions(KeptModels("cpu", "auto"), Sessions(tmp_path), limits)
    scene: Any = {**SCENE, "steps": 2, "canvas": {"width": 64, "height": 64}}
    session = actions.new_session()
    states = list(actions.generate(scene, session))
    assert any(one["previews"] for one in states)
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
