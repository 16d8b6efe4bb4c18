"""One worker: jobs into results, whatever they are. What fails is recorded and stops nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any, Generic

from taue.errors import LittleMemoryError, TaueError
from taue.readable import readable
from taue.together import in_batches
from taue.work.jobs import ELSEWHERE, FAILED, THERE, J, Outcome
from taue.work.place import Place, PlaceError

LONGEST_ERROR = 400

ATTEMPTS = 3
"""How often something is tried where nobody says."""

Ended = tuple[J, Any, float, int]
"""A job, what it came to or its error, its share of the seconds, and how many were in the batch."""


class Worker(Generic[J]):
    """Makes jobs for a place.

    Args:
        place: where results go.
        make: makes the jobs of one batch; each one's result, or its error if it failed alone.
            Raises ``LittleMemoryError`` if they are too many at once or one too large.
        together: how many are one batch at most.
        attempts: how often a job is tried.
    """

    def __init__(
        self,
        place: Place[J, Any],
        make: Callable[[Sequence[J]], Sequence[Any]],
        together: int = 1,
        attempts: int = ATTEMPTS,
    ) -> None:
        self.place, self.make = place, make
        self.together, self.attempts = max(1, together), attempts

    def work(self, jobs: Sequence[J]) -> Iterator[Outcome[J]]:
        """Make jobs that can be one batch; each is in its place once its outcome is told.

        Raises:
            PlaceError: if the place fails.
        """
        for start in range(0, len(jobs), self.together):
            with ExitStack() as claims:
                mine: list[J] = []
                for job in jobs[start : start + self.together]:
                    if not claims.enter_context(self.place.claimed(job.id)):
                        yield Outcome(job, ELSEWHERE)
                    elif self.place.there(job.id):
                        yield Outcome(job, THERE)
                    else:
                        mine.append(job)
                if mine:
                    begun = [self.place.begin(job, len(mine)) for job in mine]
                    yield from self._ended(begun)

    def _ended(self, jobs: Sequence[J]) -> Iterator[Outcome[J]]:
        """A batch; if memory runs out its halves, if it fails otherwise each alone."""
        for job, made, seconds, together in in_batches(jobs, len(jobs), self._tried):
            if isinstance(made, Exception):
                yield self._failed(job, made, seconds)
                continue
            try:
                kept = self.place.keep(job, made, seconds, together)
            except PlaceError:
                raise
            except Exception as error:  # noqa: BLE001 (as below)
                kept = self._failed(job, _bare(error), seconds)
            yield kept

    def _tried(self, jobs: Sequence[J]) -> Iterable[Ended[J]]:
        """What a batch came to.

        Raises:
            LittleMemoryError: if it is one of several that memory did not hold.
        """
        started, made = time.perf_counter(), None
        try:
            made = self.make(jobs)
        except PlaceError:
            raise
        except Exception as error:
            if len(jobs) == 1:
                made = [_bare(error)]
            elif isinstance(error, LittleMemoryError):
                raise
        if made is None:  # outside of the handler, which holds what they had in memory
            return (one for job in jobs for one in self._tried([job]))
        seconds = (time.perf_counter() - started) / len(jobs)
        return [(job, one, seconds, len(jobs)) for job, one in zip(jobs, made, strict=True)]

    def _failed(self, job: J, error: Exception, seconds: float) -> Outcome[J]:
        told = readable(str(error) if isinstance(error, TaueError) else repr(error), LONGEST_ERROR)
        asked = isinstance(error, TaueError) and not isinstance(error, LittleMemoryError)
        final = asked or job.attempt >= self.attempts
        self.place.failed(job, error, told, final=final)
        return Outcome(job, FAILED, told, final, seconds)


def _bare(error: Exception) -> Exception:
    """An error without the frames that hold what they had in memory."""
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)
