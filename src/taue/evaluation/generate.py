"""A run, item by item: it can be killed at any time, and any number of processes may share it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from taue.disk.writing import complete_folder, whole_file
from taue.errors import TaueError
from taue.evaluation.checked import read_checked
from taue.evaluation.dataset import DataSet, Pair
from taue.evaluation.items import Item, write_item
from taue.evaluation.runs import ITEMS, RUN, RunAbout

LOCKS = ".locks"


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
        for folder in (out / LOCKS, out / ITEMS):
            folder.mkdir(parents=True, exist_ok=True)
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


def make_item(out: Path, pair: Pair, make: Callable[[Pair], Item]) -> bool:
    """Make one item, unless it is there or another process is at it.

    It appears whole or not at all. The lock is the system's: it ends with its process.

    Returns:
        Whether it was made here.

    Raises:
        TaueError: if the folder cannot be written; and whatever ``make`` raises.
    """
    goal = out / ITEMS / pair.id
    try:
        with FileLock(out / LOCKS / pair.id, timeout=0):
            if goal.exists():
                return False
            started = time.perf_counter()
            item = make(pair)
            item.cost.seconds = round(time.perf_counter() - started, 3)
            with complete_folder(goal) as folder:
                write_item(item, folder)
    except Timeout:
        return False
    except OSError as error:
        raise TaueError(
            f"out {str(out)!r} cannot be written ({error.strerror or error}); make room for it."
        ) from error
    return True


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
