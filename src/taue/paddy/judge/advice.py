"""The paper's failure signatures, and the setting that usually cures each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from taue.paddy.judge.findings import SubjectVerdict, Verdict

MARK = "judge: "
"""So every warning begins, so that a second look can replace those of the first."""

LOST = 0.3
"""A composite that shares less with the alpha has lost the subject's shape."""


def advice(verdict: Verdict, settings: Mapping[str, Any]) -> list[str]:
    """A sentence for each signature, naming the setting and, if ``settings`` tell, its value.

    Args:
        settings: a report's; where a subject has a crop ratio of its own, that is told.
    """

    def now(name: str, own: object = None) -> str:
        value = settings.get(name) if own is None else own
        return f"`{name}`" if value is None else f"`{name}` (now {value})"

    ratios = [one.get("crop_ratio") for one in settings.get("subjects", ())]
    lines: list[str] = []
    for subject in verdict.subjects:
        ratio = now("crop_ratio", ratios[subject.number - 1] if ratios else None)
        who = f"{MARK}subject {subject.number} ({subject.prompt})"
        if subject.twice:
            lines.append(
                f"{who} is there {subject.twice + 1} times in the composite; "
                f"try a higher {now('sharpening')}."
            )
        if subject.left_behind:
            lines.append(
                f"{who} is left in the background; its mask is too small, try a lower "
                f"{now('background_threshold')} or {now('attention_threshold')}."
            )
        if subject.unlit or subject.floating:
            how = "keeps its own light" if subject.unlit else "floats above the ground"
            lines.append(
                f"{who} {how} in the composite; it was transplanted too late, try a lower {ratio}."
            )
        if shape_lost(subject):
            lines.append(
                f"{who} lost its shape in the composite; it was transplanted too early, "
                f"try a higher {ratio}."
            )
        if subject.key_left:
            lines.append(
                f"{who} shows its key colour; try a higher {now('background_threshold')} "
                f"or another {now('key')}."
            )
    return lines


def shape_lost(subject: SubjectVerdict) -> bool:
    """Whether the foreground shows what was asked for and the composite no longer does."""
    if subject.missing:
        return True
    if subject.foreground.kind and not subject.composite.kind:
        return True
    return subject.alpha_iou is not None and subject.alpha_iou < LOST
