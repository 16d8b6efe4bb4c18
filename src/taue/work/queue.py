"""What is still to be made, in which order, and how often it was tried: the driver's one book.

No engine is known here, and no place. Portions go out, outcomes come back or the worker is lost;
every task ends once, done, failed or elsewhere.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Generic

from taue.work.jobs import DONE, ELSEWHERE, FAILED, J, Outcome, Portion


class Queue(Generic[J]):
    """The book of a run.

    Args:
        portions: what is to be made, in order.
        tried: attempts that ended without a word before, by id; these tasks come last, each alone,
            because one of them may be what ends its process.
        limit: attempts for each task.
    """

    def __init__(
        self, portions: Iterable[Portion[J]], tried: Mapping[str, int] | None = None, limit: int = 3
    ) -> None:
        self.limit = limit
        self._ready: deque[Portion[J]] = deque()
        self._last: deque[J] = deque()
        self._out: dict[str, J] = {}
        self.given_up: list[J] = []
        self.elsewhere: list[J] = []
        self.counts = {DONE: 0, FAILED: 0, ELSEWHERE: 0}
        for portion in portions:
            fresh = tuple(task for task in portion if not (tried or {}).get(task.id))
            if fresh:
                self._ready.append(fresh)
            for task in portion:
                if count := (tried or {}).get(task.id):
                    self._again(replace(task, attempt=count))

    def next(self) -> Portion[J] | None:
        """The next portion; None if there is none now (or, if nothing is out, none any more)."""
        if self._ready:
            portion = self._ready.popleft()
        elif self._last:
            portion = (self._last.popleft(),)
        else:
            return None
        self._out |= {task.id: task for task in portion}
        return portion

    @property
    def finished(self) -> bool:
        """Whether nothing is left and nothing is out."""
        return not (self._ready or self._last or self._out)

    def ended(self, outcome: Outcome[J]) -> bool:
        """Note what became of a task; whether that is for good."""
        self._out.pop(outcome.task.id, None)
        if outcome.kind == FAILED and not outcome.final:
            self._again(outcome.task)
            return False
        if outcome.kind == ELSEWHERE:
            self.elsewhere.append(outcome.task)
        self.counts[outcome.kind] = self.counts.get(outcome.kind, 0) + 1
        return True

    def lost(self, tasks: Sequence[J], begun: Callable[[J], bool]) -> None:
        """A worker ended with tasks that it had not told of; those that it had begun count as
        tried, the others go out again as they are."""
        left = [task for task in tasks if self._out.pop(task.id, None) is not None]
        fresh: list[J] = []
        for task in left:
            if begun(task):
                self._again(task)
            else:
                fresh.append(task)
        if fresh:
            self._ready.appendleft(tuple(fresh))

    def _again(self, task: J) -> None:
        """Once more, alone and last, or never."""
        if task.attempt >= self.limit:
            self.given_up.append(task)
        else:
            self._last.append(replace(task, attempt=task.attempt + 1))
