"""What this process has put in its place; light, because every start of the command line asks."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

_put: list[Path] = []


def note_put(goals: Iterable[Path]) -> None:
    """These files and folders have their names, for good."""
    _put.extend(goals)


def names_taken() -> int:
    """How many files and folders this process has put in their places, for good, so far."""
    return len(_put)
