"""The page that says what each method can do, from measured counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from taue.evaluation.capabilities import CAPABILITIES, MOST, ticked

HEAD = """# What each method can do

    taue eval data paddy --n {pairs} --seed 1 --out DATA
    taue eval capabilities --data DATA --out OUT
    python docs/generate_capabilities.py OUT/capabilities.json

{pairs} pairs on {model}, seen by the [judge](judge.md). A tick stands where {most:.0%} of the
pairs or more passed, and beside it of how many. So few pairs tell what a method does from what it
does not, and no small differences.
"""
FOOT = """What is measured is what `taue eval generate` draws of a method
([evaluation](evaluation.md#runs)); it may be able to do more elsewhere. Every count:
[capabilities.json](capabilities.json).
"""


def document(model: str, pairs: int, methods: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The JSON from which the page is made: of every method its ``source`` and what was
    ``measured``, or why it is ``missing``."""
    return {"model": model, "pairs": pairs, "most": MOST, "methods": methods}


def page(told: Mapping[str, Any]) -> str:
    """The table in Markdown."""
    heads = ["method", *(one.title for one in CAPABILITIES.values())]
    lines = [_line(heads), _line(["---"] * len(heads))]
    for name, one in told["methods"].items():
        cells = [_cell(one.get("measured", {}).get(key)) for key in CAPABILITIES]
        lines.append(_line([f"`{name}`", *cells]))
    meant = [f"- **{one.title}**: {one.how}." for one in CAPABILITIES.values()]
    lacking = {name: one["missing"] for name, one in told["methods"].items() if "missing" in one}
    notes = [f"`{name}` was not measured: {why}." for name, why in lacking.items()]
    parts = [HEAD.format(**told), *lines, "", *meant, "", *notes, *([""] if notes else []), FOOT]
    return "\n".join(parts)


def _cell(told: Mapping[str, int] | None) -> str:
    if told is None:
        return "not measured"
    return f"{'✓' if ticked(told) else '-'} {told['yes']}/{told['of']}"


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"
