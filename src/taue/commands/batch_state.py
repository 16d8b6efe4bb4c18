"""``taue batch status`` and ``audit``."""

from __future__ import annotations

from typing import Any

import typer

from taue.commands.batch_run import MOST_TOLD, UNFINISHED, StoreName
from taue.commands.output import console, tell, tell_fields, warn
from taue.readable import counted


def show_status(*, store: StoreName) -> None:
    """How far a store is: done, failed and why, begun, missing."""
    from taue.batch.audit import status_of
    from taue.batch.stores import open_store

    status = status_of(open_store(store))
    for key, (line, error) in list(status.failed.items())[:MOST_TOLD]:
        warn(f"line {line} ({key}) failed: {error}")
    tell(
        f"{status.done} of {status.asked} done, {len(status.failed)} failed, {len(status.begun)} "
        f"begun and not ended, {status.missing} not begun: {store}"
    )
    tell_fields(**_told(status))


def audit_store(*, store: StoreName) -> None:
    """Check every file's hash, and say what is missing, corrupt or failed, and why."""
    from rich.progress import Progress

    from taue.batch.audit import audit
    from taue.batch.stores import open_store

    # Elsewhere than on a terminal a bar leaves a line even where there is nothing to read.
    with Progress(console=console(), disable=not console().is_terminal) as bar:
        shown = bar.add_task("reading", total=None)
        found = audit(
            open_store(store), lambda done, of: bar.update(shown, completed=done, total=of)
        )
    for key, why in found.corrupt.items():
        warn(f"line {found.lines.get(key, '?')} ({key}) is corrupt: {why}")
    for key, (line, error) in found.status.failed.items():
        warn(f"line {line} ({key}) failed: {error}")
    for key in found.missing:
        line, times = found.status.begun.get(key, (found.lines[key], 0))
        why = f"begun {counted(times, 'time')}, and not ended" if times else "not begun"
        warn(f"line {line} ({key}) is missing: {why}")
    if found.unindexed:
        warn(f"{found.unindexed} are not in the index yet; the next run adds them.")
    tell(
        f"{found.status.asked} asked for, {found.status.done} done, {len(found.missing)} missing, "
        f"{len(found.status.failed)} failed, {len(found.corrupt)} corrupt, {found.doubled} "
        f"doubled; {found.files} files of {found.bytes / 1e6:.1f} MB read: {store}"
    )
    tell_fields(
        **_told(found.status), corrupt=found.corrupt, missing_ids=found.missing,
        doubled=found.doubled, unindexed=found.unindexed, files=found.files, bytes=found.bytes,
        whole=found.whole,
    )  # fmt: skip
    if not found.whole:
        raise typer.Exit(UNFINISHED)


def _told(status: Any) -> dict[str, Any]:
    failed = [{"id": i, "line": n, "error": e} for i, (n, e) in status.failed.items()]
    return {
        "asked": status.asked, "done": status.done, "failed": failed, "begun": len(status.begun),
        "missing": status.missing, "unasked": status.unasked,
    }  # fmt: skip
