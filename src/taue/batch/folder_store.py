"""A store in a folder: random names, flushed, renamed, the marker last."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from taue import __version__
from taue.batch.claims import Claims
from taue.batch.records import StoreAbout
from taue.batch.store import ABOUT, ATTEMPTS, DONE, INDEX, PLANS, RESULTS, StoreError, result_name
from taue.disk.files import FolderFiles
from taue.disk.paths import expanded
from taue.disk.unfinished import (
    UnfinishedFolder,
    flush_folder,
    name_folder,
    remove_folder,
    sweep,
)

LOCKS, UNFINISHED = "locks", "unfinished"


class FolderStore(FolderFiles):
    """See :class:`taue.batch.store.Store`."""

    def __init__(self, where: str) -> None:
        self.where = where
        with self._one_sentence():
            root = expanded(where)
        super().__init__(root, UNFINISHED, self._one_sentence)
        self._claims = Claims(self.root / LOCKS)

    def prepare(self) -> None:
        with self._one_sentence():
            if self.root.exists() and not (self.root / ABOUT).exists() and any(self._others()):
                raise StoreError(f"store {self.where!r} exists and is none; name another folder.")
            for name in (PLANS, ATTEMPTS, RESULTS, DONE, INDEX, LOCKS, UNFINISHED):
                (self.root / name).mkdir(parents=True, exist_ok=True)
            sweep(self.root / UNFINISHED)
        self.put_new(ABOUT, StoreAbout(taue=__version__).model_dump_json().encode())

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
