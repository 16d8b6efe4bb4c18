"""Where results go, looked at before any work: nothing older is replaced unless that is asked."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path

from taue.commands.output import require_output_free
from taue.disk.paths import expanded
from taue.disk.streams import is_special
from taue.disk.writing import check_out
from taue.errors import TaueError


def check_folder(out: Path, ours: re.Pattern[str], *, overwrite: bool) -> None:
    """Make sure that a folder can be made, or replaced if it is one of ours and that is asked.

    Args:
        out: the folder.
        ours: matches the names of the files that it may hold to be replaced.
        overwrite: whether it may be.

    Raises:
        TaueError: if not.
    """
    if not overwrite and _taken(out):
        raise TaueError(
            f"out {str(out)!r} exists already; name a folder that does not exist yet, or add "
            "--overwrite."
        )
    check_out(out, ours if overwrite else None)


def check_file(path: Path, option: str, *, overwrite: bool) -> None:
    """Make sure that a file does not exist yet, or may be replaced, and is not where JSON goes.

    Raises:
        TaueError: naming the option, if not.
    """
    require_output_free(path, option)
    if not overwrite and _taken(path) and not is_special(path):
        raise TaueError(
            f"{option} {str(path)!r} exists already; name another file, or add --overwrite."
        )


def _taken(path: Path) -> bool:
    with suppress(OSError):  # said when it is written
        return os.path.lexists(expanded(path))
    return False
