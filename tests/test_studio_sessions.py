"""Where the studio keeps things: sessions apart, names that are never paths, room for the new."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from taue.errors import TaueError
from taue.studio.forms import scene_asked
from taue.studio.limits import Limits
from taue.studio.sessions import INFO, RESULT, TOKEN, Sessions
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
