"""Who makes a scene: a lock on one byte of one file for each, dropped by the system when its
process ends, however it ends."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

try:
    import fcntl
except ImportError:  # Windows, where every scene has a file of its own
    fcntl = None

FILE = "scenes"
SPREAD = 2**62
"""Bytes, of a file that stays empty, on which the locks lie."""


class Claims:
    """Claims of this process on scenes.

    Args:
        folder: where the locks are; it exists by the time of the first claim.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._opened: tuple[int, int] | None = None
        self._files: dict[str, Any] = {}

    def take(self, key: str) -> bool:
        """Whether nobody else has it; then it is ours until it is released or the process ends."""
        if fcntl is None:
            return self._take_file(key)
        handle = self._handle()  # may not be opened by another user, which is no claim of his
        try:
            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _byte(key))
        except (BlockingIOError, PermissionError):
            return False
        return True

    def release(self, key: str) -> None:
        """Let it go."""
        if fcntl is None:
            self._files.pop(key).release()
        else:
            fcntl.lockf(self._handle(), fcntl.LOCK_UN, 1, _byte(key))

    def _handle(self) -> int:
        """The file, opened once by each process: closing any would drop all of its locks."""
        if self._opened is None or self._opened[0] != os.getpid():
            handle = os.open(self.folder / FILE, os.O_RDWR | os.O_CREAT, 0o666)
            self._opened = os.getpid(), handle
        return self._opened[1]

    def _take_file(self, key: str) -> bool:
        from filelock import FileLock, Timeout

        lock = FileLock(self.folder / key)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return False
        self._files[key] = lock
        return True


def _byte(key: str) -> int:
    return int(key, 16) % SPREAD
