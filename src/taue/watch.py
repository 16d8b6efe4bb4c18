"""What happens around the steps: progress bars, the user's callback, the cost of each stage."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from diffusers import DiffusionPipeline

from taue.cultivate import Step
from taue.layers import StageRecord
from taue.stages import Grown

StepCallback = Callable[[Any, int, Any, dict[str, Any]], dict[str, Any]]


class StageWatch:
    """Shows progress and runs the user's callback after each step."""

    def __init__(self, pipeline: DiffusionPipeline, callback: StepCallback | None) -> None:
        self.pipeline: Any = pipeline
        self.callback = callback
        self.bar: Any = None

    def __call__(self, step: Step) -> None:
        pipeline = self.pipeline
        if step.index == 0:
            pipeline._num_timesteps = step.count
            self.bar = pipeline.progress_bar(total=step.count)
            self.bar.set_description(step.plan.stage)
        self.bar.update()
        if self.callback is not None:
            handed = {
                "latents": step.latents,
                "stage": step.plan.stage,
                "subject": step.plan.subject,
                "steps": step.count,
            }
            answer = self.callback(pipeline, step.index, step.timestep, handed)
            step.latents = (answer or {}).get("latents", step.latents)
        step.interrupted = bool(pipeline.interrupt)
        if step.index + 1 == step.count or step.interrupted:
            self.bar.close()


class Recorded:
    """Times one stage: ``with Recorded(records, name) as record: grown = record(stage(...))``."""

    def __init__(self, records: list[StageRecord], stage: str, subject: int | None = None) -> None:
        self.records, self.stage, self.subject = records, stage, subject
        self.evaluations = 0

    def __enter__(self) -> Callable[[Grown], Grown]:
        self.started = time.perf_counter()
        return self._take

    def _take(self, grown: Grown) -> Grown:
        self.evaluations = grown.harvest.evaluations
        return grown

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            seconds = time.perf_counter() - self.started
            self.records.append(StageRecord(self.stage, self.subject, seconds, self.evaluations))
