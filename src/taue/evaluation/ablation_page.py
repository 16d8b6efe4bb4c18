"""The page of an ablation: each factor's change against the method as it is, over the same pairs,
with 95 % intervals; and what that says of the paper's trends."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from taue.evaluation.ablation import CROPS, REPORTED_BASE, Variant
from taue.evaluation.ablation_sheets import AblationSheet
from taue.evaluation.bootstrap import Figure, mean_figure
from taue.evaluation.columns import COLUMNS, PAPER
from taue.evaluation.dataset import Pair
from taue.evaluation.reported import REPORTED_ABLATION, SOURCE
from taue.settings import Settings

SHOWN = (
    "psnr_fg", "psnr_bg", "ssim_fg", "ssim_bg", "edge", "ghosts", "iou", "residue", "box_iou",
)  # fmt: skip
"""The columns of the page, those of ``taue eval score``."""

WEIGHED = ("lpips_fg", "lpips_bg", "clip_i", "clip_s")
"""Columns that stand there, too, where the networks were at hand."""

SET = "fid"
"""The same, of a whole run and not of a pair."""

JUDGED_BY = ("psnr_fg", "iou", "edge")
"""What the best crop ratio is looked for by: PSNR rises with it almost by construction, for a
foreground that is held for longer is changed less; shape and edges need not."""

Figures = Mapping[str, float | None]
FiguresByRun = Mapping[str, Mapping[str, Figures]]
"""Of every run, of every item, its figures."""

HEAD = """# Ablation: one factor at a time
{commands}
{model}, {steps} steps, {dtype}. {drawn}
Rows are changes against the method as it is over the pairs that both have, in brackets their 95 %
interval (bootstrap over pairs); a single pair has none, and an interval that holds 0 says nothing.
Columns, runs and their settings: {explained}.
"""

EXPLAINED = "docs/evaluation.md, Scores and Ablation"

PICTURES = """### Pictures

The pairs with the best, the middle and the worst PSNR fg of the method as it is; of each the
composite, the foreground and the mask, a row for each run.
"""

REPORTED_HEAD = """## As the paper reports it

{source}: TAUE + layout, which is `paper-layout` here, and the change with each other crop ratio and
without the filter. Quoted, not run, of another model and other pictures: what compares are signs
and sizes, which stand beside ours below.
"""

TRENDS = """The paper states: the later the crop, the higher the PSNR of both regions; 25 % loses
shapes; the filter costs 0.1 dB of PSNR and saves edges and ghosts.
"""


def document(
    told: Mapping[str, Any],
    chosen: Sequence[Variant],
    pairs: Sequence[Pair],
    filled: Mapping[str, float],
    how: Mapping[str, Any],
    sheets: Sequence[AblationSheet] = (),
) -> dict[str, Any]:
    """The JSON from which the page is made, from the scores' own document.

    Args:
        told: that document.
        chosen: the variants that were asked for.
        pairs: of the data set; filled: what each one's object fills of its box.
        how: how all of it was drawn.
        sheets: pictures of it.
    """
    runs = {run["name"]: run["items"] for run in told["runs"]}
    sets = {
        run["name"]: (run.get("columns", {}).get(SET) or {}).get("value") for run in told["runs"]
    }
    weighed = [key for key in WEIGHED if any(_has(items, key) for items in runs.values())]
    cells: list[dict[str, Any]] = [
        {
            "run": one.name,
            "method": one.base,
            "changes": dict(one.changes),
            "items": {
                name: {key: finite_figure(row.get(key)) for key in (*SHOWN, *weighed)}
                for name, row in runs[one.name].items()
            },
        }
        | ({} if sets[one.name] is None else {SET: finite_figure(sets[one.name])})
        for one in chosen
        if one.name in runs
    ]
    drawn = {name for cell in cells for name in cell["items"]}
    areas = {pair.id: round(pair.box[2] * pair.box[3], 4) for pair in pairs if pair.id in drawn}
    shares = {name: round(filled[name], 4) for name in areas}
    missing = [one.name for one in chosen if one.name not in runs]
    return {
        **how,
        "of": len(pairs),
        "areas": areas,
        "filled": shares,
        "cells": cells,
        "missing": missing,
        "sheets": [[one.method, one.title, one.file] for one in sheets],
    }


def page(told: Mapping[str, Any], commands: str = "", explained: str = EXPLAINED) -> str:
    """The page in Markdown.

    Args:
        told: :func:`document`'s.
        commands: how to have it again, if that is known.
        explained: where columns and runs are explained.
    """
    drawn = _drawn(len(told["areas"]), told["of"])
    parts = [HEAD.format(**told, drawn=drawn, commands=commands, explained=explained)]
    parts += quoted_table()
    if told["missing"]:
        parts += [f"Not drawn yet: {', '.join(told['missing'])}.", ""]
    for base in dict.fromkeys(cell["method"] for cell in told["cells"]):
        own = [cell for cell in told["cells"] if cell["method"] == base]
        cells: FiguresByRun = {cell["run"]: cell["items"] for cell in own}
        sets = {cell["run"]: cell[SET] for cell in own if cell.get(SET) is not None}
        parts += [f"## {base}", "", *table(base, cells, sets), "", "### The paper's trends", ""]
        parts += [TRENDS]
        parts += [*trends(base, cells), "", "### Crop ratio and object", ""]
        parts += [*by_object(base, cells, told["areas"], told["filled"]), ""]
        parts += _pictures([one for one in told.get("sheets", []) if one[0] == base])
    return "\n".join(parts)


def _pictures(sheets: Sequence[Sequence[str]]) -> list[str]:
    if not sheets:
        return []
    shown = [f"![{method}: {title}](figures/{file})\n" for method, title, file in sheets]
    return [PICTURES, *shown]


def _drawn(count: int, of: int) -> str:
    """How many pairs of the set the page is of."""
    if count == of:
        return f"All {of} pairs of the set."
    drawn = f"**{count} of them are drawn so far**, of each cell as many as its row says."
    return f"The set has {of} pairs; {drawn}"


def quoted_table() -> list[str]:
    """The paper's own table, in the form of ours."""
    base = REPORTED_ABLATION[REPORTED_BASE]
    lines = [REPORTED_HEAD.format(source=SOURCE)]
    lines.append(_line(["run", *(column.title for column in PAPER)]))
    lines.append(_line(["---"] * (len(PAPER) + 1)))
    for name, row in REPORTED_ABLATION.items():
        own = name == REPORTED_BASE
        cells = [
            f"{row[c.key]:.{c.digits}f}" if own else f"{row[c.key] - base[c.key]:+.{c.digits}f}"
            for c in PAPER
        ]
        lines.append(_line([f"**{name}**" if own else name, *cells]))
    return [*lines, ""]


