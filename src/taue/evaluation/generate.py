"""A run, item by item: it can be killed at any time, and any number of processes may share it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from taue.disk.files import FolderFiles
from taue.disk.unfinished import sweep
from taue.disk.writing import complete_folder, whole_file
from taue.errors import TaueError
from taue.evaluation.checked import read_checked
from taue.evaluation.dataset import DataSet, Pair
from taue.evaluation.items import Item, write_item
from taue.evaluation.runs import ITEMS, RUN, RunAbout
from taue.scene import Scene
from taue.work.jobs import DONE, Job, Outcome
from taue.work.place import place_blamed
from taue.work.tried import Tried

LOCKS, ATTEMPTS = ".locks", ".attempts"


def begin(out: Path, data: DataSet, method: str, copies: bool, options: dict[str, Any]) -> None:
    """Make a run's folder, or make sure that the one that is there is the same run.

    Raises:
        TaueError: if it is another one, or cannot be written.
    """
    about = RunAbout(
        method=method, copies=copies, data=str(data.folder.resolve()), digest=data.digest,
        pictures=len(data.pairs), options=options,
    )  # fmt: skip
    try:
        if out.exists() and not (out / LOCKS).is_dir() and any(out.iterdir()):
            raise TaueError(f"out {str(out)!r} exists and is no run; name another folder.")
        for folder in (out / LOCKS, out / ITEMS, out / ATTEMPTS):
            folder.mkdir(parents=True, exist_ok=True)
        sweep(out / ATTEMPTS)
        with FileLock(out / LOCKS / RUN):
            if not (out / RUN).exists():
                with whole_file(out / RUN) as stream:
                    stream.write(about.model_dump_json(indent=2).encode() + b"\n")
            _check_same(out, read_checked(out / RUN, RunAbout), about)
    except OSError as error:
        raise TaueError(
            f"out {str(out)!r} cannot be written ({error.strerror or error}); name another folder."
        ) from error


def missing(out: Path, pairs: Sequence[Pair]) -> list[Pair]:
    """Pairs that the run has no item of yet."""
    return [pair for pair in pairs if not (out / ITEMS / pair.id).exists()]


@dataclass(frozen=True)
class PairJob(Job):
    """A pair to be drawn, and the scene of our own method for it."""

    pair: Pair
    scene: Scene


class RunPlace:
    """A run, where items appear whole or not at all; see :class:`taue.work.place.Place`.

    Claims are the system's locks, which end with their process.

    Args:
        out: the run's folder, begun.
    """

    def __init__(self, out: Path) -> None:
        self.out = out
        self._blamed = partial(place_blamed, self._unwritten)
        self.tried = Tried(FolderFiles(out, ATTEMPTS, self._blamed), ATTEMPTS)

    @contextmanager
    def claimed(self, key: str) -> Iterator[bool]:
        lock, ours = FileLock(self.out / LOCKS / key), False
        with self._blamed(), suppress(Timeout):
            lock.acquire(timeout=0)
            ours = True
        try:
            yield ours
        finally:
            if ours:
                lock.release()

    def there(self, key: str) -> bool:
        return (self.out / ITEMS / key).exists()

    def begin(self, job: PairJob, together: int) -> PairJob:
        return self.tried.begin(job, together)

    def failed(self, job: PairJob, error: Exception, told: str, *, final: bool) -> None:
        self.tried.failed(job, told, final=final)

    def keep(self, job: PairJob, made: Item, seconds: float, together: int) -> Outcome[PairJob]:
        made.cost.seconds = round(seconds, 3)
        with self._blamed(), complete_folder(self.out / ITEMS / job.id) as folder:
            write_item(made, folder)
        self.tried.ended(job)
        return Outcome(job, DONE, seconds=seconds)

    def _unwritten(self, reason: str) -> str:
        return f"out {str(self.out)!r} cannot be written ({reason}); make room for it."


def _check_same(out: Path, there: RunAbout, asked: RunAbout) -> None:
    """TaueError unless the run that is there is the one that is asked for."""
    if there.method != asked.method:
        what = f"method {there.method} and not {asked.method}"
    elif there.digest != asked.digest:
        what = "another data set"
    else:
        names = sorted({*there.options, *asked.options})
        told = ((n, there.options.get(n), asked.options.get(n)) for n in names)
        changed = next(((n, old, new) for n, old, new in told if old != new), None)
        if changed is None:
            return
        what = f"{changed[0]} {changed[1]} and not {changed[2]}"
    raise TaueError(f"run {str(out)!r} is of {what}; name another folder, or go on as it began.")
