"""A store at any URL that fsspec knows. Object stores have no rename and no locks: each attempt has
a folder of its own, the marker that names it comes last and is put on condition that there is none.

Two runs may make the same scene at once; one of the results counts, the other is removed.
"""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from taue import __version__
from taue.batch.records import StoreAbout
from taue.batch.store import ABOUT, StoreError, result_name
from taue.errors import TaueError


class ObjectStore:
    """See :class:`taue.batch.store.Store`."""

    def __init__(self, where: str) -> None:
        self.where = where
        try:
            from fsspec.core import url_to_fs
        except ImportError as error:
            raise TaueError(
                'a store at a URL needs fsspec; install it with pip install "taue[batch]".'
            ) from error
        with self._one_sentence():
            found: tuple[Any, str] = url_to_fs(where, use_listings_cache=False)
        self._files, root = found
        self._root = root.rstrip("/")

    def prepare(self) -> None:
        self.put_new(ABOUT, StoreAbout(taue=__version__).model_dump_json().encode())

    def read(self, name: str) -> bytes | None:
        with self._one_sentence():
            try:
                return self._files.cat_file(self._path(name))
            except FileNotFoundError:
                return None

    def names(self, folder: str) -> list[str]:
        with self._one_sentence():
            try:
                found = self._files.find(self._path(folder))
            except FileNotFoundError:
                return []
        return sorted(path.removeprefix(self._root).lstrip("/") for path in found)

    def put(self, name: str, data: bytes) -> None:
        with self._one_sentence():
            self._files.pipe_file(self._path(name), data)

    def put_new(self, name: str, data: bytes) -> bool:
        with self._one_sentence():
            try:
                self._files.pipe_file(self._path(name), data, mode="create")
            except FileExistsError:
                return False
        return True

    def remove(self, name: str) -> None:
        with self._one_sentence():
            try:
                self._files.rm_file(self._path(name))
            except FileNotFoundError:
                return

    @contextmanager
    def filling(self) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(prefix="taue-") as folder:
            yield Path(folder)

    def place(self, key: str, folder: Path) -> str:
        name = f"{result_name(key)}/{secrets.token_hex(8)}"
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                self.put(f"{name}/{path.relative_to(folder).as_posix()}", path.read_bytes())
        return name

    def remove_place(self, place: str) -> None:
        for name in self.names(place):
            self.remove(name)

    @contextmanager
    def claimed(self, key: str) -> Iterator[bool]:
        yield True

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    @contextmanager
    def _one_sentence(self) -> Iterator[None]:
        """Whatever a library says of a store out of reach, in a sentence."""
        try:
            yield
        except TaueError:
            raise
        except Exception as error:
            reason = str(error).strip().partition("\n")[0].rstrip(".") or type(error).__name__
            raise StoreError(
                f"store {self.where!r} cannot be read or written ({reason}); mend that, and the "
                "same command goes on where it was."
            ) from error
