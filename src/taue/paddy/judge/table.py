"""Verdicts as a table for people: a line for each result, and their sum."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from taue.paddy.judge.findings import SubjectVerdict, Verdict
from taue.paddy.judge.tally import in_sum
from taue.readable import readable

OVERLAPS = ("mask_iou", "alpha_iou", "box_iou")
FAULTS = {"missing": "missing", "twice": "twice", "left_behind": "left", "key_left": "key"}
"""Fields and what the table calls them."""

CAPTION = (
    "Faults, by number of the subject: missing or there twice in the composite, left in the "
    "background, key colour left in. mask, alpha and box: intersection over union, the worst "
    "subject's; in sum the median."
)


def verdict_table(names: Sequence[str], verdicts: Sequence[Verdict]) -> Table:
    """One line for each result and one in sum; the layers tell what is wrong in them."""
    table = Table(box=box.SIMPLE, caption=CAPTION, caption_justify="left")
    for heading in ("result", "foreground", "composite", "background", "faults"):
        table.add_column(heading, overflow="fold")
    for heading in ("mask", "alpha", "box"):
        table.add_column(heading, justify="right")
    table.add_column("all right")
    for name, verdict in zip(names, verdicts, strict=True):
        table.add_row(Text(readable(name)), *_line(verdict))
    table.add_section()
    table.add_row(f"all {len(verdicts)}", *_sum(verdicts))
    return table


def _line(verdict: Verdict) -> list[str]:
    subjects = verdict.subjects
    foreground = [w for w in ("kind", "colour") if _any_wrong(subjects, "foreground", w)]
    composite = [w for w in ("kind", "colour") if _any_wrong(subjects, "composite", w)]
    if verdict.composite_background is False:
        composite.append("background")
    background = ["background"] if verdict.background is False else []
    faults = [f"{s.number} {word}" for s in subjects for f, word in FAULTS.items() if getattr(s, f)]
    unknown = {"foreground": not subjects, "background": verdict.background is None}
    return [
        _told(foreground, unknown["foreground"]),
        _told(composite, unknown["foreground"] and unknown["background"]),
        _told(background, unknown["background"]),
        "\n".join(faults) or "none",
        *(_worst([getattr(subject, name) for subject in subjects]) for name in OVERLAPS),
        {True: "yes", False: "no", None: "not judged"}[verdict.right],
    ]


def _any_wrong(subjects: Sequence[SubjectVerdict], layer: str, word: str) -> bool:
    return any(not getattr(getattr(subject, layer), word) for subject in subjects)


def _told(wrong: list[str], unknown: bool) -> str:
    if wrong:
        return "wrong " + ", ".join(wrong)
    return "not judged" if unknown else "right"


def _worst(values: list[float | None]) -> str:
    told = [value for value in values if value is not None]
    return f"{min(told):.2f}" if told else "-"


def _sum(verdicts: Sequence[Verdict]) -> list[str]:
    total = in_sum(verdicts)

    def percent(name: str, word: str = "") -> str:
        return f"{word} -" if total[name] is None else f"{word} {100 * total[name]:.1f}%".strip()

    words = {"foreground": ("kind", "colour"), "composite": ("kind", "colour", "background")}
    return [
        *("\n".join(percent(f"{layer}_{word}", word) for word in words[layer]) for layer in words),
        percent("background"),
        "\n".join(percent(fault, word) for fault, word in FAULTS.items()),
        *("-" if total[name] is None else f"{total[name]:.2f}" for name in OVERLAPS),
        percent("right"),
    ]
