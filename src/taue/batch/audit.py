"""An audit: every scene that was asked for is there with every file's hash, or it is said why not;
and a status, which believes the markers."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from taue.batch.index import rows_of, unindex
from taue.batch.plan import Task, planned
from taue.batch.records import Marker
from taue.batch.store import DONE, Store, ids_of, marker_name
from taue.errors import TaueError
from taue.work.tried import Tried


@dataclass
class Status:
    """Counts of a store: scenes asked for, ``done``, ``failed`` for good with their errors,
    ``begun`` so many times and not ended (or being made), and not begun; by ids, with their lines
    first."""

    asked: int
    done: int
    failed: dict[str, tuple[int, str]] = field(default_factory=dict)
    begun: dict[str, tuple[int, int]] = field(default_factory=dict)
    missing: int = 0
    unasked: int = 0

    @property
    def whole(self) -> bool:
        return self.done == self.asked


@dataclass
class Audit:
    """What an audit found; ids by what is wrong with them, ``lines`` of all that were asked for."""

    status: Status
    lines: dict[str, int] = field(default_factory=dict)
    checked: int = 0
    files: int = 0
    bytes: int = 0
    missing: list[str] = field(default_factory=list)
    corrupt: dict[str, str] = field(default_factory=dict)
    unindexed: int = 0
    doubled: int = 0

    @property
    def whole(self) -> bool:
        return self.status.whole and not (self.corrupt or self.doubled)


def status_of(store: Store) -> Status:
    """Of a store, by its names alone.

    Raises:
        TaueError: if there is no store, or it cannot be read.
    """
    return _status(store, require_planned(store), ids_of(store.names(DONE)))


def require_planned(store: Store) -> dict[str, Task]:
    """What a store was asked for.

    Raises:
        TaueError: if that is nothing.
    """
    tasks = planned(store)
    if not tasks:
        raise TaueError(f"store {store.where!r} is none; make one with taue batch run.")
    return tasks


def _status(store: Store, tasks: dict[str, Task], done: set[str]) -> Status:
    status = Status(len(tasks), len(done & set(tasks)), unasked=len(done - set(tasks)))
    attempts = Tried(store).all()
    for key in tasks.keys() - done:
        tried = attempts.get(key, [])
        if any(one.final for one in tried):
            error = next(one.error or "" for one in reversed(tried) if one.final)
            status.failed[key] = tasks[key].line, error
        elif tried:
            status.begun[key] = tasks[key].line, len(tried)
        else:
            status.missing += 1
    return status


def audit(store: Store, tell: Callable[[int, int], None] = lambda done, of: None) -> Audit:
    """Read every file of every result and compare it with its marker.

    Args:
        store: which.
        tell: called with how many results were read, and of how many.

    Raises:
        TaueError: if there is no store, or it cannot be read.
    """
    tasks, done = require_planned(store), sorted(ids_of(store.names(DONE)))
    lines = {key: task.line for key, task in tasks.items()}
    found = Audit(_status(store, tasks, set(done)), lines)
    found.missing = sorted(
        key for key in tasks.keys() - set(done) if key not in found.status.failed
    )
    for number, key in enumerate(done, 1):
        wrong = _wrong(store, key, found)
        if wrong:
            found.corrupt[key] = wrong
        found.checked += 1
        tell(number, len(done))
    rows = Counter(row["id"] for row in rows_of(store, ["id"]))
    found.unindexed = len(set(done) - set(rows))
    found.doubled = sum(count - 1 for count in rows.values())
    return found


def _wrong(store: Store, key: str, found: Audit) -> str:
    """All that is wrong with a result, "" for nothing."""
    data = store.read(marker_name(key))
    try:
        marker = Marker.model_validate_json(data or b"")
    except ValueError:
        return "its marker is broken"
    if marker.id != key:
        return "its marker is another's"
    wrong: list[str] = []
    for name, kept in marker.files.items():
        content = store.read(f"{marker.place}/{name}")
        if content is None:
            wrong.append(f"{name} is missing")
        elif len(content) != kept.size:
            wrong.append(f"{name} has {len(content)} bytes instead of {kept.size}")
        elif hashlib.sha256(content).hexdigest() != kept.sha256:
            wrong.append(f"{name} has other bytes than were written")
        else:
            found.files += 1
            found.bytes += kept.size
    return ", ".join(wrong)


def forget(store: Store, ids: Iterable[str]) -> None:
    """Let scenes be made anew: their attempts and results are removed, the marker first."""
    wanted = set(ids)
    unindex(store, wanted & ids_of(store.names(DONE)))
    for key in wanted:
        data = store.read(marker_name(key))
        store.remove(marker_name(key))
        if data is not None:
            try:
                store.remove_place(Marker.model_validate_json(data).place)
            except ValueError:  # a broken marker names no place
                continue
    attempts = Tried(store)
    for key, tried in attempts.all().items():
        if key in wanted:
            attempts.forget(key, tried)
