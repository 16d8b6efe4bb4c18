"""What the first steps say of a run's length."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
from rich.console import Console

from taue import forecast
from taue.forecast import Forecast, duration
from taue.progress import StageProgress


def ticking(*times: float) -> Iterator[float]:
    return iter(times)


def told(times: Iterator[float], rows: list[int], steps: int, memory: int = 0) -> list[str]:
    one = Forecast(rows, memory, lambda: next(times))
    return [text for step in range(steps) if (text := one.after(step, steps)) is not None]


def test_the_first_steps_tell_of_all_of_them_once() -> None:
    # 3 steps of 2 rows in 12 s: 2 s a row and step, of which there are 50 * (2 + 1 + 1).
    said = told(ticking(10.0, 22.0), [2, 1, 1], 50, 3 * 2**29)
    assert said == [
        "This takes 7 min or more, as the first steps went, and about 1.5 GiB besides the model."
    ]
    assert told(ticking(0.0, 0.1), [1, 1, 1], 50) == []  # over soon
    assert told(ticking(0.0), [1, 1, 1], 3) == []  # too few steps to tell
    assert told(ticking(0.0, 60.0), [1, 1], 10) == [
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
    assert bars.forecast.rows == [2, 1, 1]
    assert stream.getvalue().count("as the first steps went, and about 1.0 GiB") == 1
