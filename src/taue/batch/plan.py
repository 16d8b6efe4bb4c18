"""What is to be made: scenes with their ids, in an order in which neighbours share work."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from taue.batch.ids import model_digest, scene_id
from taue.batch.scenes import Told
from taue.batch.store import PLANS, Store, StoreError
from taue.errors import TaueError
from taue.scene import Scene
from taue.work.jobs import Job

PORTION, SHARES = 8, 64
"""Scenes that are handed to a worker at once at most, and portions that there are at least if there
are so many scenes: few hand-overs, and all workers end at about the same time."""


@dataclass(frozen=True)
class Task(Job):
    """A scene to be made, as text so that it travels lightly; ``model`` is its digest."""

    model: str
    scene: str

    def read(self) -> Scene:
        """The scene."""
        return Scene.from_data(json.loads(self.scene))


def tasks_of(told: Iterable[Told]) -> list[Task]:
    """Tasks in the scenes' order, the first of those that are the same scene.

    Raises:
        TaueError: if a model is not to be had.
    """
    tasks: dict[str, Task] = {}
    for one in told:
        try:
            digest = model_digest(one.scene)
        except TaueError as error:
            raise TaueError(f"line {one.line}: {error}") from error
        text = json.dumps(one.scene.model_dump(mode="json", exclude_none=True), ensure_ascii=False)
        key = scene_id(one.scene, digest)
        tasks.setdefault(key, Task(key, one.line, digest, text))
    return list(tasks.values())


def save_plan(store: Store, tasks: Sequence[Task]) -> str:
    """Keep in a store what is asked of it; the same tasks are kept once. The plan's name."""
    lines = [
        f'{{"id": "{t.id}", "line": {t.line}, "model": "{t.model}", "scene": {t.scene}}}\n'
        for t in tasks
    ]
    text = "".join(lines).encode("utf-8", "surrogatepass")
    name = f"{PLANS}/{hashlib.sha256(text).hexdigest()[:16]}.jsonl.gz"
    store.put_new(name, gzip.compress(text, 6, mtime=0))
    return name


def planned(store: Store) -> dict[str, Task]:
    """Every task that a store was ever asked for, by its id.

    Raises:
        StoreError: if a plan is broken.
    """
    tasks: dict[str, Task] = {}
    for name in store.names(PLANS):
        try:
            for line in gzip.decompress(store.read(name) or b"").splitlines():
                told = json.loads(line)
                scene = json.dumps(told["scene"], ensure_ascii=False)
                task = Task(told["id"], told["line"], told["model"], scene)
                tasks.setdefault(task.id, task)
        except (OSError, EOFError, ValueError, KeyError) as error:
            raise StoreError(
                f"store {store.where!r} has a broken plan {name}; remove that file and run its "
                "scenes file again."
            ) from error
    return tasks


def portion_size(count: int, together: int = 1) -> int:
    """Scenes of a portion, of so many; a batch of them at least."""
    return max(together, min(PORTION, count // SHARES), 1)


def portions(tasks: Iterable[Task], size: int = PORTION) -> Iterator[tuple[Task, ...]]:
    """Tasks in lists that each can be one batch: one model, canvas and method; those that share
    subjects and seed beside each other."""
    keyed = sorted(((_key(task), number, task) for number, task in enumerate(tasks)))
    held: list[Task] = []
    last: Any = None
    for (batch, _), _, task in keyed:
        if held and (batch != last or len(held) == size):
            yield tuple(held)
            held = []
        held.append(task)
        last = batch
    if held:
        yield tuple(held)


OWN = ("subjects", "seed", "background", "scene", "first_background", "first_scene")
"""Fields in which scenes of one batch may differ; the first two decide the subjects."""


def _key(task: Task) -> tuple[str, str]:
    told = json.loads(task.scene)
    own = {name: told.pop(name, None) for name in (*OWN, "negative_prompt")}
    alike = json.dumps({"model": task.model, **told}, sort_keys=True)
    return alike, json.dumps([own["subjects"], own["seed"]], sort_keys=True)