def table(base: str, cells: FiguresByRun, sets: Mapping[str, float]) -> list[str]:
    """The method's own figures, and each run's change.

    Args:
        base: the method.
        cells: every run's figures of each pair.
        sets: every run's FID, where there is one.
    """
    own = cells.get(base, {})
    keys = [*SHOWN, *(key for key in WEIGHED if _has(own, key))]
    titles = [COLUMNS[key].title for key in (*keys, *([SET] if base in sets else []))]
    lines = [_line(["run", "pairs", *titles]), _line(["---"] * (len(titles) + 2))]
    digits = COLUMNS[SET].digits
    shown = [figure_text(_mean(own.values(), key), key, signed=False) for key in keys]
    shown += [f"{sets[base]:.{digits}f}"] if base in sets else []
    lines.append(_line([f"**{base}**", str(len(own)), *shown]))
    for run, items in cells.items():
        if run == base:
            continue
        changes = [figure_text(change(own, items, key), key) for key in keys]
        if base in sets:
            # Of all its pairs: a distance between sets has no pairs to subtract.
            changes.append(f"{sets[run] - sets[base]:+.{digits}f}" if run in sets else "-")
        count = str(len(set(own) & set(items)))
        lines.append(_line([run.removeprefix(f"{base}-"), count, *changes]))
    return lines


def _has(items: Mapping[str, Figures], key: str) -> bool:
    """Whether any pair has a figure."""
    return any(row.get(key) is not None for row in items.values())


def trends(base: str, cells: FiguresByRun) -> list[str]:
    """What the cells say of each of the paper's trends."""
    crops = _crops(base, cells)
    lines = _by_crop(crops, "")
    noised = [
        cells.get(f"{base}-crop-{ratio}-noise", crop)
        for ratio, crop in zip(CROPS, crops, strict=True)
    ]
    if noised != crops:
        lines += _by_crop(noised, ", with as much noise as each needs")
    lost = "crop 25 to 50 %"
    lines += [
        _verdict(f"{COLUMNS[key].title}, {lost}", crops[0], crops[1], key, COLUMNS[key].better)
        for key in ("iou", "ghosts")
    ]
    off, on = cells.get(f"{base}-filter-off", {}), cells.get(base, {})
    for key, sign in (("psnr_fg", -1), ("edge", 1), ("lpips_fg", -1), ("ghosts", -1)):
        if key not in WEIGHED or _has(on, key):
            lines.append(_verdict(f"{COLUMNS[key].title}, with the filter", off, on, key, sign))
    return lines


def _by_crop(crops: Sequence[Mapping[str, Figures]], how: str) -> list[str]:
    """What each later crop ratio does to PSNR."""
    lines: list[str] = []
    for key in ("psnr_fg", "psnr_bg"):
        for place, (early, late) in enumerate(pairwise(crops)):
            ratios = CROPS[place], CROPS[place + 1]
            before, after = (_reported_crop(ratio)[key] for ratio in ratios)
            what = f"{COLUMNS[key].title}, crop {ratios[0]} to {ratios[1]} %{how}"
            what += f" (reported {after - before:+.{COLUMNS[key].digits}f})"
            lines.append(_verdict(what, early, late, key, 1))
    return lines


