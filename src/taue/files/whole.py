"""A file is the old one or the new one, never part of either."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from taue.errors import TaueError
from taue.files.folder import sync


@contextmanager
def whole_file(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Yield a file to write; it takes its name, in place of an older one, when the block ends well.

    If the block raises (a full disk, an interrupt) or the process ends, what was there before is
    there still.

    Raises:
        TaueError: if the file cannot be written.
    """
    goal = Path(path)
    unfinished: Path | None = None
    try:
        goal = goal.expanduser()
        if goal.is_dir():
            raise TaueError(f"file {str(goal)!r} is a folder; name a file.")
        goal.parent.mkdir(parents=True, exist_ok=True)
        unfinished = goal.parent / f".taue-{secrets.token_hex(8)}"
        with unfinished.open("xb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(unfinished, goal)
        unfinished = None
        with suppress(OSError):  # a parent that may be written but not read; all is in place
            sync(goal.parent)
    except OSError as error:
        reason = error.strerror or str(error)
        raise TaueError(
            f"file {str(goal)!r} cannot be written ({reason}); choose another place."
        ) from error
    finally:
        if unfinished is not None:
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)
