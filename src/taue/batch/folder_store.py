"""A store in a folder: random names, flushed, renamed, the marker last."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from taue import __version__
from taue.batch.claims import Claims
from taue.batch.records import StoreAbout
from taue.batch.store import ABOUT, ATTEMPTS, DONE, INDEX, PLANS, RESULTS, StoreError, result_name
from taue.disk.paths import expanded
from taue.disk.unfinished import (
    UnfinishedFile,
    UnfinishedFolder,
    flush_folder,
    name_folder,
    remove_folder,
    sweep,
)

LOCKS, UNFINISHED = "locks", "unfinished"


class FolderStore:
    """See :class:`taue.batch.store.Store`."""

    def __init__(self, where: str) -> None:
        self.where = where
        with self._one_sentence():
            self.root = expanded(where)
        self._claims = Claims(self.root / LOCKS)

    def prepare(self) -> None:
        with self._one_sentence():
            if self.root.exists() and not (self.root / ABOUT).exists() and any(self._others()):
                raise StoreError(f"store {self.where!r} exists and is none; name another folder.")
            for name in (PLANS, ATTEMPTS, RESULTS, DONE, INDEX, LOCKS, UNFINISHED):
                (self.root / name).mkdir(parents=True, exist_ok=True)
            sweep(self.root / UNFINISHED)
        self.put_new(ABOUT, StoreAbout(taue=__version__).model_dump_json().encode())

    def read(self, name: str) -> bytes | None:
        with self._one_sentence():
            try:
                return (self.root / name).read_bytes()
            except (FileNotFoundError, NotADirectoryError):
                return None

    def names(self, folder: str) -> list[str]:
        with self._one_sentence():
            return sorted(_below(str(self.root / folder), folder))

    def put(self, name: str, data: bytes) -> None:
        with self._one_sentence():
            self._write(name, data, new=False)

    def put_new(self, name: str, data: bytes) -> bool:
        with self._one_sentence():
            if (self.root / name).exists():
                return False
            return self._write(name, data, new=True)

    def remove(self, name: str) -> None:
        with self._one_sentence():
            (self.root / name).unlink(missing_ok=True)

    @contextmanager
    def filling(self) -> Iterator[Path]:
        with self._one_sentence():
            folder = UnfinishedFolder(self.root / UNFINISHED)
        try:
            yield folder.path
        finally:
            folder.discard()

    def place(self, key: str, folder: Path) -> str:
        name = result_name(key)
        goal = self.root / name
        with self._one_sentence():
            flush_folder(folder)
            goal.parent.mkdir(exist_ok=True)
            if goal.exists():  # of a process that ended before its marker
                remove_folder(goal, self.root / UNFINISHED)
            name_folder(folder, goal)
        return name

    def remove_place(self, place: str) -> None:
        with self._one_sentence(), suppress(FileNotFoundError):
            remove_folder(self.root / place, self.root / UNFINISHED)

    @contextmanager
    def claimed(self, key: str) -> Iterator[bool]:
        with self._one_sentence():
            ours = self._claims.take(key)
        try:
            yield ours
        finally:
            if ours:
                self._claims.release(key)

    def _write(self, name: str, data: bytes, *, new: bool) -> bool:
        goal = self.root / name
        goal.parent.mkdir(exist_ok=True)
        piece = UnfinishedFile(self.root / UNFINISHED)
        try:
            piece.stream.write(data)
            piece.flush()
            piece.stream.close()
            return piece.take(goal, replace=not new)
        finally:
            piece.discard()

    def _others(self) -> Iterator[str]:
        """What is in the folder and not of a store that is just being made."""
        own = {PLANS, ATTEMPTS, RESULTS, DONE, INDEX, LOCKS, UNFINISHED}
        return (path.name for path in self.root.iterdir() if path.name not in own)

    @contextmanager
    def _one_sentence(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            reason = error.strerror or str(error)
            raise StoreError(
                f"store {self.where!r} cannot be read or written ({reason}); mend that, and the "
                "same command goes on where it was."
            ) from error


def _below(path: str, name: str) -> Iterator[str]:
    with suppress(FileNotFoundError), os.scandir(path) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from _below(entry.path, f"{name}/{entry.name}")
            else:
                yield f"{name}/{entry.name}"
