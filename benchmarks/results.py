"""The comparison of all methods as a page: tables, a plot of each column, pictures by a fixed rule.

    python -m benchmarks.results RUNS --pairs 300 --out docs

With ``--pairs`` so many rendered scenes are written to RUNS/data and drawn by every method that
needs no weights of its own; the same command goes on where it was. Without, RUNS is any folder of
runs of one data set (``taue eval generate``). What is compared are the pairs that all runs have,
``--least`` of them at least. Writes ``results.json`` (figures of every pair),
``results.md``, ``figures/results-columns.png`` and ``figures/results-pairs.png``. Pairs are the
best, the middle and the worst by ``psnr_fg`` of the first method.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import matplotlib.pyplot as plt
import typer
from matplotlib.figure import Figure

from taue.commands.eval_data import paddy_data
from taue.commands.eval_generate import run_method
from taue.commands.eval_score import score
from taue.errors import TaueError
from taue.evaluation.ablation_page import change, figure_text, finite_figure
from taue.evaluation.columns import COLUMNS
from taue.evaluation.dataset import read_data
from taue.evaluation.grid import chosen, picture_grid
from taue.evaluation.methods import METHODS
from taue.evaluation.runs import ITEMS, RUN, item_folders, read_run

LEAST = 100
STEPS, SEED = 25, 1
OURS = "taue"
ACROSS = 5

HEAD = """# All methods on paddy

    python -m benchmarks.results RUNS --pairs {of} --steps {steps} --out docs

