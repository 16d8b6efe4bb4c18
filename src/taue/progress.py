"""Progress of a run on a terminal: one bar per stage, with the time left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from taue.effort import EFFORTS, Effort
from taue.forecast import Forecast
from taue.readable import readable

LONGEST = 52
BEST = EFFORTS["best"]

SubjectKey = tuple[int, ...]
"""The numbers of the subjects that a stage grows; none for the scene's stages."""


class StageProgress:
    """A ``callback_on_step_end`` for :class:`taue.TauePipeline` that draws bars.

    Use as a context manager around the call. Nothing is drawn before the first step, so that a
    call refused for bad input leaves the terminal to its error.

    Args:
        console: where to draw; if it is no terminal, the finished bars are printed once.
        foregrounds: the prompts of the subjects that grow, by the numbers of each batch.
        steps: steps per stage, until the pipeline says how many they are.
        effort: what each stage takes of them.
        further: stages after the background, with the numbers of their subjects.
        memory: bytes that the call takes besides the model, about, to be told if it takes long.
        scenes: the whole scene's stages.
    """

    def __init__(
        self,
        console: Console,
        foregrounds: Mapping[SubjectKey, Sequence[str]],
        steps: int,
        further: Sequence[tuple[str, SubjectKey]] = (),
        memory: int = 0,
        scenes: Sequence[str] = ("composite", "background"),
        effort: Effort = BEST,
    ) -> None:
        self.progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("passed"),
            TimeElapsedColumn(),
            console=console,
        )
        self.bars: dict[tuple[str, SubjectKey], TaskID] = {}
        for numbers, prompts in foregrounds.items():
            label = _short("foreground: " + "; ".join(prompts))
            self._add(("foreground", numbers), label, effort.steps("foreground", steps))
        for stage in scenes:
            self._add((stage, ()), stage, effort.steps(stage, steps))
        for stage, numbers in further:
            self._add((stage, numbers), stage, effort.steps(stage, steps))
        self.first = next(iter(self.bars))
        # What comes after the background is short: it begins late.
        rows = [*(("foreground", len(n)) for n in foregrounds), *((stage, 1) for stage in scenes)]
        own = 2 * effort.steps(self.first[0], steps)
        passes = sum(count * effort.evaluations(stage, steps, 0.0) / own for stage, count in rows)
        self.forecast = Forecast(rows[0][1], passes, memory)
        self._begin(self.first)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.progress.live.is_started:  # if not, stopping prints an empty line
            self.progress.stop()

    def __call__(
        self, pipe: Any, step: int, timestep: int, callback_kwargs: dict[str, Any]
    ) -> dict[str, Any]:
        """Move the bar of the stage in ``callback_kwargs`` ("stage", "subjects", "steps")."""
        stage = callback_kwargs["stage"], callback_kwargs["subjects"]
        total: int = callback_kwargs["steps"]
        if stage not in self.bars:  # a subject that moves, or is tried once more
            self._add(stage, f"{stage[0]}: once more", total)
        self.progress.start()  # does nothing from the second time on
        self._begin(stage)
        self.progress.update(self.bars[stage], total=total, completed=step + 1)
        if stage == self.first and (told := self.forecast.after(step, total)) is not None:
            self.progress.console.print(told, markup=False, highlight=False)
        if step + 1 == total:  # the next stage's clock starts when this one ends
            later = [key for key, bar in self.bars.items() if bar > self.bars[stage]]
            if later:
                self._begin(later[0])
        return callback_kwargs

    def _add(self, key: tuple[str, SubjectKey], label: str, steps: int) -> None:
        self.bars[key] = self.progress.add_task(label, total=steps, start=False)

    def _begin(self, key: tuple[str, SubjectKey]) -> None:
        bar = self.bars[key]
        if not self.progress.tasks[self.progress.task_ids.index(bar)].started:
            self.progress.start_task(bar)


def _short(prompt: str) -> str:
    if len(prompt) > 4 * LONGEST:
        prompt = prompt[: 4 * LONGEST]
    prompt = readable(prompt, None)
    return prompt if len(prompt) <= LONGEST else prompt[: LONGEST - 3] + "..."
