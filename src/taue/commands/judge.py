"""``taue judge``: what paddy's judge says of finished results."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from taue.commands.conventions import say
from taue.commands.signals import PatientConsole


def judge(
    folders: Annotated[list[Path], typer.Argument(help="Folders that taue generate made.")],
    json_path: Annotated[
        Path | None,
        typer.Option(
            "--json", help="Write all verdicts and their sum here, - for standard output."
        ),
    ] = None,
) -> None:
    """Say what is right and wrong in results made with paddy's words.

    Each folder's report.json is told the verdict, and known failures become warnings there.
    """
    from taue.paddy.judge.result import read_judged

    for folder in folders:  # all of them before any is touched
        read_judged(folder)

    from taue.disk.streams import is_special
    from taue.disk.writing import together
    from taue.files.report import report_bytes
    from taue.paddy.judge import Judge
    from taue.paddy.judge.remarks import remarks
    from taue.paddy.judge.result import judge_result, told
    from taue.paddy.judge.table import verdict_table
    from taue.paddy.judge.tally import as_json, in_sum

    looker = Judge.load()
    verdicts = []
    with together() as writes, ExitStack() as last:
        document = None
        if json_path is not None:
            document = last.enter_context(writes.file(json_path, parents=False))
        for folder in folders:
            result = read_judged(folder)
            verdict = judge_result(looker, result)
            warnings = remarks(verdict)
            with writes.file(folder / "report.json") as report:
                report.write(report_bytes(told(result, as_json(verdict), warnings)))
            verdicts.append((verdict, warnings))
        if document is not None:
            document.write(
                report_bytes(
                    {
                        "results": [
                            {"folder": str(folder), **as_json(verdict)}
                            for folder, (verdict, _) in zip(folders, verdicts, strict=True)
                        ],
                        "sum": in_sum([verdict for verdict, _ in verdicts]),
                    }
                )
            )
    for folder, (verdict, warnings) in zip(folders, verdicts, strict=True):
        for line in warnings:
            say(f"Warning: {folder}: {line}", err=True)
        for prompt in verdict.not_judged:
            say(f"Not judged: {folder}: {prompt!r} is not in paddy's words.", err=True)
    table = verdict_table([str(folder) for folder in folders], [one for one, _ in verdicts])
    PatientConsole(stderr=json_path is not None and is_special(json_path)).print(table)
