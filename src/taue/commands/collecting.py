"""Libraries and models without the garbage collector looking through them."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def nothing_collected() -> Iterator[None]:
    """No garbage is looked for meanwhile, and the first time in a process never again in what there
    is at the end.

    Importing makes some million objects that stay; to look through them again and again, and once
    more at exit, took a fifth of a short command's time.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        # Once: what is frozen and becomes garbage in a cycle is never freed.
        if not gc.get_freeze_count():
            gc.freeze()
        if collects:
            gc.enable()
