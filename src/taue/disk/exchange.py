"""Two folders that take each other's names: in one step, where the system can."""

from __future__ import annotations

import ctypes
import errno
import os
import re
import secrets
from pathlib import Path

from taue.errors import TaueError

AT_WORKING_FOLDER, EXCHANGE = -100, 2
"""Of Linux' ``renameat2``."""

LACKING = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EPERM)
"""What systems and file systems without it say."""


def exchange(one: Path, other: Path) -> None:
    """Let two folders that lie beside each other take each other's names.

    Where the system cannot do it at once, ``other`` has a third name meanwhile
    (``NAME.replaced-...``), under which it stays if the process is killed just then.

    Raises:
        OSError: if that cannot be; both have their own names then.
    """
    if _at_once(one, other):
        return
    aside = other.with_name(f"{other.name}.replaced-{secrets.token_hex(4)}")
    other.rename(aside)
    try:
        one.rename(other)
    except BaseException:
        aside.rename(other)
        raise
    aside.rename(one)


def _at_once(one: Path, other: Path) -> bool:
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError, TypeError):  # another system, or an old one
        return False
    names = os.fsencode(one), os.fsencode(other)
    if rename(AT_WORKING_FOLDER, names[0], AT_WORKING_FOLDER, names[1], EXCHANGE) == 0:
        return True
    reason = ctypes.get_errno()
    if reason in LACKING:
        return False
    raise OSError(reason, os.strerror(reason), str(other))


def require_ours(folder: Path, ours: re.Pattern[str]) -> None:
    """Make sure that a folder may be replaced: that nothing of anybody else is in it.

    Args:
        folder: what is there.
        ours: matches the names, relative to it, of the files that we make; links are not ours.

    Raises:
        TaueError: if it is no folder, or holds anything else.
        OSError: if it cannot be looked into.
    """
    if folder.is_symlink() or not folder.is_dir():
        raise TaueError(f"out {str(folder)!r} is no folder; name one.")
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink() or (not path.is_dir() and not ours.fullmatch(name)):
            raise TaueError(
                f"out {str(folder)!r} holds {name!r}, which taue did not make; name another folder."
            )
