"""What the first steps say of a run's length."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
from rich.console import Console

from taue import forecast
from taue.effort import Effort, Guidance
from taue.forecast import Forecast, duration
from taue.progress import StageProgress


def ticking(*times: float) -> Iterator[float]:
    return iter(times)


def told(
    times: Iterator[float], rows: int, passes: float, steps: int, memory: int = 0
) -> list[str]:
    one = Forecast(rows, passes, memory, lambda: next(times))
    return [text for step in range(steps) if (text := one.after(step, steps)) is not None]


def test_the_first_steps_tell_of_all_of_them_once() -> None:
    # 3 steps of 2 rows in 12 s: 2 s a row and step, of which there are 50 * (2 + 1 + 1).
    said = told(ticking(10.0, 22.0), 2, 4, 50, 3 * 2**29)
    assert said == [
        "This takes 7 min or more, as the first steps went, and about 1.5 GiB besides the model."
    ]
    assert told(ticking(0.0, 0.1), 1, 3, 50) == []  # over soon
    assert told(ticking(0.0), 1, 3, 3) == []  # too few steps to tell
    assert told(ticking(0.0, 60.0), 1, 2, 10) == [
        "This takes 7 min or more, as the first steps went."
    ]


@pytest.mark.parametrize(
    ("seconds", "said"), [(60, "1 min"), (89, "1 min"), (5940, "99 min"), (9000, "2.5 h")]
)
def test_durations(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_progress_tells_it_among_its_bars(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forecast, "LONG", 0.0)
    stream = io.StringIO()
    console = Console(file=stream, width=120)
    with StageProgress(console, {(1, 2): ["a", "b"]}, 6, memory=2**30) as bars:
        for stage, subjects in (("foreground", (1, 2)), ("composite", ())):
            for step in range(6):
                bars(None, step, 0, {"stage": stage, "subjects": subjects, "steps": 6})
    assert (bars.forecast.rows, bars.forecast.passes) == (2, 4)
    assert stream.getvalue().count("as the first steps went, and about 1.0 GiB") == 1


def test_progress_knows_what_each_stage_takes_of_the_steps() -> None:
    effort = Effort(
        foreground=0.5, background=0.2, background_begin=0.4, guided=Guidance(until=0.8)
    )
    console = Console(file=io.StringIO(), width=120)
    bars = StageProgress(console, {(1, 2): ["a", "b"]}, 20, [("refine", (1,))], effort=effort)
    totals = {stage: bars.progress.tasks[bar].total for (stage, _), bar in bars.bars.items()}
    assert totals == {"foreground": 10, "composite": 20, "background": 4, "refine": 20}
    # In passes of one subject's steps, half of them all and all but a fifth of them guided.
    assert bars.forecast.passes == pytest.approx(2 * 0.9 + 2 * 0.9 + 0.4 * (0.4 + 0.1))
