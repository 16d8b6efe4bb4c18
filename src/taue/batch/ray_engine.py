"""Workers on a Ray cluster: actors that keep their model, on whatever nodes there are or come."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from taue.batch.engines import StoreWorkers
from taue.batch.maker import Recipe
from taue.batch.plan import Task
from taue.errors import TaueError
from taue.together import default_size
from taue.work.engines import MOST_IDLE_DEATHS
from taue.work.jobs import Outcome
from taue.work.queue import Queue

LOCAL = "local"
LOOK = 2.0
"""Seconds between looks at what the cluster has."""

CPUS_BESIDE_GPU = 0.5
"""Of a worker whose work is on its GPU."""


@dataclass
class Actor:
    """A worker's handle, what it answers when it is ready, and what it is at."""

    handle: Any
    ready: Any
    outcomes: Any = None
    portion: list[Task] = field(default_factory=list)


class RayActors:
    """Workers as actors of Ray.

    Args:
        where: the store, which every node reaches by this name.
        recipe: what each worker is told.
        address: of the cluster; "local" starts one here, "auto" finds the one that runs here.
        count: of workers; None for as many as the cluster has GPUs, or CPUs if it has none, also
            while nodes come.
        cpus: of each worker, which may be a fraction; None for 1, or less beside a GPU.

    Raises:
        TaueError: if Ray is not installed, or the cluster not reached.
    """

    def __init__(
        self,
        where: str,
        recipe: Recipe,
        address: str = LOCAL,
        count: int | None = None,
        cpus: float | None = None,
    ) -> None:
        self.ray = _ray()
        self.count = count
        _connect(self.ray, address)
        gpus = self.ray.cluster_resources().get("GPU", 0) > 0 and recipe.machine.device != "cpu"
        self.gpus, self.cpus = int(gpus), cpus or (CPUS_BESIDE_GPU if gpus else 1.0)
        together = recipe.together or default_size("cuda" if gpus else "cpu")
        threads = recipe.threads if gpus else max(1, int(self.cpus))
        self.recipe = replace(recipe, together=together, threads=threads)
        self.crew = StoreWorkers(where, self.recipe)
        # Death is ours to count: a scene that ends its process would be tried for ever.
        options = {"max_restarts": 0, "max_task_retries": 0}
        self._class = self.ray.remote(num_cpus=self.cpus, num_gpus=self.gpus, **options)(Served)
        self.actors: list[Actor] = []
        self._idle_deaths = 0

    def run(self, queue: Queue[Task], tell: Callable[[Outcome[Task]], None]) -> None:
        self._idle_deaths = 0
        try:
            while not queue.finished:
                self._hire()
                self._hand_out(queue)
                waited = {self._awaited(one): one for one in self.actors if self._awaited(one)}
                heard, _ = self.ray.wait(list(waited), num_returns=1, timeout=LOOK)
                for ref in heard:
                    self._hear(waited[ref], queue, tell)
        finally:
            for one in self.actors:
                self.ray.kill(one.handle)
            self.actors = []

    def _hire(self) -> None:
        """As many actors as there is room for; those beyond wait for nodes, and call for them."""
        wanted = self.count
        if wanted is None:
            there = self.ray.cluster_resources()
            of, each = ("GPU", self.gpus) if self.gpus else ("CPU", self.cpus)
            wanted = max(1, int(there.get(of, 0) / each))
        while len(self.actors) < wanted:
            handle = self._class.remote(self.crew)
            self.actors.append(Actor(handle, handle.ready.remote()))

    def _hand_out(self, queue: Queue[Task]) -> None:
        for one in self.actors:
            if one.ready is None and one.outcomes is None:
                portion = queue.next()
                if portion is None:
                    return
                one.portion = list(portion)
                call = one.handle.work.options(num_returns="streaming")
                one.outcomes = call.remote(portion)

    @staticmethod
    def _awaited(one: Actor) -> Any:
        return one.ready if one.ready is not None else one.outcomes

    def _hear(self, one: Actor, queue: Queue[Task], tell: Callable[[Outcome[Task]], None]) -> None:
        errors = self.ray.exceptions
        try:
            if one.ready is not None:
                self.ray.get(one.ready)
                one.ready = None
                return
            said = self.ray.get(next(one.outcomes))
        except StopIteration:
            one.outcomes = None
            return
        except errors.RayTaskError as error:
            raise TaueError(str(error.cause or error).strip().splitlines()[-1]) from error
        except (errors.RayError, OSError):
            self._bury(one, queue)
            return
        self._idle_deaths = 0
        one.portion = [task for task in one.portion if task.id != said.task.id]
        if queue.ended(said):
            tell(said)

    def _bury(self, one: Actor, queue: Queue[Task]) -> None:
        """An actor or its node ended: what it was at is tried again, alone."""
        self.actors.remove(one)
        self.ray.kill(one.handle)  # were it only out of reach, it would go on beside the next
        began = any(self.crew.begun(task) for task in one.portion)
        queue.lost(one.portion, self.crew.begun)
        self._idle_deaths = 0 if began else self._idle_deaths + 1
        if self._idle_deaths >= MOST_IDLE_DEATHS:
            raise TaueError(
                "Ray's workers end before they make anything; look at its logs, or run without "
                "--ray to see why."
            )


class Served:
    """What an actor is."""

    def __init__(self, crew: StoreWorkers) -> None:
        self.worker = crew.worker(0)

    def ready(self) -> bool:
        """Answers once the worker can work."""
        return True

    def work(self, portion: tuple[Task, ...]) -> Any:
        """Outcomes, one by one."""
        yield from self.worker.work(portion)


def _ray() -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing goes out of the cluster
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        import ray
        import ray.exceptions
    except ImportError as error:
        raise TaueError('--ray needs Ray; install it with pip install "taue[ray]".') from error
    return ray


def _connect(ray: Any, address: str) -> None:
    if ray.is_initialized():
        return
    told = {"log_to_driver": False, "logging_level": "error"}
    try:
        if address == LOCAL:
            ray.init(include_dashboard=False, **told)
        else:
            ray.init(address=address, **told)
    except Exception as error:
        reason = str(error).strip().partition("\n")[0].rstrip(".")
        raise TaueError(
            f"ray is {address!r}, and no cluster is reached there ({reason}); give its address, or "
            "local."
        ) from error
