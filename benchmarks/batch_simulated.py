"""A run on a thousand GPUs, simulated: the driver's own queue and index, workers that are numbers.

python -m benchmarks.batch_simulated [OUT.json] [--workers 1000] [--scenes 100000]

Time is virtual: a scene takes 12 to 20 seconds, a model two minutes to load, and some workers die
on the way and are replaced. What is measured is the driver: seconds of its processor, and how well
the workers are used by the portions that it hands out.
"""

from __future__ import annotations

import argparse
import heapq
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.batch_cost import asked_store
from taue.batch.driver import drive
from taue.batch.maker import Recipe
from taue.batch.plan import Task
from taue.work.jobs import Outcome
from taue.work.queue import Queue

SHORTEST, LONGEST, LOAD = 12.0, 20.0, 120.0
"""Virtual seconds of a scene, and of a model's way from disk to GPU."""


class Simulated:
    """So many workers in virtual time, ``deaths`` of which end while they make a scene."""

    def __init__(self, workers: int, deaths: int, lasts: float, seed: int = 0) -> None:
        self.recipe = Recipe()
        self.workers, self.random = workers, random.Random(seed)  # noqa: S311 (no secret)
        self.dies = sorted(self.random.uniform(0, lasts) for _ in range(deaths))
        self.busy = self.ends = 0.0
        self.died = 0

    def run(self, queue: Queue, tell: Callable[[Outcome], None]) -> None:
        events: list[tuple[float, int, list[Task]]] = [(LOAD, n, []) for n in range(self.workers)]
        idle: list[int] = []
        while events:
            now, number, portion = heapq.heappop(events)
            if portion and self.dies and self.dies[0] < now:
                self.dies.pop(0)
                self.died += 1
                queue.lost(portion, lambda task, begun=portion[0]: task is begun)
                heapq.heappush(events, (now + LOAD, number, []))
                for one in idle:  # something came back
                    heapq.heappush(events, (now, one, []))
                idle = []
                continue
            if portion:
                task = portion.pop(0)
                row = {"id": task.id, "line": task.line, "scene": task.scene, "seconds": 16.0}
                outcome = Outcome(task, "done", row=row)
                if queue.ended(outcome):
                    tell(outcome)
                self.ends = now
            portion = portion or list(queue.next() or ())
            if portion:
                seconds = self.random.uniform(SHORTEST, LONGEST)
                self.busy += seconds
                heapq.heappush(events, (now + seconds, number, portion))
            else:
                idle.append(number)


def simulated(workers: int, scenes: int) -> dict[str, Any]:
    """What the driver took, and how busy the workers were from their first scene on."""
    mean = (SHORTEST + LONGEST) / 2
    with tempfile.TemporaryDirectory() as folder:
        store, tasks, reading = asked_store(Path(folder), scenes)
        engine = Simulated(workers, workers // 50, scenes * mean / workers)
        wall, own = time.perf_counter(), time.process_time()
        summary = drive(store, tasks, engine)
        own, wall = time.process_time() - own, time.perf_counter() - wall
    spent = engine.ends - LOAD
    return {
        "workers": workers,
        "scenes": scenes,
        "made": summary.made,
        "workers that died": engine.died,
        "seconds to read and hash": round(reading, 1),
        "driver's processor seconds": round(own, 1),
        "driver's seconds": round(wall, 1),
        "virtual seconds from the first scene to the last": round(spent, 1),
        "share of that in which the driver works": round(own / spent, 4),
        "workers' busy share": round(engine.busy / (workers * spent), 4),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", nargs="?")
    parser.add_argument("--workers", type=int, default=1000)
    parser.add_argument("--scenes", type=int, default=100_000)
    told = parser.parse_args()
    text = json.dumps(simulated(told.workers, told.scenes), indent=2)
    sys.stdout.write(text + "\n")
    if told.out:
        Path(told.out).write_text(text + "\n")


if __name__ == "__main__":
    main()
