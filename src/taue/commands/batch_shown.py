"""What a batch shows while it runs: a bar with rate, time left and failures."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from rich.console import Console

    from taue.batch.driver import Summary
    from taue.batch.plan import Task
    from taue.work.jobs import Outcome

EVERY = 60.0
"""Seconds between lines where nothing can be redrawn, as in a job's log."""


class Shown:
    """A bar on a terminal, a line now and then elsewhere."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar = Progress(
            TextColumn("scenes"), BarColumn(), MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"), TimeRemainingColumn(),
            TextColumn("{task.fields[failed]}"),
            console=console,
        )  # fmt: skip
        self._task: Any = None
        self._began = self._last = time.monotonic()

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._console.is_terminal:
            self._bar.stop()

    def tell(self, outcome: Outcome[Task] | None, summary: Summary) -> None:
        """One more outcome."""
        settled = summary.there + summary.made + summary.refused + len(summary.failed)
        now = time.monotonic()
        rate = summary.made / max(now - self._began, 1e-3)
        failed = len(summary.failed) + summary.refused
        told: dict[str, Any] = {
            "rate": f"{3600 * rate:.0f}/h" if summary.made else "",
            "failed": f"{failed} failed" if failed else "",
        }
        if self._task is None:
            self._task = self._bar.add_task("", total=summary.asked, completed=settled, **told)
        self._bar.update(self._task, completed=settled, **told)
        if not self._console.is_terminal and outcome is not None and now - self._last > EVERY:
            self._last = now
            left = (summary.asked - settled) / rate if rate else 0.0
            self._console.print(
                f"{settled} of {summary.asked}, {3600 * rate:.0f} an hour, {failed} failed, "
                f"{left / 60:.0f} min left",
                highlight=False,
            )
