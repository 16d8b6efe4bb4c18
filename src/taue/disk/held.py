"""Who still works on what is unfinished: a lock that the system drops when its process ends."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: nothing is locked there, and nothing swept
    fcntl = None


class Lock:
    """Holds a file or folder until it is released or the process ends.

    Args:
        path: what is held.

    Raises:
        OSError: if it is gone, or somebody else holds it.
    """

    def __init__(self, path: Path) -> None:
        self._handle: int | None = None
        if fcntl is None:
            return
        self._handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not os.path.samestat(os.fstat(self._handle), path.lstat()):
                raise FileNotFoundError(f"{path} was exchanged")
        except OSError:
            self.release()
            raise

    def release(self) -> None:
        """Let it go."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


def abandoned(path: Path) -> bool:
    """Whether something of our own is held by nobody, because its process was killed."""
    if fcntl is None:
        return False
    with suppress(OSError):
        if path.lstat().st_uid == os.geteuid():
            Lock(path).release()
            return True
    return False
