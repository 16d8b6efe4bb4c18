"""The driver of a run: what is missing goes out through an engine, what comes back is told."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from taue.batch.index import Index
from taue.batch.maker import Recipe
from taue.batch.plan import Task, portion_size, portions
from taue.batch.store import DONE, Store, ids_of, marker_name
from taue.batch.worker import StorePlace
from taue.work.engines import Engine
from taue.work.jobs import DONE as MADE
from taue.work.jobs import ELSEWHERE, FAILED, THERE, Outcome
from taue.work.queue import Queue
from taue.work.tried import Attempt, given_up, last_outcome

WAIT = 2.0
"""Seconds between looks at what another run is making."""


class BatchEngine(Engine[Task], Protocol):
    """Runs workers of a store.

    Attributes:
        recipe: what they are told.
    """

    recipe: Recipe


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


def drive(
    store: Store,
    tasks: Sequence[Task],
    engine: BatchEngine,
    tell: Callable[[Outcome[Task] | None, Summary], None] = lambda outcome, summary: None,
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
    began, recipe, place = time.perf_counter(), engine.recipe, StorePlace(store)
    done, attempts = ids_of(store.names(DONE)), place.tried.all()
    missing = [task for task in tasks if task.id not in done]
    refused = given_up(attempts)
    todo = [task for task in missing if task.id not in refused]
    summary = Summary(len(tasks), len(tasks) - len(missing), len(missing) - len(todo))
    tell(None, summary)
    with Index(store, done) as index:

        def note(outcome: Outcome[Task]) -> None:
            _noted(outcome, summary, index, tell)

        while todo:
            size = portion_size(len(todo), recipe.together)
            tried = {task.id: attempts[task.id][-1].number for task in todo if task.id in attempts}
            queue = Queue(portions(todo, size), tried, recipe.attempts)
            engine.run(queue, note)
            waiting = queue.elsewhere
            for task in queue.given_up:
                ended = last_outcome(task, place, place.tried)
                if ended.kind == ELSEWHERE:
                    waiting.append(task)
                else:
                    note(ended)
            if waiting:
                time.sleep(WAIT)
                attempts = place.tried.all()
            todo = _still_missing(waiting, store, attempts, note)
    summary.seconds = time.perf_counter() - began
    return summary


def _noted(
    outcome: Outcome[Task],
    summary: Summary,
    index: Index,
    tell: Callable[[Outcome[Task] | None, Summary], None],
) -> None:
    if outcome.kind == MADE:
        summary.made += 1
        index.add(outcome.row or {})
    elif outcome.kind == THERE:  # made by a worker that ended before it told, or elsewhere
        summary.there += 1
        index.add_marked(outcome.task.id)
    elif outcome.kind == FAILED and outcome.final:
        summary.failed.append((outcome.task, outcome.error))
    if outcome.kind != ELSEWHERE:
        tell(outcome, summary)


def _still_missing(
    tasks: Sequence[Task],
    store: Store,
    attempts: Mapping[str, Sequence[Attempt]],
    note: Callable[[Outcome[Task]], None],
) -> list[Task]:
    """Of what another run was making, what it has neither made nor given up since."""
    missing: list[Task] = []
    for task in tasks:
        errors = [one.error or "" for one in attempts.get(task.id, ()) if one.final]
        if store.read(marker_name(task.id)) is not None:
            note(Outcome(task, THERE))
        elif errors:
            note(Outcome(task, FAILED, errors[-1], final=True))
        else:
            missing.append(task)
    return missing
