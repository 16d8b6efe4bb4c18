"""``taue judge``: what paddy's judge says of finished results."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def judge(
    folders: Annotated[list[Path], typer.Argument(help="Folders that taue generate made.")],
    json_path: Annotated[
        Path | None, typer.Option("--json", help="Write all verdicts and their sum here.")
    ] = None,
) -> None:
    """Say what is right and wrong in results made with paddy's words.

    Each folder's report.json is told the verdict, and known failures become warnings there.
    """
    from taue.paddy.judge.result import read_judged

    for folder in folders:  # all of them before any is touched
        read_judged(folder)

    from rich.console import Console

    from taue.paddy.judge import Judge
    from taue.paddy.judge.remarks import remarks
    from taue.paddy.judge.result import judge_result, replace_json, tell
    from taue.paddy.judge.table import verdict_table
    from taue.paddy.judge.tally import as_json, in_sum

    looker = Judge.load()
    verdicts = []
    for folder in folders:
        result = read_judged(folder)
        verdict = judge_result(looker, result)
        warnings = remarks(verdict)
        tell(result, as_json(verdict), warnings)
        verdicts.append(verdict)
        for line in warnings:
            typer.echo(f"Warning: {folder}: {line}", err=True)
        for prompt in verdict.not_judged:
            typer.echo(f"Not judged: {folder}: {prompt!r} is not in paddy's words.", err=True)
    Console().print(verdict_table([str(folder) for folder in folders], verdicts))
    if json_path is not None:
        named = zip(folders, verdicts, strict=True)
        results = [{"folder": str(folder), **as_json(verdict)} for folder, verdict in named]
        replace_json({"results": results, "sum": in_sum(verdicts)}, json_path)
