"""What happens around the steps: progress bars, the user's callback, the cost of each stage."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from diffusers import DiffusionPipeline

from taue.context import StageResult
from taue.layers import StageRecord
from taue.rows import Harvest, Row, Step

StepCallback = Callable[[Any, int, Any, dict[str, Any]], dict[str, Any]]


class StageWatch:
    """Shows progress, one bar for each stage and its subjects, and runs the user's callback after
    each step."""

    def __init__(self, pipeline: DiffusionPipeline, callback: StepCallback | None) -> None:
        self.pipeline: Any = pipeline
        self.callback = callback
        self.bars: dict[tuple[str, tuple[int, ...]], Any] = {}

    @property
    def interrupted(self) -> bool:
        """Whether a callback asked for an end."""
        return bool(self.pipeline.interrupt)

    def __call__(self, step: Step) -> None:
        pipeline, key = self.pipeline, (step.stage, step.subjects)
        pipeline._num_timesteps = step.count
        if key not in self.bars:
            self.bars[key] = pipeline.progress_bar(total=step.count)
            self.bars[key].set_description(step.stage)
            self.bars[key].update(step.index)  # a stage may continue from its harvest
        self.bars[key].update()
        if self.callback is not None:
            handed = {
                "latents": step.latents,
                "denoised": step.denoised,
                "corners": step.corners,
                "stage": step.stage,
                "subjects": step.subjects,
                "steps": step.count,
            }
            answer = self.callback(pipeline, step.index, step.timestep, handed)
            step.latents = (answer or {}).get("latents", step.latents)
        step.interrupted = self.interrupted
        if step.index + 1 == step.count:
            self.bars.pop(key).close()
        if step.interrupted:
            while self.bars:
                self.bars.popitem()[1].close()


@contextmanager
def recorded(
    records: list[StageRecord], stage: str, subjects: Sequence[int] = ()
) -> Iterator[list[StageResult]]:
    """Time one stage; put what it grew into the list that the block is given."""
    results: list[StageResult] = []
    started = time.perf_counter()
    yield results
    seconds = time.perf_counter() - started
    evaluations = sum(one.evaluations for one in results)
    records.append(StageRecord(stage, tuple(subjects), seconds, evaluations))


def stage_records(rows: Sequence[Row], harvests: Sequence[Harvest]) -> list[StageRecord]:
    """What each stage of one pass cost, in the order in which they first occur: its rows' shares.

    Rows of several stages that grow side by side share their predictions' time by what each sent
    through the network.
    """
    stages: dict[str, list[tuple[Row, Harvest]]] = {}
    for row, harvest in zip(rows, harvests, strict=True):
        stages.setdefault(row.stage, []).append((row, harvest))
    return [
        StageRecord(
            stage,
            tuple(row.subject for row, _ in grown if row.subject is not None),
            sum(harvest.seconds for _, harvest in grown),
            sum(harvest.evaluations for _, harvest in grown),
        )
        for stage, grown in stages.items()
    ]
