"""The worker of a batch: scenes into a store's results, each with its marker last."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager
from pathlib import Path

from taue.batch.ids import file_hash
from taue.batch.maker import Made, Maker, Recipe
from taue.batch.plan import Task
from taue.batch.records import Kept, Marker
from taue.batch.rows import row_of
from taue.batch.store import Store, marker_name
from taue.work.jobs import DONE, THERE, Outcome, this_process
from taue.work.place import place_blamed
from taue.work.tried import Tried
from taue.work.worker import Worker


class StoreWorker(Worker[Task]):
    """Makes tasks for a store.

    Args:
        store: where results go.
        recipe: how.
        number: of this worker on its machine, from 0.
    """

    def __init__(self, store: Store, recipe: Recipe, number: int = 0) -> None:
        self.maker: Maker = recipe.new_maker(number)
        super().__init__(
            StorePlace(store),
            lambda tasks: self.maker.make([task.read() for task in tasks]),
            recipe.together,
            recipe.attempts,
        )


class StorePlace:
    """See :class:`taue.work.place.Place`."""

    def __init__(self, store: Store) -> None:
        self.store, self.tried = store, Tried(store)

    def claimed(self, key: str) -> AbstractContextManager[bool]:
        return self.store.claimed(key)

    def there(self, key: str) -> bool:
        return self.store.read(marker_name(key)) is not None

    def begin(self, job: Task, together: int) -> Task:
        return self.tried.begin(job, together)

    def failed(self, job: Task, error: Exception, told: str, *, final: bool) -> None:
        self.tried.failed(job, told, final=final)

    def keep(self, job: Task, made: Made, seconds: float, together: int) -> Outcome[Task]:
        """A result into the store, its marker last."""
        began = time.perf_counter()
        with self.store.filling() as folder:
            with place_blamed(self._unwritten):
                row = made.write(folder)
                written = time.perf_counter()
                files = {
                    path.relative_to(folder).as_posix(): _kept(path)
                    for path in sorted(folder.rglob("*"))
                    if path.is_file()
                }
            place = self.store.place(job.id, folder)
        size = sum(one.size for one in files.values())
        row = {**row_of(job, place, files), "worker": this_process(), "bytes": size, **row}
        row |= {
            "together": together,
            "seconds": round(seconds, 3),
            "finished": round(time.time(), 3),
        }
        marker = Marker(id=job.id, place=place, files=files, row=row)
        data = marker.model_dump_json().encode()
        if not self.store.put_new(marker_name(job.id), data):
            there = self.store.read(marker_name(job.id))
            if there is None or Marker.model_validate_json(there).place != place:
                self.store.remove_place(place)
            return Outcome(job, THERE)
        self.tried.ended(job)
        ended = time.perf_counter()
        return Outcome(job, DONE, seconds=seconds + written - began, overhead=ended - written,
                       row=row)  # fmt: skip

    def _unwritten(self, reason: str) -> str:
        return (
            f"store {self.store.where!r} cannot be written ({reason}); mend that, and the same "
            "command goes on where it was."
        )


def _kept(path: Path) -> Kept:
    return Kept(size=path.stat().st_size, sha256=file_hash(path))
