"""Memory that nobody uses any more, given back to the system."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache


@cache
def _trimming() -> Callable[[int], int] | None:
    """glibc's own; None with other allocators."""
    try:
        return ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):
        return None


def give_back() -> None:
    """Let go of the gaps between what is in use: glibc keeps those that a run leaves, and a server
    that is busy for days grows by them, though nothing leaks."""
    trim = _trimming()
    if trim is not None:
        trim(0)
