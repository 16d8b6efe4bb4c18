"""Where results are kept: what every kind of store can do, and the names in it.

store.json              the format's version
plans/HASH.jsonl.gz     what was asked for: one line for each scene, with its id
attempts/ID.N.json      what was begun and did not come to its end, with the error
results/AB/ID           a result's files, complete before the next line is there
done/AB/ID.json         its marker, the last that is written: each file's size and hash
index/N.parquet         the markers as a table

A result is there if its marker is. Nothing depends on a clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from taue.work import tried
from taue.work.place import PlaceError

ABOUT, PLANS, RESULTS, DONE, INDEX = "store.json", "plans", "results", "done", "index"
ATTEMPTS = tried.FOLDER


class StoreError(PlaceError):
    """The store cannot be read or written: the fault of no scene."""


class Store(Protocol):
    """Names are relative, with slashes. Everything raises :class:`StoreError` if the store cannot
    be reached, read or written.

    Attributes:
        where: what users call it.
    """

    where: str

    def prepare(self) -> None:
        """Make it, if it is not there; remove what killed processes left unfinished."""
        ...

    def read(self, name: str) -> bytes | None:
        """A file, None if it is not there."""
        ...

    def names(self, folder: str) -> list[str]:
        """All files below a folder, sorted."""
        ...

    def put(self, name: str, data: bytes) -> None:
        """Write a file, whole, in place of an older one."""
        ...

    def put_new(self, name: str, data: bytes) -> bool:
        """Write a file, whole, unless it is there already; whether it was written. Of several that
        try, one does."""
        ...

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        ...

    def filling(self) -> AbstractContextManager[Path]:
        """A local folder to fill with a result."""
        ...

    def place(self, key: str, folder: Path) -> str:
        """Bring a filled folder's files into the store, whole; the place that they have now."""
        ...

    def remove_place(self, place: str) -> None:
        """Remove a result's files."""
        ...

    def claimed(self, key: str) -> AbstractContextManager[bool]:
        """Whether this process alone makes a scene while the block runs."""
        ...


def marker_name(key: str) -> str:
    return f"{DONE}/{key[:2]}/{key}.json"


def result_name(key: str) -> str:
    return f"{RESULTS}/{key[:2]}/{key}"


def ids_of(names: Sequence[str]) -> set[str]:
    """The ids in names of markers or attempts."""
    return {name.rpartition("/")[2].partition(".")[0] for name in names}
