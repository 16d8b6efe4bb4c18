"""The course of a run: its stages, how far each is, and how long the rest takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from taue.box import Box
from taue.scene import Scene
from taue.studio.forms import StageForm

UNKNOWN = -1.0
LAST = 0.08
"""Share of a run that decoding, matting and writing take after the last step, about."""


@dataclass
class _Stage:
    """``steps`` of ``rows`` samples at once, ``done`` of them."""

    steps: int
    rows: int
    first: int = 0
    done: int = 0

    @property
    def left(self) -> int:
        return self.rows * max(0, self.steps - self.first - self.done)


@dataclass
class Course:
    """Follows a run step by step.

    Attributes:
        stages: by name and subjects' numbers, in order.
        clock: seconds that pass.
    """

    stages: dict[tuple[str, tuple[int, ...]], _Stage]
    clock: Callable[[], float] = time.perf_counter
    _begun: float = field(default=0.0, init=False)
    _units: int = field(default=0, init=False)

    @classmethod
    def of(
        cls,
        scene: Scene,
        moves: Mapping[int, Box] | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> Course:
        """Of a scene from nothing or, with ``moves``, of one grown again."""
        count, settings = len(scene.subjects), scene.settings
        effort, ratio = scene.effort, settings.crop_ratio

        def begun(stage: str, rows: int, at: float | None = None) -> _Stage:
            own = effort.steps(stage, scene.steps)
            return _Stage(
                own, rows, round(own * (effort.begin(stage, ratio) if at is None else at))
            )

        batches = scene.batches if moves is None else [(number,) for number in sorted(moves)]
        stages = {
            ("foreground", batch): begun("foreground", len(batch), None if moves is None else ratio)
            for batch in batches
            if not (moves is not None and settings.moving == "transplanted")
            and all(scene.subjects[number - 1].image is None for number in batch)
        }
        stages["composite", ()] = begun("composite", 1)
        if scene.background_image is None:
            stages["background", ()] = begun("background", 1)
        if settings.layering == "first":
            if moves is None:
                stages["refine", tuple(range(1, count + 1))] = begun("refine", count)
            stages["heal", ()] = begun("heal", 1)
        return cls(stages, clock)

    def step(self, told: Mapping[str, Any], index: int) -> None:
        """Take a step (from 0) in, as a callback of the pipeline is told of it."""
        key = told["stage"], tuple(told["subjects"])
        now = self.clock()
        if key not in self.stages:  # what is begun anew, or grown beside another stage
            self.stages[key] = _Stage(told["steps"], max(1, len(key[1])), index)
        stage = self.stages[key]
        if not stage.done:
            stage.first = index
        stage.steps, stage.done = told["steps"], index + 1 - stage.first
        if self._units == 0:
            self._begun = now  # the first one also warms up
        self._units += stage.rows

    @property
    def left(self) -> float:
        """Seconds until the end, about; ``UNKNOWN`` before the second step."""
        passed = self.clock() - self._begun
        if self._units < 2 or passed <= 0:
            return UNKNOWN
        each = passed / (self._units - 1)
        return each * (sum(s.left for s in self.stages.values()) + LAST * self._units)

    def forms(self) -> list[StageForm]:
        """Every stage, in order."""
        return [
            StageForm(
                stage=name,
                subjects=list(subjects),
                done=round(stage.done / max(1, stage.steps - stage.first), 3),
            )
            for (name, subjects), stage in self.stages.items()
        ]
