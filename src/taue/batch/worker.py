"""One worker: scenes into results, whatever runs it. What fails is recorded and stops nothing."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from taue.batch.ids import file_hash
from taue.batch.maker import Made, Maker, Recipe
from taue.batch.plan import Task
from taue.batch.records import Attempt, Kept, Marker
from taue.batch.rows import row_of
from taue.batch.store import Store, StoreError, attempt_name, marker_name
from taue.errors import LittleMemoryError, TaueError
from taue.readable import readable

DONE, FAILED, THERE, ELSEWHERE = "done", "failed", "there", "elsewhere"
LONGEST_ERROR = 400


@dataclass(frozen=True)
class Outcome:
    """What became of a task: "done" here, "failed" for now or (``final``) for good, "there" already
    or "elsewhere": another process is at it. ``seconds`` are the scene's own, ``overhead`` those
    that the store took."""

    task: Task
    kind: str
    error: str = ""
    final: bool = False
    seconds: float = 0.0
    overhead: float = 0.0
    row: dict[str, Any] | None = None


class Worker:
    """Makes tasks for a store.

    Args:
        store: where results go.
        recipe: how.
        number: of this worker on its machine, from 0.
    """

    def __init__(self, store: Store, recipe: Recipe, number: int = 0) -> None:
        self.store, self.recipe = store, recipe
        self.name = f"{platform.node()}:{os.getpid()}"
        self.maker: Maker = recipe.new_maker(number)

    def work(self, tasks: Sequence[Task]) -> Iterator[Outcome]:
        """Make tasks that can be one batch; each is in the store once its outcome is told.

        Raises:
            StoreError: if the store fails.
        """
        size = max(1, self.recipe.together)
        for start in range(0, len(tasks), size):
            with ExitStack() as claims:
                mine: list[Task] = []
                for task in tasks[start : start + size]:
                    if not claims.enter_context(self.store.claimed(task.id)):
                        yield Outcome(task, ELSEWHERE)
                    elif self.store.read(marker_name(task.id)) is not None:
                        yield Outcome(task, THERE)
                    else:
                        mine.append(task)
                if mine:
                    yield from self._begun(mine)

    def _begun(self, tasks: Sequence[Task]) -> Iterator[Outcome]:
        tasks = [self._begin(task, len(tasks)) for task in tasks]
        yield from self._made(tasks)

    def _begin(self, task: Task, together: int) -> Task:
        """Leave a trace of the attempt, which stays if the process ends; the task by its number."""
        for number in range(task.attempt, task.attempt + 1000):
            attempt = Attempt(number=number, line=task.line, together=together, worker=self.name)
            name = attempt_name(task.id, number)
            if self.store.put_new(name, attempt.model_dump_json().encode()):
                return replace(task, attempt=number)
        raise StoreError(
            f"store {self.store.where!r} has too many attempts at {task.id}; retry it."
        )

    def _made(self, tasks: Sequence[Task]) -> Iterator[Outcome]:
        """A batch; if it fails its halves, and if memory was not what it lacked each alone."""
        started = time.perf_counter()
        made = self._tried(tasks)
        if isinstance(made, Exception):
            if len(tasks) == 1:
                yield self._failed(tasks[0], made, time.perf_counter() - started)
                return
            size = len(tasks) // 2 if isinstance(made, LittleMemoryError) else 1
            for start in range(0, len(tasks), size):
                yield from self._made(tasks[start : start + size])
            return
        seconds = (time.perf_counter() - started) / len(tasks)
        for task, one in zip(tasks, made, strict=True):
            if isinstance(one, Exception):
                yield self._failed(task, one, seconds)
                continue
            try:
                yield self._keep(task, one, seconds, len(tasks))
            except StoreError:
                raise
            except Exception as error:  # noqa: BLE001 (as above)
                yield self._failed(task, error, seconds)

    def _tried(self, tasks: Sequence[Task]) -> Sequence[Made | Exception] | Exception:
        """What a batch came to, or why not."""
        try:
            return self.maker.make([task.read() for task in tasks])
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 (whatever a scene does must not stop the others)
            error.__cause__ = error.__context__ = None
            return error.with_traceback(None)  # whose frames hold what they had in memory

    def _keep(self, task: Task, made: Made, seconds: float, together: int) -> Outcome:
        """A result into the store, its marker last."""
        began = time.perf_counter()
        with self.store.filling() as folder:
            with _store_blamed(self.store):
                row = made.write(folder)
                written = time.perf_counter()
                files = {
                    path.relative_to(folder).as_posix(): _kept(path)
                    for path in sorted(folder.rglob("*"))
                    if path.is_file()
                }
            place = self.store.place(task.id, folder)
        size = sum(one.size for one in files.values())
        row = {**row_of(task, place, files), "worker": self.name, "bytes": size, **row}
        row |= {
            "together": together,
            "seconds": round(seconds, 3),
            "finished": round(time.time(), 3),
        }
        marker = Marker(id=task.id, place=place, files=files, row=row)
        data = marker.model_dump_json().encode()
        if not self.store.put_new(marker_name(task.id), data):
            there = self.store.read(marker_name(task.id))
            if there is None or Marker.model_validate_json(there).place != place:
                self.store.remove_place(place)
            return Outcome(task, THERE)
        for number in range(1, task.attempt + 1):
            self.store.remove(attempt_name(task.id, number))
        ended = time.perf_counter()
        return Outcome(task, DONE, seconds=seconds + written - began, overhead=ended - written,
                       row=row)  # fmt: skip

    def _failed(self, task: Task, error: Exception, seconds: float) -> Outcome:
        told = readable(str(error) if isinstance(error, TaueError) else repr(error), LONGEST_ERROR)
        asked = isinstance(error, TaueError) and not isinstance(error, LittleMemoryError)
        final = asked or task.attempt >= self.recipe.attempts
        attempt = Attempt(
            number=task.attempt, line=task.line, worker=self.name, error=told, final=final
        )
        self.store.put(attempt_name(task.id, task.attempt), attempt.model_dump_json().encode())
        return Outcome(task, FAILED, told, final, seconds)


def _kept(path: Path) -> Kept:
    return Kept(size=path.stat().st_size, sha256=file_hash(path))


@contextmanager
def _store_blamed(store: Store) -> Iterator[None]:
    """A file that cannot be written is the store's fault, not the scene's."""
    try:
        yield
    except (OSError, TaueError) as error:
        cause = error if isinstance(error, OSError) else error.__cause__
        if not isinstance(cause, OSError):
            raise
        raise StoreError(
            f"store {store.where!r} cannot be written ({cause.strerror or cause}); mend that, and "
            "the same command goes on where it was."
        ) from error
