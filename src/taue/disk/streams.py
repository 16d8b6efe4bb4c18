"""What is written to and never replaced: standard output, pipes, devices."""

from __future__ import annotations

import io
import os
import stat
import sys
from pathlib import Path

STANDARD = "-"
"""Names standard output, as everywhere."""


def special(path: Path) -> Stream | None:
    """What ``path`` names, if it is no place for a file of its own.

    A link to one of this process's standard streams (``/dev/stdout``) is that stream, even if it
    was sent into a file.

    Raises:
        OSError: if it is of a kind that cannot be written, or nobody reads it.
    """
    if str(path) == STANDARD:
        return Stream(None)
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    if path.is_symlink() and (number := _standard(found)) is not None:
        return Stream(os.dup(number))
    if stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode):
        return None
    if not (stat.S_ISCHR(found.st_mode) or stat.S_ISFIFO(found.st_mode)):
        raise OSError("it is no file, pipe or character device")
    # Without waiting, because a pipe that nobody reads would be waited for for ever.
    handle = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
    opened = os.fstat(handle)
    if not (stat.S_ISCHR(opened.st_mode) or stat.S_ISFIFO(opened.st_mode)):
        os.close(handle)
        raise OSError("it was exchanged meanwhile")
    os.set_blocking(handle, True)
    return Stream(handle)


def is_special(path: Path) -> bool:
    """Whether something is there that is no regular file or folder; false if that is unknown."""
    if str(path) == STANDARD:
        return True
    try:
        found = path.stat()
    except (OSError, ValueError):
        return False
    return not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)) or (
        path.is_symlink() and _standard(found) is not None
    )


def is_standard_output(path: Path) -> bool:
    """Whether ``path`` names this process's standard output."""
    if str(path) == STANDARD:
        return True
    try:
        return path.is_symlink() and _standard(path.stat()) == 1
    except (OSError, ValueError):
        return False


class Stream:
    """Takes everything in memory first, so that a failure before the end writes nothing.

    Args:
        handle: an open descriptor, which this owns; None for ``sys.stdout``.
    """

    def __init__(self, handle: int | None) -> None:
        self.handle, self.buffer = handle, io.BytesIO()

    def put(self) -> None:
        """Write it all; an OSError if that cannot be."""
        sys.stdout.flush()
        if self.handle is None:
            sys.stdout.buffer.write(self.buffer.getvalue())
            sys.stdout.buffer.flush()
            return
        left = memoryview(self.buffer.getvalue())
        while left:
            left = left[os.write(self.handle, left) :]

    def discard(self) -> None:
        """Close what was opened."""
        if self.handle is not None:
            os.close(self.handle)
            self.handle = None


def _standard(found: os.stat_result) -> int | None:
    """The descriptor of the standard output or error that is this file."""
    for number in (1, 2):
        try:
            if os.path.samestat(found, os.fstat(number)):
                return number
        except OSError:  # closed
            continue
    return None
