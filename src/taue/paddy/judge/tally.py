"""Verdicts as JSON, and many of them in sum."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from taue.paddy.judge.findings import SubjectVerdict, Verdict


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
