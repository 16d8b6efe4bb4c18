"""What happens around the steps: progress bars, the user's callback, the cost of each stage."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from diffusers import DiffusionPipeline

from taue.cultivate import Step
from taue.layers import StageRecord
from taue.stages import StageResult

StepCallback = Callable[[Any, int, Any, dict[str, Any]], dict[str, Any]]


class StageWatch:
    """Shows progress and runs the user's callback after each step."""

    def __init__(self, pipeline: DiffusionPipeline, callback: StepCallback | None) -> None:
        self.pipeline: Any = pipeline
        self.callback = callback
        self.bar: Any = None

    def __call__(self, step: Step) -> None:
        pipeline = self.pipeline
        if self.bar is None:
            pipeline._num_timesteps = step.count
            self.bar = pipeline.progress_bar(total=step.count)
            self.bar.set_description(step.plan.stage)
            self.bar.update(step.index)  # a stage may continue from its harvest
        self.bar.update()
        if self.callback is not None:
            handed = {
                "latents": step.latents,
                "stage": step.plan.stage,
                "subjects": step.plan.subjects,
                "steps": step.count,
            }
            answer = self.callback(pipeline, step.index, step.timestep, handed)
            step.latents = (answer or {}).get("latents", step.latents)
        step.interrupted = bool(pipeline.interrupt)
        if step.index + 1 == step.count or step.interrupted:
            self.bar.close()
            self.bar = None


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
