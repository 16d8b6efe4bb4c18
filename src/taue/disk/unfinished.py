"""What is not finished yet: random names, made exclusively; flushed, then renamed.

Nothing outside this room renames a file or folder.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from taue.disk.exchange import exchange
from taue.disk.held import Lock, abandoned

PREFIX = ".taue-"
LEFT = re.compile(r"\.taue-[0-9a-f]{16}")
ATTEMPTS = 5


class UnfinishedFile:
    """A new file, open for writing."""

    def __init__(self, folder: Path) -> None:
        self.stream: BinaryIO
        for _ in range(ATTEMPTS):
            self.path = random_name(folder)
            self.stream = self.path.open("xb")
            try:
                self._lock = Lock(self.path)
            except OSError:  # a sweeper was faster than our lock
                self.stream.close()
                self.path.unlink(missing_ok=True)
            else:
                return
        raise OSError("it is swept away again and again")

    def flush(self) -> None:
        """Bring everything to the disk."""
        self.stream.flush()
        os.fsync(self.stream.fileno())

    def take(self, goal: Path, *, replace: bool) -> bool:
        """Give it its name, for good; false if somebody has it and must not be replaced."""
        if replace:
            os.replace(self.path, goal)
        elif not _named_free(self.path, goal):
            return False
        else:
            self.path.unlink(missing_ok=True)
        _name_flushed(goal)
        return True

    def discard(self) -> None:
        """Close it; remove it, if it still has this name."""
        with suppress(OSError):
            self.stream.close()
        with suppress(OSError):
            self.path.unlink(missing_ok=True)
        self._lock.release()


class UnfinishedFolder:
    """A new folder to fill."""

    def __init__(self, folder: Path) -> None:
        for _ in range(ATTEMPTS):
            self.path = random_name(folder)
            self.path.mkdir()
            try:
                self._lock = Lock(self.path)
            except OSError:  # a sweeper was faster than our lock
                shutil.rmtree(self.path, ignore_errors=True)
            else:
                return
        raise OSError("it is swept away again and again")

    def flush(self) -> None:
        """Bring everything in it to the disk."""
        flush_folder(self.path)

    def take(self, goal: Path) -> None:
        """Give it its name, which nobody has, for good."""
        name_folder(self.path, goal)

    def swap(self, goal: Path) -> None:
        """Give it the name of a folder beside it, for good, and that one its own."""
        exchange(self.path, goal)
        _name_flushed(goal)

    def discard(self) -> None:
        """Remove it with all that it holds, if it still has this name."""
        shutil.rmtree(self.path, ignore_errors=True)
        self._lock.release()


def sweep(folder: Path) -> None:
    """Remove what killed processes of ours left unfinished in a folder, and nobody holds."""
    with suppress(OSError):
        for path in folder.iterdir():
            if LEFT.fullmatch(path.name) and abandoned(path):
                if path.is_dir():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    with suppress(OSError):
                        path.unlink(missing_ok=True)


def random_name(folder: Path) -> Path:
    """A name in a folder that nobody can foresee."""
    return folder / f"{PREFIX}{secrets.token_hex(8)}"


def flush_folder(folder: Path) -> None:
    """Bring a folder and everything in it to the disk."""
    for path in (*folder.rglob("*"), folder):
        _sync(path)


def name_folder(folder: Path, goal: Path) -> None:
    """Give a folder a name that nobody has, for good."""
    folder.rename(goal)
    _name_flushed(goal)


def remove_folder(folder: Path, through: Path) -> None:
    """Remove a folder so that it is never seen in part under its name.

    Args:
        folder: it must be there.
        through: a folder on the same file system, where it is unfinished before it is gone.
    """
    aside = UnfinishedFolder(through)
    try:
        folder.rename(aside.path / "old")
    finally:
        aside.discard()


def _sync(path: Path) -> None:
    """Flush a file or folder to the disk."""
    if os.name == "nt" and path.is_dir():  # Windows cannot open folders
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _named_free(path: Path, goal: Path) -> bool:
    """Give a file a further name that nobody has, or where there are no hard links that name in
    place of its own; false if somebody has it."""
    try:
        os.link(path, goal, follow_symlinks=False)
    except FileExistsError:
        return False
    except OSError:  # a file system without hard links
        if os.path.lexists(goal):
            return False
        path.rename(goal)
    return True


def _name_flushed(goal: Path) -> None:
    with suppress(OSError):  # a parent that may be written but not read; all is in place
        _sync(goal.parent)
