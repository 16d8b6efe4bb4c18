"""The driver of a run: what is missing goes out through an engine, what comes back is told."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from taue.batch.index import Index
from taue.batch.maker import Recipe
from taue.batch.plan import Task, portion_size, portions
from taue.batch.queue import Queue
from taue.batch.records import Attempt
from taue.batch.store import ATTEMPTS, DONE, Store, attempt_name, ids_of, marker_name
from taue.batch.worker import ELSEWHERE, Outcome

DIED = "the process that made it ended, {} times"
WAIT = 2.0
"""Seconds between looks at what another run is making."""


class Engine(Protocol):
    """Runs workers.

    Attributes:
        recipe: what they are told.
    """

    recipe: Recipe

    def run(self, queue: Queue, tell: Callable[[Outcome], None]) -> None:
        """Until the queue is finished; ``tell`` of every outcome.

        Raises:
            TaueError: if it cannot go on.
        """
        ...


@dataclass
class Summary:
    """What became of a run's tasks. ``there`` were done before, ``refused`` failed for good in an
    earlier run, which ``taue batch retry`` forgets."""

    asked: int
    there: int
    refused: int
    made: int = 0
    failed: list[tuple[Task, str]] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def whole(self) -> bool:
        return not (self.refused or self.failed)


def attempts_of(store: Store) -> dict[str, list[Attempt]]:
    """What was begun and did not come to its end, by id, in order."""
    found: dict[str, list[Attempt]] = {}
    for name in store.names(ATTEMPTS):
        data = store.read(name)
        if data is not None:
            key = name.rpartition("/")[2].partition(".")[0]
            found.setdefault(key, []).append(Attempt.model_validate_json(data))
    return {key: sorted(some, key=lambda one: one.number) for key, some in found.items()}


def drive(
    store: Store,
    tasks: Sequence[Task],
    engine: Engine,
    tell: Callable[[Outcome | None, Summary], None] = lambda outcome, summary: None,
) -> Summary:
    """Make what of some tasks is missing in a store.

    Args:
        store: prepared.
        tasks: all that there should be.
        engine: what runs the workers, and how.
        tell: called once with None before anything is made, then of every outcome.

    Raises:
        TaueError: if the store or the engine fails; what was made stays.
    """
    began, recipe = time.perf_counter(), engine.recipe
    done, attempts = ids_of(store.names(DONE)), attempts_of(store)
    missing = [task for task in tasks if task.id not in done]
    refused = {key for key, tried in attempts.items() if any(one.final for one in tried)}
    todo = [task for task in missing if task.id not in refused]
    tried = {task.id: attempts[task.id][-1].number for task in todo if task.id in attempts}
    summary = Summary(len(tasks), len(tasks) - len(missing), len(missing) - len(todo))
    tell(None, summary)
    with Index(store, done) as index:
        waiting = todo
        while waiting:
            size = portion_size(len(waiting), recipe.together)
            queue = Queue(portions(waiting, size), tried, recipe.attempts)
            engine.run(queue, lambda outcome: _noted(outcome, summary, index, tell))
            for task in queue.given_up:
                _give_up(store, task, summary, tell)
            tried = {}
            waiting = _still_missing(store, queue.elsewhere)
    summary.seconds = time.perf_counter() - began
    return summary


def _noted(
    outcome: Outcome,
    summary: Summary,
    index: Index,
    tell: Callable[[Outcome | None, Summary], None],
) -> None:
    if outcome.kind == "done":
        summary.made += 1
        index.add(outcome.row or {})
    elif outcome.kind == "there":  # made by a worker that ended before it told, or elsewhere
        summary.there += 1
        index.add_marked(outcome.task.id)
    elif outcome.kind == "failed" and outcome.final:
        summary.failed.append((outcome.task, outcome.error))
    if outcome.kind != ELSEWHERE:
        tell(outcome, summary)


def _give_up(
    store: Store,
    task: Task,
    summary: Summary,
    tell: Callable[[Outcome | None, Summary], None],
) -> None:
    """A scene that ended its process as often as it may; or failed so, and left its last error."""
    name = attempt_name(task.id, task.attempt)
    data = store.read(name)
    last = Attempt.model_validate_json(data) if data else Attempt(number=task.attempt)
    error = last.error or DIED.format(task.attempt)
    final = last.model_copy(update={"error": error, "final": True, "line": task.line})
    store.put(name, final.model_dump_json().encode())
    summary.failed.append((task, error))
    tell(Outcome(task, "failed", error, final=True), summary)


def _still_missing(store: Store, tasks: Sequence[Task]) -> list[Task]:
    """Of what another run was making, what it has not made yet; waits while all is being made."""
    if not tasks:
        return []
    time.sleep(WAIT)
    kinds = Counter(task.id for task in tasks if store.read(marker_name(task.id)) is None)
    return [task for task in tasks if kinds[task.id]]
