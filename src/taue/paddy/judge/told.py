"""Verdicts told: as JSON and in sum, failures in words, and a table for people.

No setting is named as a remedy: of those that the paper and we expected to help, tried on seven
findings, none cured one.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from taue.paddy.judge.findings import SubjectVerdict, Verdict
from taue.readable import readable


def as_json(verdict: Verdict) -> dict[str, Any]:
    """Everything about one result, figures rounded to four digits."""
    return {
        "right": verdict.right,
        "composite_background": verdict.composite_background,
        "background": verdict.background,
        "not_judged": list(verdict.not_judged),
        "subjects": [_subject(subject) for subject in verdict.subjects],
    }


def in_sum(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Shares (0..1) of what could be judged, and medians of the overlaps; None where nothing was.

    ``right``, ``background`` and ``composite_background`` count results, the rest counts subjects.
    """
    subjects = [subject for verdict in verdicts for subject in verdict.subjects]
    return {
        "results": len(verdicts),
        "subjects": len(subjects),
        "not_judged": sum(bool(verdict.not_judged) for verdict in verdicts),
        "right": _share(verdict.right for verdict in verdicts),
        "foreground_kind": _share(subject.foreground.kind for subject in subjects),
        "foreground_colour": _share(subject.foreground.colour for subject in subjects),
        "composite_kind": _share(subject.composite.kind for subject in subjects),
        "composite_colour": _share(subject.composite.colour for subject in subjects),
        "composite_background": _share(verdict.composite_background for verdict in verdicts),
        "background": _share(verdict.background for verdict in verdicts),
        "missing": _share(subject.missing for subject in subjects),
        "twice": _share(subject.twice > 0 for subject in subjects),
        "left_behind": _share(subject.left_behind for subject in subjects),
        "key_left": _share(subject.key_left for subject in subjects),
        **{
            name: _median(getattr(subject, name) for subject in subjects)
            for name in ("mask_iou", "alpha_iou", "box_iou")
        },
    }


def _subject(subject: SubjectVerdict) -> dict[str, Any]:
    written = {
        name: round(value, 4) if isinstance(value, float) else value
        for name, value in asdict(subject).items()
    }
    if subject.box is not None:
        written["box"] = {name: round(side, 4) for name, side in asdict(subject.box).items()}
    judged = ("right", "left_behind", "key_left")
    return written | {name: getattr(subject, name) for name in judged}


def _share(answers: Iterable[bool | None]) -> float | None:
    told = [answer for answer in answers if answer is not None]
    return round(sum(told) / len(told), 4) if told else None


def _median(values: Iterable[float | None]) -> float | None:
    told = [value for value in values if value is not None]
    return round(statistics.median(told), 4) if told else None


MARK = "judge: "
"""So every warning begins, so that a second look can replace those of the first."""

LOST = 0.3
"""A composite that shares less with the alpha has lost the subject's shape."""


def remarks(verdict: Verdict) -> list[str]:
    """A sentence for each signature."""
    lines: list[str] = []
    for subject in verdict.subjects:
        seen = {
            f"is there {subject.twice + 1} times in the composite": bool(subject.twice),
            "is left in the background": subject.left_behind,
            "keeps its own light in the composite": subject.unlit,
            "floats above the ground in the composite": subject.floating and not subject.unlit,
            "lost its shape in the composite": shape_lost(subject),
            "shows its key colour": subject.key_left,
        }
        who = f"{MARK}subject {subject.number} ({subject.prompt})"
        lines += [f"{who} {what}." for what, is_so in seen.items() if is_so]
    return lines


def shape_lost(subject: SubjectVerdict) -> bool:
    """Whether the foreground shows what was asked for and the composite no longer does."""
    if subject.missing:
        return True
    if subject.foreground.kind and not subject.composite.kind:
        return True
    return subject.alpha_iou is not None and subject.alpha_iou < LOST


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
