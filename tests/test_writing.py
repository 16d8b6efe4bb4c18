"""Writing: exclusive, whole, all or none, never through a link, and no device is replaced.

Links, pipes and device nodes are made in a temporary folder; the machine's own are not touched.
"""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import taue
from taue.disk import unfinished
from taue.disk.writing import together, whole_file
from taue.errors import TaueError

pytestmark = pytest.mark.skipif(os.name == "nt", reason="links and pipes")


def leftovers(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def put(path: Path | str, content: bytes = b"new", *, parents: bool = True) -> None:
    with whole_file(path, parents=parents) as stream:
        stream.write(content)


def node(folder: Path, name: str, major: int, minor: int) -> Path:
    """A character device of our own, where that is allowed and can be opened."""
    path = folder / name
    try:
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(major, minor))
        os.close(os.open(path, os.O_WRONLY))
    except OSError as error:
        pytest.skip(f"no device nodes here: {error}")
    return path


def test_a_link_is_not_written_through(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"old")
    for link, goal in (("link", victim), ("dangling", tmp_path / "nowhere")):
        (tmp_path / link).symlink_to(goal)
        with pytest.raises(TaueError, match=r"is a link; name the file itself\.$"):
            put(tmp_path / link)
    assert victim.read_bytes() == b"old"
    assert leftovers(tmp_path) == ["dangling", "link", "victim"]
    os.link(victim, tmp_path / "second name")
    put(tmp_path / "second name")
    assert victim.read_bytes() == b"old"


def test_an_unfinished_name_that_is_taken_is_never_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"old")
    monkeypatch.setattr(unfinished.secrets, "token_hex", lambda _: "guessed")
    (tmp_path / ".taue-guessed").symlink_to(victim)
    with pytest.raises(TaueError, match="File exists"):
        put(tmp_path / "file")
    assert victim.read_bytes() == b"old"
    assert (tmp_path / ".taue-guessed").is_symlink()


def test_a_device_is_written_to_and_stays(tmp_path: Path) -> None:
    path = node(tmp_path, "null", 1, 3)
    put(path)
    (tmp_path / "link").symlink_to(path)
    put(tmp_path / "link")
    assert stat.S_ISCHR(path.lstat().st_mode)
    full = node(tmp_path, "full", 1, 7)
    with pytest.raises(TaueError, match=r"full' cannot be written .No space left"):
        put(full)
    assert stat.S_ISCHR(full.lstat().st_mode)
    assert leftovers(tmp_path) == ["full", "link", "null"]


def test_a_pipe_is_written_to_or_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(TaueError, match="pipe' cannot be written"):
        put(path)
    got: list[bytes] = []
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    os.set_blocking(reader, True)
    content = bytes(300_000)  # more than a pipe holds

    def read() -> None:
        while piece := os.read(reader, 65536):
            got.append(piece)

    thread = threading.Thread(target=read)
    with whole_file(path) as stream:
        thread.start()
        stream.write(content)
    thread.join()
    os.close(reader)
    assert b"".join(got) == content
    assert stat.S_ISFIFO(path.lstat().st_mode)


@pytest.mark.parametrize("name", ["-", "/dev/stdout"])
@pytest.mark.parametrize("redirected", [False, True])
def test_standard_output_is_written_to_even_if_it_is_a_file(
    name: str, redirected: bool, tmp_path: Path
) -> None:
    if name != "-" and not Path(name).is_symlink():
        pytest.skip("no such link here")
    link = name if name == "-" else str(tmp_path / "stdout")
    if name != "-":  # a link like the machine's own, which is not touched
        Path(link).symlink_to("/proc/self/fd/1")
    code = (
        "import sys\nfrom taue.disk.writing import whole_file\nprint('first')\n"
        "with whole_file(sys.argv[1]) as stream: stream.write(b'second')"
    )
    arguments = [sys.executable, "-c", code, link]
    if redirected:
        with (tmp_path / "goal").open("wb") as goal:
            subprocess.run(arguments, stdout=goal, check=True)
        told = (tmp_path / "goal").read_bytes()
    else:
        told = subprocess.run(arguments, stdout=subprocess.PIPE, check=True).stdout
    assert told == b"first\nsecond"
    if name != "-":
        assert Path(link).is_symlink()
        assert set(leftovers(tmp_path)) <= {"goal", "stdout"}


def test_nothing_is_changed_if_the_last_fails(tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.write_bytes(b"old")
    old.chmod(0o600)
    (tmp_path / "taken").mkdir()

    def write(fails: bool) -> None:
        with together() as writes:
            for name in ("old", "new", "deep/er/new"):
                with writes.file(tmp_path / name) as stream:
                    stream.write(b"written")
            with writes.folder(tmp_path / "much" / "deeper") as folder:
                (folder / "file").write_bytes(b"written")
            assert leftovers(tmp_path / "taken") == []
            if fails:
                with writes.file(tmp_path / "goal") as stream:
                    stream.write(b"written")
                (tmp_path / "goal").mkdir()  # somebody was faster

    with pytest.raises(TaueError, match="goal' cannot be written"):
        write(fails=True)
    assert leftovers(tmp_path) == ["goal", "old", "taken"]
    assert old.read_bytes() == b"old"
    write(fails=False)
    assert leftovers(tmp_path) == ["deep", "goal", "much", "new", "old", "taken"]
    assert old.read_bytes() == b"written"
    assert stat.S_IMODE(old.stat().st_mode) == 0o600
    assert leftovers(tmp_path / "much" / "deeper") == ["file"]


def test_what_can_be_no_path_is_one_sentence(tmp_path: Path) -> None:
    for name in ("~nobody-of-this-name/x", "nul\0byte", "x" * 300, "\ud800"):
        with pytest.raises(TaueError, match=r"^file '.*cannot be written .*choose another place"):
            put(name if name.startswith("~") else tmp_path / name)
    with pytest.raises(TaueError, match=r"nowhere/x' cannot be written .No such file"):
        put(tmp_path / "nowhere" / "x", parents=False)
    assert leftovers(tmp_path) == []


def test_one_room_alone_gives_names() -> None:
    source = Path(taue.__file__).parent
    renaming = re.compile(r"os\.replace\(|\.rename\(|shutil\.move\(|os\.renames?\(")
    found = {
        path.relative_to(source).parts[0]
        for path in source.rglob("*.py")
        if renaming.search(path.read_text(encoding="utf-8"))
    }
    assert found == {"disk"}
