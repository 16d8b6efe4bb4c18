"""How long a run will take, as its first steps went."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

MEASURED = 3
"""Steps that are timed, after the first one, which also warms up."""

LONG = 60.0
"""Seconds from which on a run's length is worth telling."""

GIBIBYTE = 2**30


@dataclass
class Forecast:
    """Times the first stage's first steps, and tells once what they mean for all.

    Attributes:
        rows: how many samples are drawn at once in the first stage: as many as its subjects.
        passes: what all stages come to, in passes of one sample through the first one's steps.
        memory: bytes that it takes besides the model, about; 0 if that is not known.
        clock: seconds that pass.
    """

    rows: int
    passes: float
    memory: int = 0
    clock: Callable[[], float] = time.perf_counter
    _begun: float = field(default=0.0, init=False)
    _told: bool = field(default=False, init=False)

    def after(self, step: int, steps: int) -> str | None:
        """What is to be told after a step (from 0) of the first stage's; None for nothing."""
        if self._told:
            return None
        if step == 0:
            self._begun = self.clock()
        if step < MEASURED:
            return None
        self._told = True
        each = (self.clock() - self._begun) / (step * self.rows)
        seconds = each * steps * self.passes
        if seconds < LONG:
            return None
        return f"This takes {duration(seconds)} or more, as the first steps went{self._space()}."

    def _space(self) -> str:
        return (
            f", and about {self.memory / GIBIBYTE:.1f} GiB besides the model" if self.memory else ""
        )


def duration(seconds: float) -> str:
    """So many seconds for people, who want no more than two digits of them."""
    minutes = round(seconds / 60)
    if minutes < 100:
        return f"{minutes} min"
    return f"{minutes / 60:.1f} h"
