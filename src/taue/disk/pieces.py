"""What is on its way to its name: a file, a folder, or what goes to a stream."""

from __future__ import annotations

import os
import re
import shutil
import stat
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from taue.disk.exchange import require_ours
from taue.disk.held import Lock
from taue.disk.streams import Stream
from taue.disk.unfinished import (
    UnfinishedFile,
    UnfinishedFolder,
    name_folder,
    random_name,
    sweep,
)
from taue.errors import TaueError


class Piece:
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


class Special(Piece):
    def __init__(self, goal: Path, target: Stream) -> None:
        super().__init__(goal)
        self._target = target
        self.stream: BinaryIO = target.buffer

    def put(self, *, undoable: bool) -> None:
        self._target.put()

    def discard(self) -> None:
        self._target.discard()


class File(Piece):
    def __init__(self, goal: Path, *, replace: bool) -> None:
        super().__init__(goal)
        self._replace = replace
        self._unfinished = UnfinishedFile(swept(goal))
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
        if not self._unfinished.take(self.goal, replace=self._replace):
            raise there_already(self.goal)
        self._replaced = True

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


class Folder(Piece):
    called = "out"

    def __init__(self, goal: Path, ours: re.Pattern[str] | None) -> None:
        super().__init__(goal)
        self.unfinished = UnfinishedFolder(swept(goal))
        self._ours = ours
        self._renamed = False
        self._old: Lock | None = None

    def finish(self) -> None:
        self.unfinished.flush()

    def put(self, *, undoable: bool) -> None:
        self._make_parents()
        if os.path.lexists(self.goal):  # rename would replace an empty folder without a word
            if self._ours is None:
                raise taken(self.goal)
            require_ours(self.goal, self._ours)
            self._old = Lock(self.goal)  # nobody sweeps it under our unfinished one's name
            self.unfinished.swap(self.goal)
        else:
            self.unfinished.take(self.goal)
        self._renamed = True

    def undo(self) -> None:
        with suppress(OSError):
            if self._renamed and self._old is not None:
                self.unfinished.swap(self.goal)
            elif self._renamed:
                name_folder(self.goal, self.unfinished.path)
        self._remove_parents()

    def discard(self) -> None:
        self.unfinished.discard()
        if self._old is not None:
            self._old.release()


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


def swept(goal: Path) -> Path:
    """The folder where something unfinished is made, without leftovers of killed runs."""
    parent = _nearest_ancestor(goal)
    sweep(parent)
    return parent


def there_already(goal: Path) -> TaueError:
    return TaueError(f"file {str(goal)!r} exists already; name another.")


def taken(out: Path) -> TaueError:
    return TaueError(f"out {str(out)!r} exists already; name a folder that does not exist yet.")
