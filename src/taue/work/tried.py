"""What was begun and did not come to its end: a file for each attempt, which no kill can hide."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Protocol

from pydantic import BaseModel

from taue.work.jobs import ELSEWHERE, FAILED, THERE, J, Job, Outcome, this_process
from taue.work.place import Place, PlaceError

FOLDER = "attempts"
DIED = "the process that made it ended, {} times"
MOST = 1000


class Files(Protocol):
    """Whole files by their names."""

    def read(self, name: str) -> bytes | None: ...

    def names(self, folder: str) -> list[str]: ...

    def put(self, name: str, data: bytes) -> None: ...

    def put_new(self, name: str, data: bytes) -> bool: ...

    def remove(self, name: str) -> None: ...


class Attempt(BaseModel):
    """Written before something is made, and again with its error if that fails; removed if it does
    not. ``final`` ends the attempts; ``together`` is how many were in the batch."""

    number: int
    line: int = 0
    together: int = 1
    worker: str = ""
    error: str | None = None
    final: bool = False


class Tried:
    """The attempts of a place.

    Args:
        files: of the place.
        folder: theirs.
    """

    def __init__(self, files: Files, folder: str = FOLDER) -> None:
        self.files, self.folder = files, folder

    def all(self) -> dict[str, list[Attempt]]:
        """By id, in order."""
        found: dict[str, list[Attempt]] = {}
        for name in self.files.names(self.folder):
            data = self.files.read(name)
            if data is not None:
                key = name.rpartition("/")[2].partition(".")[0]
                found.setdefault(key, []).append(Attempt.model_validate_json(data))
        return {key: sorted(some, key=lambda one: one.number) for key, some in found.items()}

    def begun(self, job: Job) -> bool:
        """Whether an attempt was begun."""
        return self.files.read(self._name(job.id, job.attempt)) is not None

    def begin(self, job: J, together: int) -> J:
        """See :meth:`taue.work.place.Place.begin`."""
        for number in range(job.attempt, job.attempt + MOST):
            attempt = Attempt(
                number=number, line=job.line, together=together, worker=this_process()
            )
            if self.files.put_new(self._name(job.id, number), attempt.model_dump_json().encode()):
                return replace(job, attempt=number)
        raise PlaceError(f"there are too many attempts at {job.id}; retry it.")

    def failed(self, job: Job, told: str, *, final: bool) -> None:
        """See :meth:`taue.work.place.Place.failed`."""
        self._put(
            job,
            Attempt(
                number=job.attempt, line=job.line, worker=this_process(), error=told, final=final
            ),
        )

    def give_up(self, job: Job) -> str:
        """One that ended its process as often as it may, or failed so and left its last error; what
        is said of it."""
        data = self.files.read(self._name(job.id, job.attempt))
        last = Attempt.model_validate_json(data) if data else Attempt(number=job.attempt)
        error = last.error or DIED.format(job.attempt)
        self._put(job, last.model_copy(update={"error": error, "final": True, "line": job.line}))
        return error

    def forget(self, key: str, attempts: Iterable[Attempt]) -> None:
        """Let something be tried as if it never had been."""
        for one in attempts:
            self.files.remove(self._name(key, one.number))

    def ended(self, job: Job) -> None:
        """It is there: no attempt up to this one is worth a word."""
        for number in range(1, job.attempt + 1):
            self.files.remove(self._name(job.id, number))

    def _put(self, job: Job, attempt: Attempt) -> None:
        self.files.put(self._name(job.id, job.attempt), attempt.model_dump_json().encode())

    def _name(self, key: str, number: int) -> str:
        return f"{self.folder}/{key}.{number}.json"


def given_up(attempts: Mapping[str, list[Attempt]]) -> set[str]:
    """Ids whose attempts have come to an end."""
    return {key for key, tried in attempts.items() if any(one.final for one in tried)}


def last_outcome(job: J, place: Place[J, Any], tried: Tried) -> Outcome[J]:
    """What became of one that ended its process as often as it may: it is given up, unless it is
    there or another process is at its last attempt."""
    with place.claimed(job.id) as ours:
        if not ours:
            return Outcome(job, ELSEWHERE)
        if place.there(job.id):
            return Outcome(job, THERE)
        return Outcome(job, FAILED, tried.give_up(job), final=True)
