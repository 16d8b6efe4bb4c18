"""What is not finite never reaches a picture."""

from __future__ import annotations

from typing import Any

from taue.errors import TaueError


def require_finite(values: Any, what: str) -> None:
    """Make sure that an array or tensor holds numbers alone.

    Raises:
        TaueError: if it holds an infinity or what is no number.
    """
    if getattr(values, "is_meta", False):  # shapes without values
        return
    total = values.sum()  # one number that is finite if all are, unless they are huge
    if not bool(abs(total) < float("inf")) and not bool((abs(values) < float("inf")).all()):
        raise TaueError(
            f"{what} holds values that are not finite; choose float32, another model or other "
            "settings."
        )
