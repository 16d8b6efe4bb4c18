"""Drawing a run: its pairs by workers that each keep a model, here or in processes of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taue import devices, run
from taue.evaluation.generate import PairJob, RunPlace
from taue.evaluation.items import Item
from taue.evaluation.methods import ComparedMethod, Drawing
from taue.evaluation.methods.base import counting, require_drawn
from taue.scene import Scene
from taue.work.engines import Engine
from taue.work.jobs import DONE, FAILED, Outcome
from taue.work.queue import Queue
from taue.work.tried import given_up, last_outcome
from taue.work.worker import ATTEMPTS, Worker

if TYPE_CHECKING:
    from taue.pipeline import TauePipeline


@dataclass(frozen=True)
class RunWorkers:
    """Workers of a run; see :class:`taue.work.engines.Crew`.

    Attributes:
        out: the run.
        method: gives what they draw with; it can be sent to other processes.
        scene: any of the run, which names the model.
        device, dtype: as of :mod:`taue.devices`.
        threads: of each, on a CPU; 0 for the library's choice.
    """

    out: Path
    method: Callable[[], ComparedMethod]
    scene: Scene
    device: str
    dtype: str
    threads: int = 0

    def worker(self, number: int) -> Worker[PairJob]:
        return Worker(RunPlace(self.out), self._loaded(number).make)

    def begun(self, job: PairJob) -> bool:
        return RunPlace(self.out).tried.begun(job)

    def _loaded(self, number: int) -> Drawer:
        place, kind = devices.choose(devices.own(self.device, number), self.dtype)
        devices.take_threads(place, self.threads)
        pipe, method = run.load(self.scene, place, kind), self.method()
        pipe.set_progress_bar_config(disable=True)
        require_drawn(method, pipe)
        return Drawer(pipe, method)


@dataclass(frozen=True)
class Drawer:
    """A method with the model that it draws with."""

    pipe: TauePipeline
    method: ComparedMethod

    def make(self, jobs: Sequence[PairJob]) -> list[Item]:
        """Items, one after the other, each with the evaluations that it took."""
        return [self._drawn(one) for one in jobs]

    def _drawn(self, job: PairJob) -> Item:
        with counting(self.pipe.network) as count:
            item = self.method.make(Drawing(self.pipe, job.pair, job.scene))
        item.cost.unet_evaluations = count[0]
        return item


@dataclass
class RunOutcome:
    """How many items were made, and the pairs that failed with their errors."""

    made: int = 0
    failed: list[tuple[PairJob, str]] = field(default_factory=list)


def draw_run(
    out: Path,
    jobs: Iterable[PairJob],
    engine: Engine[PairJob],
    tell: Callable[[], Any] = lambda: None,
) -> RunOutcome:
    """Draw what a run lacks. A pair that fails stops no other; the next call tries it again.

    Args:
        out: the run, begun.
        jobs: what it lacks.
        engine: runs the workers.
        tell: called once for every pair that is settled.

    Raises:
        TaueError: if the run cannot be written, or the model not be loaded.
    """
    drawn, place, wanted = RunOutcome(), RunPlace(out), {one.id: one for one in jobs}
    attempts = {key: some for key, some in place.tried.all().items() if key in wanted}
    finals = given_up(attempts)
    for key in finals:
        place.tried.forget(key, attempts[key])
    ended = {key: some[-1].number for key, some in attempts.items() if key not in finals}

    def note(outcome: Outcome[PairJob]) -> None:
        drawn.made += outcome.kind == DONE
        if outcome.kind == FAILED:
            drawn.failed.append((outcome.task, outcome.error))
        tell()

    queue = Queue([(one,) for one in wanted.values()], ended, ATTEMPTS)
    engine.run(queue, note)
    for one in queue.given_up:
        note(last_outcome(one, place, place.tried))
    return drawn
