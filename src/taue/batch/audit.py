"""An audit: every scene that was asked for is there with every file's hash, or it is said why not;
and a status, which believes the markers."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from taue.batch.driver import attempts_of
from taue.batch.index import rows_of, unindex
from taue.batch.plan import Task, planned
from taue.batch.records import Marker
from taue.batch.store import DONE, Store, attempt_name, ids_of, marker_name
from taue.errors import TaueError


@dataclass
class Status:
    """Counts of a store: scenes asked for, ``done``, ``failed`` for good with their errors, begun
    and not ended (or being made), and not begun."""

    asked: int
    done: int
    failed: dict[str, tuple[int, str]] = field(default_factory=dict)
    begun: int = 0
    missing: int = 0
    unasked: int = 0

    @property
    def whole(self) -> bool:
        return self.done == self.asked


@dataclass
class Audit:
    """What an audit found; ids by what is wrong with them."""

    status: Status
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
    attempts = attempts_of(store)
    for key in tasks.keys() - done:
        tried = attempts.get(key, [])
        if any(one.final for one in tried):
            error = next(one.error or "" for one in reversed(tried) if one.final)
            status.failed[key] = tasks[key].line, error
        elif tried:
            status.begun += 1
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
    found = Audit(_status(store, tasks, set(done)))
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
    """What is wrong with a result, "" for nothing."""
    data = store.read(marker_name(key))
    try:
        marker = Marker.model_validate_json(data or b"")
    except ValueError:
        return "its marker is broken"
    if marker.id != key:
        return "its marker is another's"
    for name, kept in marker.files.items():
        content = store.read(f"{marker.place}/{name}")
        if content is None:
            return f"{name} is missing"
        if len(content) != kept.size:
            return f"{name} has {len(content)} bytes instead of {kept.size}"
        if hashlib.sha256(content).hexdigest() != kept.sha256:
            return f"{name} has other bytes than were written"
        found.files += 1
        found.bytes += kept.size
    return ""


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
    for key, tried in attempts_of(store).items():
        if key in wanted:
            for one in tried:
                store.remove(attempt_name(key, one.number))
