"""Old results make room: by age, and the oldest of all if they are too many."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from taue.disk.unfinished import sweep
from taue.studio.sessions import INFO, RESULT, TOKEN


def sweep_results(folder: Path, hours: float, stored: int, now: float | None = None) -> list[Path]:
    """Remove results that are older than ``hours``, then the oldest until ``stored`` bytes are
    left, what was left unfinished by a process that is gone, and sessions that are empty.

    Args:
        folder: of all sessions.
        hours: how long results are kept.
        stored: bytes of all results.
        now: seconds since 1970; the clock's if None.

    Returns:
        The results that are gone.
    """
    oldest = (time.time() if now is None else now) - hours * 3600
    found = sorted((_made(path), path) for path in _things(folder))
    sizes = {path: _size(path) for _, path in found}
    total, gone = sum(sizes.values()), []
    for made, path in found:
        if made >= oldest and total <= stored:
            break
        with suppress(OSError):
            (path / INFO if path.is_dir() else path).unlink(missing_ok=True)
        shutil.rmtree(path, ignore_errors=True)
        total -= sizes[path]
        gone.append(path)
    for session in _sessions(folder):
        sweep(session)
        for empty in (session / "pictures", session):
            with suppress(OSError):  # not empty
                empty.rmdir()
    return gone


def _sessions(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if TOKEN.fullmatch(path.name) and path.is_dir() and not path.is_symlink():
            yield path


def _things(folder: Path) -> Iterator[Path]:
    """Finished results, without what is being written, which has another name or no INFO yet, and
    pictures that were handed in."""
    for session in _sessions(folder):
        for path in session.iterdir():
            if RESULT.fullmatch(path.name) and (path / INFO).is_file():
                yield path
        yield from (session / "pictures").glob("*.png")


def _made(path: Path) -> float:
    with suppress(OSError):
        return (path / INFO if path.is_dir() else path).stat().st_mtime
    return 0.0


def _size(path: Path) -> int:
    if path.is_file():
        return path.stat().st_size
    total = 0
    for file in path.rglob("*"):
        with suppress(OSError):
            total += 0 if file.is_dir() else file.lstat().st_size
    return total
