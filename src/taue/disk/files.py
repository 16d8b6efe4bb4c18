"""Whole files in a folder, by names with slashes: each is there whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path

from taue.disk.unfinished import UnfinishedFile


class FolderFiles:
    """Files below a folder.

    Args:
        root: the folder.
        unfinished: a folder in it, which is there, where files are until they are whole.
        blamed: what the system refuses goes through it.
    """

    def __init__(
        self, root: Path, unfinished: str, blamed: Callable[[], AbstractContextManager[None]]
    ) -> None:
        self.root, self._unfinished, self._blamed = root, root / unfinished, blamed

    def read(self, name: str) -> bytes | None:
        """A file, None if it is not there."""
        with self._blamed():
            try:
                return (self.root / name).read_bytes()
            except (FileNotFoundError, NotADirectoryError):
                return None

    def names(self, folder: str) -> list[str]:
        """All files below a folder, sorted; those whose names begin with a dot are not."""
        with self._blamed():
            return sorted(_below(str(self.root / folder), folder))

    def put(self, name: str, data: bytes) -> None:
        """Write a file in place of an older one."""
        with self._blamed():
            self._write(name, data, new=False)

    def put_new(self, name: str, data: bytes) -> bool:
        """Write a file unless it is there already; whether it was written."""
        with self._blamed():
            if (self.root / name).exists():
                return False
            return self._write(name, data, new=True)

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        with self._blamed():
            (self.root / name).unlink(missing_ok=True)

    def _write(self, name: str, data: bytes, *, new: bool) -> bool:
        goal = self.root / name
        goal.parent.mkdir(exist_ok=True)
        piece = UnfinishedFile(self._unfinished)
        try:
            piece.stream.write(data)
            piece.flush()
            piece.stream.close()
            return piece.take(goal, replace=not new)
        finally:
            piece.discard()


def _below(path: str, name: str) -> Iterator[str]:
    with suppress(FileNotFoundError), os.scandir(path) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from _below(entry.path, f"{name}/{entry.name}")
            else:
                yield f"{name}/{entry.name}"
