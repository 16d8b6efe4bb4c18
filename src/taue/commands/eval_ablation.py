"""``taue eval ablation``: one factor of a method at a time, drawn and scored."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from taue.commands.conventions import Device, Dtype
from taue.commands.eval_generate import DrawOptions, ShardName, Side, Steps, Workers, draw
from taue.commands.eval_score import score
from taue.commands.output import tell_path
from taue.errors import TaueError
from taue.paper import METHODS
from taue.readable import quoted

if TYPE_CHECKING:
    from taue.evaluation.ablation import Variant
    from taue.evaluation.ablation_sheets import AblationSheet
    from taue.evaluation.methods import ComparedMethod
    from taue.evaluation.runs import RunAbout


def ablation(
    *,
    data: Annotated[Path, typer.Option(help="What taue eval data made.")],
    out: Annotated[Path, typer.Option(help="Everything goes here; the same again goes on.")],
    method: Annotated[
        list[str] | None,
        typer.Option(
            help="taue, paper or paper-layout; may be repeated. If absent the first two, and "
            "of the third what the paper's own table has."
        ),
    ] = None,
    factor: Annotated[
        list[str] | None,
        typer.Option(
            help="crop, noise, unfiltered, filter, blending, layout, mask, key, lambda, colour, "
            "attention or thresholds; may be repeated. All if absent."
        ),
    ] = None,
    model: Annotated[
        str, typer.Option(help="paddy, sdxl, a hub id, a folder or a file.")
    ] = "paddy",
    steps: Steps = 50,
    width: Side = None,
    height: Side = None,
    workers: Workers = None,
    shard: ShardName = "1/1",
    inception: Annotated[str | None, typer.Option(help="As of taue eval score.")] = None,
    clip: Annotated[str | None, typer.Option(help="As of taue eval score.")] = None,
    alexnet: Annotated[str | None, typer.Option(help="As of taue eval score.")] = None,
    draw_pairs: Annotated[
        bool, typer.Option("--draw/--no-draw", help="Draw what is missing, or score what is there.")
    ] = True,
    score_runs: Annotated[
        bool, typer.Option("--score/--no-score", help="Score, or leave that to the last shard.")
    ] = True,
    device: Device = "auto",
    dtype: Dtype = "auto",
) -> None:
    """Draw a data set with each factor of a method changed alone, and score all of it."""
    from taue.evaluation.ablation import asked_variants
    from taue.evaluation.runs import ITEMS, item_folders, read_run

    for base in method or ():
        if base not in METHODS:
            raise TaueError(f"method is {quoted(base)}; choose among {', '.join(METHODS)}.")
    chosen = asked_variants(method, factor)
    how = DrawOptions(model, steps, width, height, shard, device, dtype, workers)
    runs = [out / "runs" / one.name for one in chosen]
    for one, run in zip(chosen, runs, strict=True):
        if draw_pairs:
            draw(data, partial(_method, one), run, how)
    if not score_runs:
        return
    there = [run for run in runs if item_folders(run / ITEMS)]
    if not there:
        raise TaueError(f"out {str(out)!r} has no pictures to score; leave --no-draw out.")
    table = out / "table.md"
    score(
        there, out=table, data=data, inception=inception, clip=clip, alexnet=alexnet, device=device
    )
    _write_page(table, chosen, data, read_run(there[0]))


def _write_page(table: Path, chosen: list[Variant], data: Path, run: RunAbout) -> None:
    """``ablation.json``, the page that is made of it and its pictures, beside the table."""
    import json

    from taue.disk.writing import whole_file
    from taue.evaluation.ablation_page import document, page
    from taue.evaluation.ablation_sheets import sheets_of
    from taue.evaluation.dataset import read_data

    scores = json.loads(table.with_suffix(".json").read_text(encoding="utf-8"))
    read, how = read_data(data), {key: run.options[key] for key in ("model", "steps", "dtype")}
    items = {one["name"]: one["items"] for one in scores["runs"]}
    shown = list(sheets_of(chosen, list(items)))
    _draw_sheets(shown, table.parent, items)
    told = document(scores, chosen, read.pairs, read.filled(), how, shown)
    for ending, text in (("json", json.dumps(told) + "\n"), ("md", page(told))):
        path = table.with_name(f"ablation.{ending}")
        with whole_file(path) as stream:
            stream.write(text.encode())
        tell_path(path)


def _draw_sheets(shown: list[AblationSheet], out: Path, items: dict[str, dict[str, Any]]) -> None:
    """The sheets' pictures, in a folder beside the page."""
    from taue.disk.png import write_png
    from taue.evaluation.ablation_sheets import sheet_picture
    from taue.evaluation.grid import chosen

    (out / "figures").mkdir(exist_ok=True)
    for one in shown:
        picture = sheet_picture(one, out / "runs", chosen(items[one.method]))
        write_png(picture, out / "figures" / one.file)


def _method(one: Variant) -> ComparedMethod:
    from taue.evaluation.methods.ours import BY_BASE, changed

    return changed(BY_BASE[one.base], one.name, one.changes)
