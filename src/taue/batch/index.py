"""The index: every result's row as parquet, in numbered parts that are whole as soon as they are
there. Several runs may write one: a part's number is taken once, and whoever was too late reads
what was written first, so that no row is there twice."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Self

from taue.batch.figures import FIGURES
from taue.batch.records import Marker
from taue.batch.store import INDEX, Store, StoreError, marker_name
from taue.errors import TaueError

MOST_ROWS, MOST_SECONDS = 2000, 60.0
"""A part is written when so many rows wait, or the first has waited so long."""


def parquet() -> Any:
    """pyarrow's parquet module.

    Raises:
        TaueError: saying how to get it.
    """
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise TaueError(
            'taue batch needs pyarrow; install it with pip install "taue[batch]".'
        ) from error
    return pyarrow.parquet


def schema() -> Any:
    """Columns of the index; ``scene`` and ``versions`` are JSON."""
    import pyarrow as pa

    subject = pa.struct({"prompt": pa.string(), "name": pa.string(), "box": pa.list_(pa.float64())})
    texts = ("model", "model_digest", "device", "dtype", "scheduler", "worker", "taue")
    whole = ("seed", "steps", "width", "height", "evaluations", "bytes", "together")
    return pa.schema(
        [
            ("id", pa.string()),
            ("line", pa.int64()),
            ("caption", pa.string()),
            ("background", pa.string()),
            ("subjects", pa.list_(subject)),
            *((name, pa.int64()) for name in whole),
            *((name, pa.float64()) for name in FIGURES),
            ("seconds", pa.float64()),
            ("finished", pa.float64()),
            *((name, pa.string()) for name in texts),
            ("told", pa.list_(pa.string())),
            ("versions", pa.string()),
            ("scene", pa.string()),
            ("place", pa.string()),
            ("files", pa.list_(pa.string())),
        ]
    )


def part_of(rows: Iterable[Mapping[str, Any]]) -> bytes:
    """Rows as a parquet file."""
    import pyarrow as pa

    names = schema().names
    flat: list[dict[str, Any]] = []
    for row in rows:
        known = {**row, **row.get("figures", {}), "versions": json.dumps(row.get("versions", {}))}
        flat.append({name: known.get(name) for name in names})
    stream = io.BytesIO()
    parquet().write_table(pa.Table.from_pylist(flat, schema()), stream, compression="zstd")
    return stream.getvalue()


def rows_of(store: Store, columns: list[str] | None = None) -> Iterator[dict[str, Any]]:
    """Every row of a store's index.

    Raises:
        StoreError: if a part is broken.
    """
    for name in store.names(INDEX):
        yield from _part(store, name, columns)


class Index:
    """What is written of a run; on leaving it, everything is.

    Args:
        store: of the run.
        done: ids of all results; those that the index lacks, because a run was killed, are added.
    """

    def __init__(self, store: Store, done: Iterable[str]) -> None:
        parquet()
        self.store = store
        names = store.names(INDEX)
        self._number = max((_number(name) for name in names), default=0)
        self._known = {row["id"] for name in names for row in _part(store, name, ["id"])}
        self._waiting: dict[str, dict[str, Any]] = {}
        self._since = time.monotonic()
        for key in sorted(set(done) - self._known):
            self.add_marked(key)

    def __enter__(self) -> Self:
        self.flush()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self.flush()
            return
        with suppress(StoreError):  # what ended the run is worth telling; the next run adds these
            self.flush()

    def add(self, row: dict[str, Any]) -> None:
        """The row of a result that is in the store."""
        if row["id"] in self._known:
            return
        self._known.add(row["id"])
        if not self._waiting:
            self._since = time.monotonic()
        self._waiting[row["id"]] = row
        if len(self._waiting) >= MOST_ROWS or time.monotonic() - self._since > MOST_SECONDS:
            self.flush()

    def add_marked(self, key: str) -> None:
        """The row that a marker has."""
        if key in self._known:
            return
        data = self.store.read(marker_name(key))
        with suppress(ValueError):  # a broken marker, which an audit names
            if data is not None:
                self.add(Marker.model_validate_json(data).row)

    def flush(self) -> None:
        """Write what waits."""
        while self._waiting:
            self._number += 1
            name = f"{INDEX}/{self._number:08}.parquet"
            if self.store.put_new(name, part_of(self._waiting.values())):
                self._waiting = {}
                return
            for row in _part(self.store, name, ["id"]):
                self._waiting.pop(row["id"], None)


def unindex(store: Store, ids: set[str]) -> None:
    """Remove the parts that have one of these; the next run writes their other rows again."""
    for name in store.names(INDEX):
        if any(row["id"] in ids for row in _part(store, name, ["id"])):
            store.remove(name)


def _number(name: str) -> int:
    stem = name.rpartition("/")[2].partition(".")[0]
    return int(stem) if stem.isdigit() else 0


def _part(store: Store, name: str, columns: list[str] | None) -> list[dict[str, Any]]:
    data = store.read(name)
    if data is None:
        return []
    try:
        # Without threads, which a process that was forked from this one would wait for in vain.
        part = parquet().ParquetFile(io.BytesIO(data), pre_buffer=False)
        return part.read(columns=columns, use_threads=False).to_pylist()
    except (OSError, ValueError) as error:
        raise StoreError(
            f"store {store.where!r} has a broken index part {name}; remove the folder {INDEX}, "
            "and the next run writes it anew from the markers."
        ) from error
