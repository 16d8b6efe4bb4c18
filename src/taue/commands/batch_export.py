"""``taue batch export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from taue.batch.figures import KNOWN
from taue.commands.batch_run import StoreName
from taue.commands.conventions import NewFolder
from taue.commands.output import console, tell, tell_fields, tell_path
from taue.disk.writing import check_out
from taue.errors import TaueError
from taue.readable import counted


def export_store(
    *,
    store: StoreName,
    out: NewFolder,
    form: Annotated[str, typer.Option("--format", help="webdataset or parquet.")] = "webdataset",
    threshold: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FIGURE=VALUE",
            help="Leave out what is worse; may be repeated. Figures: " + ", ".join(KNOWN) + ".",
        ),
    ] = None,
) -> None:
    """Write a training set of a store's results, with a dataset card."""
    from taue.batch.audit import require_planned
    from taue.batch.export import FORMATS, Threshold, training_set
    from taue.batch.index import Index
    from taue.batch.store import DONE, ids_of
    from taue.batch.stores import open_store

    if form not in FORMATS:
        raise TaueError(f"format is {form!r}; choose {' or '.join(FORMATS)}.")
    wanted = [Threshold.parse(one) for one in threshold or []]
    check_out(out)
    opened = open_store(store)
    require_planned(opened)
    with console().status("writing"):
        Index(opened, ids_of(opened.names(DONE))).flush()
        told = training_set(opened, out, form, wanted)
    left = sum(told.left_out.values())
    tell(
        f"{counted(told.samples, 'scene')} in {counted(len(told.files), 'file')}, {left} left out:"
    )
    for figure, count in sorted(told.left_out.items()):
        tell(f"{count} by {figure}")
    tell_path(Path(out).expanduser())
    tell_fields(samples=told.samples, left_out=dict(told.left_out), files=told.files)
