"""What the tests of batches share: scenes files, a sleeping model, drivers in processes of their
own."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.sleeping import MAKER
from taue.batch.maker import Recipe
from taue.batch.plan import Task, save_plan, tasks_of
from taue.batch.scenes import read_scenes
from taue.batch.store import DONE, Store
from taue.batch.stores import open_store

PATIENCE = 60.0


def scenes_file(folder: Path, count: int, **fields: Any) -> Path:
    """A file of one template line, by as many seeds in a row from 1."""
    scene = {
        "background": "a beach",
        "subjects": [{"prompt": "a red ball"}],
        "seed": {"range": [1, count]},
        "steps": 2,
        "canvas": {"width": 64, "height": 64},
        **fields,
    }
    path = folder / "scenes.jsonl"
    path.write_text(json.dumps(scene) + "\n", encoding="utf-8")
    return path


def prepared(where: str | Path, file: Path) -> tuple[Store, list[Task]]:
    """A store, and what of a file is asked of it."""
    store, tasks = open_store(str(where)), tasks_of(read_scenes(file))
    store.prepare()
    save_plan(store, tasks)
    return store, tasks


def sleeping(**options: Any) -> Recipe:
    """A recipe with the model that sleeps."""
    attempts = options.pop("attempts", 3)
    return Recipe(maker=MAKER, attempts=attempts, options=options)


def forked(work: Callable[[], object]) -> int:
    """Do something in a process of its own; its id."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        work()
        code = 0
    finally:
        os._exit(code)


def until(reached: Callable[[], bool]) -> None:
    """Wait for it, with an end."""
    ends = time.monotonic() + PATIENCE
    while not reached():
        assert time.monotonic() < ends
        time.sleep(0.005)


def done(store: Store) -> Sequence[str]:
    return store.names(DONE)
