"""``taue judge``: what paddy's judge says of finished results."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from taue.commands.conventions import Overwrite
from taue.commands.goals import check_file
from taue.commands.output import console, tell_fields, tell_path, warn


def judge(
    folders: Annotated[list[Path], typer.Argument(help="Folders that taue generate made.")],
    *,
    out: Annotated[
        Path | None,
        typer.Option(help="A JSON file for all verdicts and their sum, - for standard output."),
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Say what is right and wrong in results made with paddy's words.

    Each folder's report.json is told the verdict, and known failures become warnings there.
    """
    from taue.paddy.judge.result import read_judged

    for folder in folders:  # all of them before any is touched
        read_judged(folder)
    if out is not None:
        check_file(out, "out", overwrite=overwrite)

    from taue.disk.streams import is_special
    from taue.disk.writing import together
    from taue.paddy.judge import Judge
    from taue.paddy.judge.result import judge_result, judged_report
    from taue.paddy.judge.told import as_json, in_sum, remarks, verdict_table
    from taue.results.report import report_bytes

    looker = Judge.load()
    verdicts = []
    with together() as writes, ExitStack() as last:
        document = None
        if out is not None:
            document = last.enter_context(writes.file(out, parents=False, replace=overwrite))
        for folder in folders:
            result = read_judged(folder)
            verdict = judge_result(looker, result)
            warnings = remarks(verdict)
            with writes.file(folder / "report.json") as report:
                report.write(report_bytes(judged_report(result, as_json(verdict), warnings)))
            verdicts.append((verdict, warnings))
        judged = {
            "results": [
                {"folder": str(folder), **as_json(verdict)}
                for folder, (verdict, _) in zip(folders, verdicts, strict=True)
            ],
            "sum": in_sum([verdict for verdict, _ in verdicts]),
        }
        if document is not None:
            document.write(report_bytes(judged))
    for folder, (verdict, warnings) in zip(folders, verdicts, strict=True):
        for line in warnings:
            warn(f"{folder}: {line}")
        for prompt in verdict.not_judged:
            warn(f"{folder}: {prompt!r} is not in paddy's words.", kind="Not judged")
    table = verdict_table([str(folder) for folder in folders], [one for one, _ in verdicts])
    aside = out is not None and is_special(out)
    console(err=aside).print(table)
    if out is not None and not aside:
        tell_path(out, shown=False)
    tell_fields(**judged)