def by_object(
    base: str, cells: FiguresByRun, areas: Mapping[str, float], filled: Mapping[str, float]
) -> list[str]:
    """What each crop ratio gives, by the objects' size and by how much of their box they fill, as a
    measure of how simple their outline is; and which ratios are the best ones."""
    crops = _crops(base, cells)
    there = set.intersection(*(set(c) for c in crops))
    if len(there) < 4:
        return ["Too few pairs have all three ratios."]
    lines = [
        _line(["objects", "pairs", "by", *(f"{ratio} %" for ratio in CROPS), "best"]),
        _line(["---"] * (len(CROPS) + 4)),
    ]
    for titles, measure in (
        (("smaller half", "larger half"), areas),
        (("half that fills less of its box", "half that fills more"), filled),
    ):
        ordered = sorted(there, key=lambda name: (measure[name], name))
        half = len(ordered) // 2
        for title, some in zip(titles, (ordered[:half], ordered[half:]), strict=True):
            own = [{name: crop[name] for name in some} for crop in crops]
            for key in JUDGED_BY:
                means = [_mean(one.values(), key) for one in own]
                shown = [figure_text(mean, key, signed=False) for mean in means]
                by = COLUMNS[key].title
                lines.append(_line([title, str(len(some)), by, *shown, best_crop(own, key)]))
    return lines


def best_crop(crops: Sequence[Mapping[str, Figures]], key: str) -> str:
    """The ratio that a column is best at, with those not told apart from it."""
    better = COLUMNS[key].better
    means = [_mean(crop.values(), key) for crop in crops]
    values = {i: better * mean.value for i, mean in enumerate(means) if mean is not None}
    if not values:
        return "-"
    best = max(values, key=lambda i: values[i])
    equal = [
        i for i in values if i == best or not _worse(change(crops[best], crops[i], key), better)
    ]
    return " or ".join(f"{CROPS[i]} %" for i in equal)


def _worse(figure: Figure | None, better: int) -> bool:
    """Whether a change is for the worse for certain."""
    if figure is None or figure.low is None or figure.high is None:
        return False
    return max(better * figure.low, better * figure.high) < 0


def _crops(base: str, cells: FiguresByRun) -> list[Mapping[str, Figures]]:
    """The runs of each ratio; the method as it is where that is its own."""
    own = Settings.of(base).crop_ratio
    names = [base if ratio / 100 == own else f"{base}-crop-{ratio}" for ratio in CROPS]
    return [cells.get(name, {}) for name in names]


def change(before: Mapping[str, Figures], after: Mapping[str, Figures], key: str) -> Figure | None:
    """The mean change of a column over the pairs that both have."""
    both = [(before[name].get(key), after[name].get(key)) for name in before if name in after]
    changes = [b - a for a, b in both if a is not None and b is not None]
    return mean_figure(changes) if changes else None


def _reported_crop(ratio: int) -> Mapping[str, float]:
    """The paper's own row of a ratio; the method as it is where there is no other."""
    return REPORTED_ABLATION.get(f"crop-{ratio}", REPORTED_ABLATION[REPORTED_BASE])


def _verdict(
    what: str, before: Mapping[str, Figures], after: Mapping[str, Figures], key: str, sign: int
) -> str:
    """Whether a change goes the stated way: "agrees" or "disagrees" if its interval says so."""
    found = change(before, after, key)
    if found is None:
        return f"- {what}: not drawn."
    text = figure_text(found, key)
    if found.low is None or found.high is None:
        return f"- {what}: {text}, of a single pair."
    ends = sorted((sign * found.low, sign * found.high))
    said = "agrees" if ends[0] > 0 else "disagrees" if ends[1] < 0 else "not told apart"
    return f"- {what}: {text}; {said}, of {found.count} pairs."


def _mean(rows: Iterable[Figures], key: str) -> Figure | None:
    values = [value for row in rows if (value := row.get(key)) is not None]
    return mean_figure(values) if values else None


def figure_text(figure: Figure | None, key: str, *, signed: bool = True) -> str:
    """A column's figure with its interval in brackets, if it has one."""
    if figure is None:
        return "-"
    form = f"{'+' if signed else ''}.{COLUMNS[key].digits}f"
    text = format(figure.value, form)
    if figure.low is None or figure.high is None:
        return text
    return f"{text} [{figure.low:{form}}, {figure.high:{form}}]"


def finite_figure(value: Any) -> float | None:
    """A figure with four digits after the point; None of what is none, or is infinite."""
    finite = isinstance(value, (int, float)) and math.isfinite(value)
    return round(float(value), 4) if finite else None


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
