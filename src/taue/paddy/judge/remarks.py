"""The paper's failure signatures in words.

No setting is named as a remedy: of those that the paper and we expected to help, tried on seven
findings, none cured one.
"""

from __future__ import annotations

from taue.paddy.judge.findings import SubjectVerdict, Verdict

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
