"""Engines of a batch on one machine."""

from __future__ import annotations

from dataclasses import dataclass

from taue.batch.maker import Recipe
from taue.batch.plan import Task
from taue.batch.store import Store
from taue.batch.stores import open_store
from taue.batch.worker import StoreWorker
from taue.work.engines import InProcess, Processes
from taue.work.tried import Tried


@dataclass(frozen=True)
class StoreWorkers:
    """See :class:`taue.work.engines.Crew`: each opens the store for itself."""

    where: str
    recipe: Recipe

    def worker(self, number: int) -> StoreWorker:
        return StoreWorker(open_store(self.where), self.recipe, number)

    def begun(self, job: Task) -> bool:
        return Tried(open_store(self.where)).begun(job)


class StoreInProcess(InProcess[Task]):
    """One worker, here."""

    def __init__(self, store: Store, recipe: Recipe) -> None:
        super().__init__(lambda: StoreWorker(store, recipe))
        self.recipe = recipe


class StoreProcesses(Processes[Task]):
    """So many workers.

    Args:
        where: the store.
        recipe: what each is told.
        count, context: as of :class:`taue.work.engines.Processes`.
    """

    def __init__(self, where: str, recipe: Recipe, count: int, context: str = "spawn") -> None:
        super().__init__(StoreWorkers(where, recipe), count, context)
        self.recipe = recipe
