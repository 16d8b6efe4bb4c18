"""Tables of scored runs: Markdown, CSV, JSON and LaTeX."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from taue.evaluation.bootstrap import Figure
from taue.evaluation.columns import COLUMNS, OURS, PAPER, Column
from taue.evaluation.reported import REPORTED, SOURCE
from taue.evaluation.score import Scored
from taue.readable import counted

COPIES = "copies pixels of one picture into another; left out of the best"
MEANS = (
    "Means; in brackets the 95 % interval of a bootstrap over pictures. Bold: the best of our own "
    "runs."
)
QUOTED = (
    f"{SOURCE}; other data and another model than paddy's, so not to be compared with figures on "
    "those."
)
DEFINED = "Every column is defined in docs/evaluation.md."
READING = f"{MEANS} *Reported*: {QUOTED} {DEFINED}"
ENDINGS = (".md", ".csv", ".json", ".tex")

LATEX = str.maketrans(
    {
        **{sign: rf"\{sign}" for sign in "&%$#_{}"},
        "[": "{[}",  # which at the start of a row would be an argument of the row before
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
    }
)
"""Signs that mean something in LaTeX, and how they are written."""


def best(runs: Sequence[Scored], column: Column) -> set[str]:
    """The names of the runs with a column's best value; those that copy pixels do not compete."""
    values = {
        run.name: figure.value
        for run in runs
        if not run.copies and (figure := run.columns[column.key]) is not None
    }
    if not values or not column.better:
        return set()
    top = max(values.values(), key=lambda value: column.better * value)
    return {name for name, value in values.items() if value == top}


def markdown(runs: Sequence[Scored], networks: Mapping[str, Mapping[str, str]]) -> str:
    """A table of the paper's columns with its reported rows, one of ours, and the footnotes."""
    notes: list[str] = []
    parts = ["# Scores", ""]
    for title, columns in (("The paper's columns", PAPER), ("Ours besides", OURS)):
        heads = ["run", "pictures", *(c.title + _arrow(c) for c in columns)]
        parts += [f"## {title}", "", _line(heads), _line(["---"] * len(heads))]
        for run in runs:
            cells = [_cell(run, c, runs, notes) for c in columns]
            name = run.name + (_note(COPIES, notes) if run.copies else "")
            parts.append(_line([name, str(len(run.items)), *cells]))
        if columns is PAPER:
            for name, values in REPORTED.items():
                cells = [f"{values[c.key]:.{c.digits}f}" for c in columns]
                parts.append(_line([f"{name} *(reported)*", "1770", *cells]))
        parts.append("")
    parts += [READING, ""]
    parts += [f"{i}. {note}" for i, note in enumerate(notes, 1)] + ([""] if notes else [])
    for sentence in _absent(runs):
        parts += [sentence, ""]
    parts += ["Networks:", ""]
    parts += [f"- {key}: {one['name']}, SHA-256 {one['sha256']}" for key, one in networks.items()]
    return "\n".join(parts) + "\n"


def comma_separated(runs: Sequence[Scored]) -> str:
    """A line for each run and reported row: value, low and high end of every column."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    ends = ("", "_low", "_high")
    heads = [key + end for key in COLUMNS for end in ends]
    writer.writerow(["run", "method", "copies", "reported", "pictures", *heads])
    for run in runs:
        cells: list[Any] = []
        for key in COLUMNS:
            figure = run.columns[key]
            cells += ["", "", ""] if figure is None else [figure.value, figure.low, figure.high]
        writer.writerow([run.name, run.method, int(run.copies), 0, len(run.items), *cells])
    for name, values in REPORTED.items():
        cells = [values.get(key, "") if not end else "" for key in COLUMNS for end in ends]
        writer.writerow([name, "", 0, 1, 1770, *cells])
    return stream.getvalue()


def document(runs: Sequence[Scored], networks: Mapping[str, Mapping[str, str]]) -> str:
    """Everything, every item's figures included; "infinity" where JSON has no number."""
    told = {
        "networks": networks,
        "runs": [
            {
                "name": run.name,
                "method": run.method,
                "copies": run.copies,
                "absent": run.absent,
                "columns": {
                    key: None if one is None else {k: _finite(v) for k, v in asdict(one).items()}
                    for key, one in run.columns.items()
                },
                "why": run.why,
                "items": {
                    name: {key: _finite(value) for key, value in row.items()}
                    for name, row in run.items.items()
                },
            }
            for run in runs
        ],
        "reported": {"source": SOURCE, "rows": REPORTED},
    }
    return json.dumps(told, indent=1, allow_nan=False) + "\n"


