"""Paths as people give them."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def expanded(path: str | os.PathLike[str]) -> Path:
    """The path with ``~`` and ``~name`` in full.

    Raises:
        OSError: for what can be no path: an unknown home, a null byte, half a character, a name
            that is too long, a file where a folder should be.
    """
    try:
        there = Path(path).expanduser()
        with suppress(FileNotFoundError):
            there.lstat()
    except (RuntimeError, ValueError) as error:
        raise OSError(str(error)) from error
    return there
