"""All writing goes through here: what is written together appears together and whole, or not.

Files and folders are made under random names beside their goals, exclusively, flushed and renamed
at the end; what was there before comes back if a later one fails. No link is written through, and
what is no regular file (a pipe, ``/dev/null``, ``-`` for standard output) is written to last and
never replaced.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from taue.disk.held import Lock
from taue.disk.paths import expanded
from taue.disk.streams import STANDARD, Stream, special
from taue.disk.unfinished import PREFIX, UnfinishedFile, UnfinishedFolder, random_name, sweep, sync
from taue.errors import TaueError

Named = str | os.PathLike[str]


_put: list[Path] = []


def names_taken() -> int:
    """How many files and folders this process has put in their places, for good, so far."""
    return len(_put)


@contextmanager
def whole_file(path: Named, *, parents: bool = True) -> Iterator[BinaryIO]:
    """Yield a file to write; it takes its name, in place of an older one, when the block ends well.

    If the block raises (a full disk, an interrupt) or the process ends, what was there before is
    there still.

    Args:
        path: the file; "-" or what is no regular file is written to at the end.
        parents: whether missing folders above it are made.

    Raises:
        TaueError: if the file cannot be written.
    """
    with together() as writes, writes.file(path, parents=parents) as stream:
        yield stream


@contextmanager
def complete_folder(path: Named) -> Iterator[Path]:
    """Yield a folder to fill; it takes its name ``path`` when the block ends well.

    If the block raises (an interrupt included), whatever it wrote is removed.

    Raises:
        TaueError: if ``path`` cannot be written, or was made by somebody else meanwhile.
    """
    with together() as writes, writes.folder(path) as folder:
        yield folder


def check_out(path: Named) -> Path:
    """Make sure, before any work, that a result folder can be made here.

    Leaves nothing behind. Missing parents are fine; they are made with the result.

    Raises:
        TaueError: if something is there already, or nothing can be written there.
    """
    out = Path(path)
    with _one_sentence(out, "out"):
        out = _free(out)
        UnfinishedFolder(_swept(out)).discard()
    return out


@contextmanager
def together() -> Iterator[Writes]:
    """Yield a place to collect files and folders; all take their names when the block ends well.

    Raises:
        TaueError: if one cannot take its name; the others are then as they were before.
    """
    writes = Writes()
    try:
        yield writes
        writes.put()
    finally:
        writes.discard()


class Writes:
    """Files and folders on their way to their names."""

    def __init__(self) -> None:
        self._pieces: list[_Piece] = []

    @contextmanager
    def file(self, path: Named, *, parents: bool = True) -> Iterator[BinaryIO]:
        """Yield a file to write, as :func:`whole_file` does."""
        goal = Path(path)
        with _one_sentence(goal, "file"):
            goal = expanded(goal)
            stream = special(goal)
            piece = _Special(goal, stream) if stream else _File(_plain(goal, parents=parents))
            self._pieces.append(piece)
            yield piece.stream
            piece.finish()

    @contextmanager
    def folder(self, path: Named) -> Iterator[Path]:
        """Yield a folder to fill, as :func:`complete_folder` does."""
        out = Path(path)
        with _one_sentence(out, "out"):
            out = _free(out)
            piece = _Folder(out)
            self._pieces.append(piece)
            yield piece.unfinished.path
            piece.finish()

    def put(self) -> None:
        """Give everything its name: what cannot be undone comes last."""
        begun: list[_Piece] = []
        try:
            for piece in sorted(self._pieces, key=lambda one: isinstance(one, _Special)):
                begun.append(piece)
                with _one_sentence(piece.goal, piece.called):
                    piece.put(undoable=len(self._pieces) > 1)
        except BaseException:
            for piece in reversed(begun):
                piece.undo()
            raise
        _put.extend(
            piece.goal
            for piece in begun
            if not any(part.startswith(PREFIX) for part in piece.goal.parts)
        )

    def discard(self) -> None:
        """Remove what did not take its name, and copies of what was replaced."""
        for piece in self._pieces:
            piece.discard()


class _Piece:
    """One file, folder or stream, and the folders that are made for it."""

    called = "file"

    def __init__(self, goal: Path) -> None:
        self.goal = goal
        self._parents: list[Path] = []

    def finish(self) -> None: ...
    def put(self, *, undoable: bool) -> None: ...
    def undo(self) -> None: ...
    def discard(self) -> None: ...

    def _make_parents(self) -> None:
        missing = [parent for parent in self.goal.parents if not parent.exists()]
        for parent in reversed(missing):
            with suppress(FileExistsError):
                parent.mkdir()
                self._parents.append(parent)

    def _remove_parents(self) -> None:
        for parent in reversed(self._parents):
            with suppress(OSError):  # somebody put something there
                parent.rmdir()


class _Special(_Piece):
    def __init__(self, goal: Path, target: Stream) -> None:
        super().__init__(goal)
        self._target = target
        self.stream: BinaryIO = target.buffer

    def put(self, *, undoable: bool) -> None:
        self._target.put()

    def discard(self) -> None:
        self._target.discard()


class _File(_Piece):
    def __init__(self, goal: Path) -> None:
        super().__init__(goal)
        self._unfinished = UnfinishedFile(_swept(goal))
        self.stream = self._unfinished.stream
        self._old: Path | None = None
        self._lock: Lock | None = None
        self._replaced = False

    def finish(self) -> None:
        with suppress(FileNotFoundError):  # who could read the older one can read this one
            self._unfinished.path.chmod(stat.S_IMODE(self.goal.lstat().st_mode) & 0o777)
        self._unfinished.flush()
        self.stream.close()

    def put(self, *, undoable: bool) -> None:
        self._make_parents()
        if undoable and self.goal.exists():
            self._old = _second_name(self.goal)
            self._lock = Lock(self._old)
        os.replace(self._unfinished.path, self.goal)
        self._replaced = True
        with suppress(OSError):  # a parent that may be written but not read; all is in place
            sync(self.goal.parent)

    def undo(self) -> None:
        with suppress(OSError):
            if self._replaced and self._old is not None:
                os.replace(self._old, self.goal)
            elif self._replaced:
                self.goal.unlink(missing_ok=True)
        self._remove_parents()

    def discard(self) -> None:
        self._unfinished.discard()
        if self._old is not None:
            with suppress(OSError):
                self._old.unlink(missing_ok=True)
        if self._lock is not None:
            self._lock.release()


class _Folder(_Piece):
    called = "out"

    def __init__(self, goal: Path) -> None:
        super().__init__(goal)
        self.unfinished = UnfinishedFolder(_swept(goal))
        self._renamed = False

    def finish(self) -> None:
        self.unfinished.flush()

    def put(self, *, undoable: bool) -> None:
        self._make_parents()
        if os.path.lexists(self.goal):  # rename would replace an empty folder without a word
            raise _taken(self.goal)
        self.unfinished.path.rename(self.goal)
        self._renamed = True
        with suppress(OSError):  # as for a file
            sync(self.goal.parent)

    def undo(self) -> None:
        if self._renamed:
            with suppress(OSError):
                self.goal.rename(self.unfinished.path)
        self._remove_parents()

    def discard(self) -> None:
        self.unfinished.discard()


def _plain(goal: Path, *, parents: bool) -> Path:
    """A place for a file: nothing, or a regular file and no link."""
    if goal.is_symlink():
        raise TaueError(f"file {str(goal)!r} is a link; name the file itself.")
    if goal.is_dir():
        raise TaueError(f"file {str(goal)!r} is a folder; name a file.")
    if not parents:
        goal.parent.stat()
    return goal


def _free(out: Path) -> Path:
    """A place for a folder: its expanded path, if nothing has this name.

    A dangling link has it too. An OSError if nothing ever can have it.
    """
    if str(out) == STANDARD:
        raise TaueError("out is '-', and a result is a folder; name one that does not exist yet.")
    out = expanded(out)
    if os.path.lexists(out):
        raise _taken(out)
    return out


def _second_name(path: Path) -> Path:
    """The file once more under a random name beside it."""
    second = random_name(path.parent)
    try:
        os.link(path, second, follow_symlinks=False)
    except OSError:  # a file system without hard links
        with path.open("rb") as old, second.open("xb") as copy:
            shutil.copyfileobj(old, copy)
    return second


def _nearest_ancestor(goal: Path) -> Path:
    """The deepest folder above that exists, hence on the filesystem of the goal."""
    for parent in goal.absolute().parents:
        if os.path.lexists(parent):
            return parent
    raise FileNotFoundError(f"{goal} has no parent that exists")


def _swept(goal: Path) -> Path:
    """The folder where something unfinished is made, without leftovers of killed runs."""
    parent = _nearest_ancestor(goal)
    sweep(parent)
    return parent


@contextmanager
def _one_sentence(goal: Path, called: str) -> Iterator[None]:
    """What the system refuses, said of ``goal``."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        other = "place" if called == "file" else "folder"
        raise TaueError(
            f"{called} {str(goal)!r} cannot be written ({reason}); choose another {other}."
        ) from error


def _taken(out: Path) -> TaueError:
    return TaueError(f"out {str(out)!r} exists already; name a folder that does not exist yet.")