def latex(runs: Sequence[Scored]) -> str:
    """The paper's columns as a ``tabular`` with a row for each run, ours as another with a row for
    each column, and the footnotes of both; with nothing that needs a package."""
    notes: list[str] = []
    rows = [
        [_latex_name(run), *(_latex_cell(run, column, runs, notes) for column in PAPER)]
        for run in runs
    ]
    reported = [
        [rf"{_escaped(name)} (reported)", *(f"{values[c.key]:.{c.digits}f}" for c in PAPER)]
        for name, values in REPORTED.items()
    ]
    heads = ["run", *map(_latex_title, PAPER)]
    lines = ["% The paper's columns", *_tabular(heads, rows, reported)]
    ours = [
        [_latex_title(column), *(_latex_cell(run, column, runs, notes) for run in runs)]
        for column in OURS
    ]
    lines += ["", "% Ours besides", *_tabular(["column", *map(_latex_name, runs)], ours), ""]
    told = [_escaped(f"{MEANS} Reported: {QUOTED} {DEFINED}")]
    if any(run.copies for run in runs):
        told.append(rf"$^*$ {_escaped(COPIES)}.")
    told += [rf"$^{{{i}}}$ {_escaped(note)}." for i, note in enumerate(notes, 1)]
    told += map(_escaped, _absent(runs))
    lines += [rf"\noindent {line}\par" for line in told]
    return "\n".join(lines) + "\n"


def _absent(runs: Sequence[Scored]) -> list[str]:
    """Which runs lack how many pairs of their data set."""
    return [
        f"{run.name} lacks {counted(run.absent, 'pair')} of its data set."
        for run in runs
        if run.absent
    ]


def _tabular(heads: Sequence[str], *blocks: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a ``tabular``, with a rule under the heads and under each block of rows."""
    lines = [r"\begin{tabular}{l" + "r" * (len(heads) - 1) + "}", r"\hline"]
    for block in ([heads], *blocks):
        lines += [" & ".join(row) + r" \\" for row in block] + [r"\hline"]
    return [*lines, r"\end{tabular}"]


def _latex_name(run: Scored) -> str:
    return _escaped(run.name) + (r"$^*$" if run.copies else "")


def _latex_title(column: Column) -> str:
    arrow = {1: r" $\uparrow$", -1: r" $\downarrow$", 0: ""}[column.better]
    return _escaped(column.title) + arrow


def _latex_cell(run: Scored, column: Column, runs: Sequence[Scored], notes: list[str]) -> str:
    text, *said = _told(run, column, r"$\infty$")
    value, _, interval = text.partition(" ")
    value = rf"\textbf{{{value}}}" if run.name in best(runs, column) else value
    marks = "".join(rf"$^{{{_number_of(note, notes)}}}$" for note in said)
    return value + (rf" {{\scriptsize {interval}}}" if interval else "") + marks


def _cell(run: Scored, column: Column, runs: Sequence[Scored], notes: list[str]) -> str:
    text, *said = _told(run, column, "∞")
    text += "".join(_note(note, notes) for note in said)
    return f"**{text}**" if run.name in best(runs, column) else text


def _told(run: Scored, column: Column, infinity: str) -> list[str]:
    """What a cell shows, and its footnote if it has one."""
    figure = run.columns[column.key]
    if figure is None:
        return ["-", run.why[column.key]]
    text = _with_interval(figure, column, infinity)
    if figure.count < len(run.items):
        return [text, f"of {figure.count} pictures: the others have no such figure"]
    return [text]


def _with_interval(figure: Figure, column: Column, infinity: str) -> str:
    value = _number(figure.value, column, infinity)
    if figure.low is None or figure.high is None:
        return value
    low, high = (_number(end, column, infinity) for end in (figure.low, figure.high))
    return f"{value} [{low}, {high}]"


def _number(value: float, column: Column, infinity: str) -> str:
    return infinity if math.isinf(value) else f"{value:.{column.digits}f}"


def _note(text: str, notes: list[str]) -> str:
    """A footnote's mark."""
    return f" <sup>{_number_of(text, notes)}</sup>"


def _number_of(text: str, notes: list[str]) -> int:
    """A footnote's number; the same text is one footnote."""
    if text not in notes:
        notes.append(text)
    return notes.index(text) + 1


def _arrow(column: Column) -> str:
    return {1: " ↑", -1: " ↓", 0: ""}[column.better]


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


def _finite(value: Any) -> Any:
    return "infinity" if isinstance(value, float) and math.isinf(value) else value


def _escaped(text: str) -> str:
    """As LaTeX shows it, two hyphens as two."""
    return text.translate(LATEX).replace("--", "-{}-")
