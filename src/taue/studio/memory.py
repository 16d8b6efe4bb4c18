"""Memory that nobody uses any more, given back to the system.

glibc keeps what is freed in as many pools as there were threads at once, up to eight a core. Runs
come in threads of their own, so a server that is busy for days grows by the gaps between what is
in use, though nothing leaks.
"""

from __future__ import annotations

import ctypes
from contextlib import suppress
from functools import cache
from typing import Any

ARENA_MAX, POOLS = -8, 2
"""glibc's name of that limit, and what it is here: one for whatever runs, one for the rest."""


@cache
def _glibc() -> Any:
    """The C library; None if it is another one."""
    with suppress(OSError, TypeError):
        library = ctypes.CDLL(None)
        if hasattr(library, "malloc_trim") and hasattr(library, "mallopt"):
            return library
    return None


def keep_few_pools() -> None:
    """Let threads share pools; before there are any."""
    if (glibc := _glibc()) is not None:
        glibc.mallopt(ARENA_MAX, POOLS)


def give_back() -> None:
    """Let go of the gaps that a run left."""
    if (glibc := _glibc()) is not None:
        glibc.malloc_trim(0)
