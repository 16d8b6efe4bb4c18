"""Engines on one machine: in this process, or several processes with a model each."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from typing import Any, Generic, Protocol

from taue.errors import TaueError
from taue.work.jobs import J, Outcome, Portion
from taue.work.place import PlaceError
from taue.work.queue import Queue
from taue.work.worker import Worker

LOOK = 0.5
"""Seconds between looks at whether the driver is still there."""

PATIENCE = 10.0
"""Seconds that a worker may take to end once it is told to."""

MOST_IDLE_DEATHS = 3
"""Workers that may end in a row before any of them tells of a scene."""


class Crew(Protocol[J]):
    """Workers of one place; it can be sent to other processes."""

    def worker(self, number: int) -> Worker[J]:
        """The ``number``-th worker of a machine, from 0."""
        ...

    def begun(self, job: J) -> bool:
        """Whether some worker had begun a job's attempt."""
        ...


class Engine(Protocol[J]):
    """Runs workers."""

    def run(self, queue: Queue[J], tell: Callable[[Outcome[J]], None]) -> None:
        """Until the queue is finished; ``tell`` of every outcome.

        Raises:
            TaueError: if it cannot go on.
        """
        ...


class InProcess(Generic[J]):
    """One worker, here, which is made when there is something to do."""

    def __init__(self, new_worker: Callable[[], Worker[J]]) -> None:
        self._new = new_worker
        self._worker: Worker[J] | None = None

    def run(self, queue: Queue[J], tell: Callable[[Outcome[J]], None]) -> None:
        while (portion := queue.next()) is not None:
            self._worker = self._worker or self._new()
            for outcome in self._worker.work(portion):
                if queue.ended(outcome):
                    tell(outcome)


@dataclass
class Hand(Generic[J]):
    """A worker's process, and what it is at."""

    process: Any
    line: Any
    portion: list[J] = field(default_factory=list)


class Processes(Generic[J]):
    """So many workers, each a process with a model of its own.

    Args:
        crew: whose workers.
        count: how many.
        context: how processes are started, as of :mod:`multiprocessing`; only "spawn" suits GPUs.
    """

    def __init__(self, crew: Crew[J], count: int, context: str = "spawn") -> None:
        self.crew, self.count = crew, count
        self._context: Any = multiprocessing.get_context(context)
        self.hands: dict[int, Hand[J]] = {}
        self._idle_deaths = 0

    def run(self, queue: Queue[J], tell: Callable[[Outcome[J]], None]) -> None:
        self._idle_deaths = 0
        try:
            while not queue.finished:
                self._hand_out(queue)
                lines: dict[Any, int] = {hand.line: n for n, hand in self.hands.items()}
                for line in wait(list(lines)):
                    self._hear(lines[line], queue, tell)
        finally:
            self._end()

    def _hand_out(self, queue: Queue[J]) -> None:
        """A portion for each worker that has none, and a new worker where one is missing."""
        for number in range(self.count):
            hand = self.hands.get(number)
            if hand is not None and hand.portion:
                continue
            portion = queue.next()
            if portion is None:
                return
            if hand is None:
                hand = self.hands[number] = self._start(number)
            self._send(hand, portion)

    def _send(self, hand: Hand[J], portion: Portion[J]) -> None:
        hand.portion = list(portion)
        with suppress(OSError):  # it ended, which is heard next
            hand.line.send(portion)

    def _start(self, number: int) -> Hand[J]:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(
            target=work_for, args=(self.crew, number, theirs), daemon=True
        )
        process.start()
        theirs.close()
        return Hand(process, ours)

    def _hear(self, number: int, queue: Queue[J], tell: Callable[[Outcome[J]], None]) -> None:
        hand = self.hands[number]
        try:
            said = hand.line.recv()
        except (EOFError, OSError):
            self._bury(self.hands.pop(number), queue)
            return
        if isinstance(said, TaueError):
            raise said
        self._idle_deaths = 0
        hand.portion = [task for task in hand.portion if task.id != said.task.id]
        if queue.ended(said):
            tell(said)

    def _bury(self, hand: Hand[J], queue: Queue[J]) -> None:
        """A worker ended: what it was at is tried again, alone."""
        hand.process.join()
        hand.line.close()
        began = any(self.crew.begun(task) for task in hand.portion)
        queue.lost(hand.portion, self.crew.begun)
        self._idle_deaths = 0 if began else self._idle_deaths + 1
        if self._idle_deaths >= MOST_IDLE_DEATHS:
            raise TaueError(
                f"workers end before they make anything (exit code {hand.process.exitcode}); run "
                "without --workers to see why."
            )

    def _end(self) -> None:
        """Let idle workers end by themselves; stop the others."""
        for hand in self.hands.values():
            if hand.portion:
                hand.process.terminate()
            else:
                with suppress(OSError):
                    hand.line.send(None)
        for hand in self.hands.values():
            hand.process.join(PATIENCE)
            if hand.process.is_alive():
                hand.process.kill()
                hand.process.join()
            hand.line.close()
        self.hands = {}


def work_for(crew: Crew[Any], number: int, line: Any) -> None:
    """A worker's process: portions in, outcomes out, until the driver is gone."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the driver hears it, and ends us
    driver = os.getppid()
    try:
        worker = crew.worker(number)
        while (portion := _heard(line, driver)) is not None:
            for outcome in worker.work(portion):
                _say(line, outcome)
                if os.getppid() != driver:
                    return
    except PlaceError as error:
        _say(line, error)
    except Exception as error:  # noqa: BLE001 (the driver is to say what it was, and to end)
        told = str(error) if isinstance(error, TaueError) else repr(error)
        _say(line, TaueError(f"a worker ended: {told}"))


def _heard(line: Any, driver: int) -> Any:
    """What the driver sends; None if it is gone, or there is nothing more to do."""
    with suppress(EOFError, OSError):
        while not line.poll(LOOK):
            if os.getppid() != driver:
                return None
        return line.recv()
    return None


def _say(line: Any, what: Any) -> None:
    with suppress(OSError):  # nobody listens any more
        line.send(what)