{pairs} pairs of {of}, {steps} steps, the same seeds for every method; how everything is measured:
[evaluation](evaluation.md#scores). Every figure of every pair: [results.json](results.json).
Seconds are of two workers on a machine that did other things, too, and compare with nothing; paired
ones stand in [performance](performance.md).

![A plot for every column: means and 95 % intervals](figures/results-columns.png)

![The best, the middle and the worst pair by PSNR fg of {ours}, a row for each
method: composite, background, foreground, mask](figures/results-pairs.png)
"""


WHY = {
    "cutout_db": "a difference stack takes its subject's colours from the composite by "
    "construction, and leaves to its effects what it cannot explain (left, structure)",
    "residue": "its background takes few steps, and seldom draws something where the object was",
    "unet_evaluations": "five stages, and a subject that is begun anew",
    "seconds": "the same, and cutting out",
}
"""What a column is lost by, if it is."""

HOW = {
    "alfie": "its composite is painted around the foreground's own pixels, and its background "
    "around the composite's",
}
"""By what a rival is ahead wherever it is."""

LAYOUT = """## The paper's layout

In the paper's table its layout raises the foreground's PSNR and lowers the background's. Here
`paper-layout` changes of `paper`, pair by pair (mean and 95 % interval):
"""


def main(
    runs: Annotated[Path, typer.Argument(help="A folder of runs.")],
    out: Annotated[Path, typer.Option(help="Where the page goes.")],
    pairs: Annotated[int | None, typer.Option(help="Draw so many by every method first.")] = None,
    steps: Annotated[int, typer.Option(help="Of each picture that is drawn.")] = STEPS,
    workers: Annotated[int | None, typer.Option(help="Processes that draw.")] = None,
    least: Annotated[int, typer.Option(help="Fewest pairs that make a page.")] = LEAST,
    inception: str | None = None,
    clip: str | None = None,
    alexnet: str | None = None,
) -> None:
    """Score all runs of a folder over the pairs that they share."""
    if pairs is not None:
        draw_all(runs, pairs, steps, workers)
    folders = [runs / name for name in METHODS if (runs / name / RUN).is_file()]
    if not folders:
        raise TaueError(f"runs {str(runs)!r} holds no run; make them by taue eval generate.")
    there = [set(item_folders(folder / ITEMS)) for folder in folders]
    if (shared := len(set.intersection(*there))) < least:
        raise TaueError(f"runs share {shared} pairs; draw {least} at least, or lower --least.")
    taken = _steps(folders)
    with TemporaryDirectory() as place:
        table = Path(place) / "table.md"
        score(folders, out=table, common=True, inception=inception, clip=clip, alexnet=alexnet)
        told = json.loads(table.with_suffix(".json").read_text(encoding="utf-8"))
        scores = table.read_text(encoding="utf-8")
    first = told["runs"][0]
    of = shared + first["absent"]
    head = HEAD.format(pairs=shared, of=of, steps=taken, ours=first["name"])
    page = [
        head,
        best_columns(told),
        *layout_trend(told),
        scores.replace("# Scores\n", "", 1).replace("\n## ", "\n### "),
    ]
    text = "\n\n".join(part.strip() for part in page)
    (out / "results.md").write_text(text + "\n", encoding="utf-8")
    (out / "results.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    pictures = out / "figures"
    pictures.mkdir(exist_ok=True)
    plot(told).savefig(pictures / "results-columns.png", dpi=110)
    picture_grid(folders, chosen(first["items"])).save(pictures / "results-pairs.png")


def draw_all(runs: Path, pairs: int, steps: int, workers: int | None) -> None:
    """Every method's run of so many rendered pairs, as far as it is not there."""
    data = runs / "data"
    if not data.exists():
        paddy_data(n=pairs, out=data, seed=SEED)
    elif (there := len(read_data(data).pairs)) != pairs:
        raise TaueError(f"pairs is {pairs}, and {str(data)!r} has {there}; give as many.")
    for name, method in METHODS.items():
        if not method.weighted:
            run_method(data=data, out=runs / name, method=name, steps=steps, workers=workers)


def _steps(folders: Sequence[Path]) -> int:
    """How many steps all of the runs took."""
    found = {int(read_run(folder).options["steps"]) for folder in folders}
    if len(found) > 1:
        raise TaueError(f"runs are of {sorted(found)} steps; draw them all with as many.")
    return found.pop()


def best_columns(told: Mapping[str, Any]) -> str:
    """In which columns the first run is the best of those that do not copy, or inside the interval
    of the best, and in which it is not."""
    rivals = [run for run in told["runs"] if not run["copies"]]
    ours, lines = told["runs"][0], ["## Where it stands", ""]
    good: list[str] = []
    for key, column in COLUMNS.items():
        own = ours["columns"][key]
        there = [run for run in rivals if run["columns"][key] is not None]
        if own is None or not column.better or len(there) < 2:
            continue
        best = max(there, key=lambda run: column.better * _value(run["columns"][key]))
        top = best["columns"][key]
        reach = top["low"] if column.better > 0 else top["high"]
        if best is ours or (
            reach is not None and column.better * (_value(own) - _value({"value": reach})) >= 0
        ):
            good.append(column.title)
        else:
            mine, theirs = (f"{_value(one):.{column.digits}f}" for one in (own, top))
            same = "apart by less than a digit that is shown" if mine == theirs else None
            why = same or WHY.get(key) or HOW.get(best["name"])
            why = f"; {why}" if why else ""
            lines.append(f"- {column.title}: {mine}, and {best['name']} {theirs}{why}.")
    named = ", ".join(good) or "no column"
    told_of = f"`{ours['name']}` is the best, or inside the interval of the best, in {named}."
    return "\n".join([lines[0], "", told_of, *lines[1:], ""])


def layout_trend(told: Mapping[str, Any]) -> list[str]:
    """What the paper's layout changes of its own method, over the pairs that both have; nothing if
    one of the two was not drawn."""
    items = {run["name"]: run["items"] for run in told["runs"]}
    if not {"paper", "paper-layout"} <= set(items):
        return []
    lines = [LAYOUT]
    for key in ("psnr_fg", "psnr_bg", "box_iou"):
        own, laid = (
            {name: {key: finite_figure(row.get(key))} for name, row in items[method].items()}
            for method in ("paper", "paper-layout")
        )
        if found := change(own, laid, key):
            lines.append(f"- {COLUMNS[key].title}: {figure_text(found, key)}, of {found.count}.")
    return ["\n".join(lines)]


def plot(told: Mapping[str, Any]) -> Figure:
    """Small plots, one for each column that any run has: mean and interval of each run."""
    keys = [k for k in COLUMNS if any(run["columns"][k] for run in told["runs"])]
    rows = math.ceil(len(keys) / ACROSS)
    figure, axes = plt.subplots(
        rows, ACROSS, figsize=(3 * ACROSS, 2.2 * rows), squeeze=False, layout="constrained"
    )
    for place, axis in enumerate(axes.flat):
        if place >= len(keys):
            axis.axis("off")
            continue
        column = COLUMNS[keys[place]]
        axis.set_title(f"{column.title} {({1: '(more)', -1: '(less)'}).get(column.better, '')}")
        for row, run in enumerate(told["runs"]):
            one = run["columns"][column.key]
            value = None if one is None else _number(one["value"])
            if one is None or value is None or not math.isfinite(value):
                continue
            axis.plot(value, row, "o", color="tab:grey" if run["copies"] else "tab:blue")
            if one["low"] is not None:
                axis.hlines(row, one["low"], one["high"], color="tab:grey")
        axis.set_yticks(range(len(told["runs"])), [run["name"] for run in told["runs"]], fontsize=7)
        axis.invert_yaxis()
        axis.tick_params(axis="x", labelsize=7)
    return figure


def _value(figure: Mapping[str, Any]) -> float:
    return float(figure["value"])


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


if __name__ == "__main__":
    typer.run(main)
