"""A result folder is complete or absent.

Everything is written into a hidden folder beside the goal, flushed, and renamed at the end, so
that no failure, interrupt or power cut leaves half a result under the name that was asked for.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from taue.errors import TaueError


def check_out(path: str | os.PathLike[str]) -> Path:
    """Make sure, before any work, that a result folder can be made here.

    Leaves nothing behind. Missing parents are fine; they are made with the result.

    Raises:
        TaueError: if something is there already, or nothing can be written there.
    """
    out = Path(path)
    try:
        out = out.expanduser()
        taken = _is_taken(out)
        _make_unfinished(_nearest_ancestor(out)).rmdir()
    except (OSError, ValueError, RuntimeError) as error:
        raise _cannot_write(out, error) from error
    if taken:
        raise _taken(out)
    return out


@contextmanager
def complete_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a folder to fill; it takes its name ``path`` when the block ends well.

    If the block raises (an interrupt included), whatever it wrote is removed.

    Raises:
        TaueError: if ``path`` cannot be written, or was made by somebody else meanwhile.
    """
    out = check_out(path)
    unfinished = None
    try:
        unfinished = _make_unfinished(_nearest_ancestor(out))
        yield unfinished
        _flush(unfinished)
        out.parent.mkdir(parents=True, exist_ok=True)
        if _is_taken(out):  # rename would replace an empty folder without a word
            raise _taken(out)
        unfinished.rename(out)
        with suppress(OSError):  # a parent that may be written but not read; all is in place
            sync(out.parent)
    except OSError as error:
        raise _cannot_write(out, error) from error
    finally:
        if unfinished is not None:
            shutil.rmtree(unfinished, ignore_errors=True)


def _is_taken(out: Path) -> bool:
    """Whether anything has this name, a dangling link included; OSError if nothing ever can."""
    try:
        out.lstat()
    except FileNotFoundError:
        return False
    return True


def _nearest_ancestor(out: Path) -> Path:
    """The deepest folder above ``out`` that exists, hence on the filesystem of ``out``."""
    for parent in out.absolute().parents:
        if os.path.lexists(parent):
            return parent
    raise FileNotFoundError(f"{out} has no parent that exists")


def _make_unfinished(parent: Path) -> Path:
    unfinished = parent / f".taue-{secrets.token_hex(8)}"
    unfinished.mkdir()
    return unfinished


def _flush(folder: Path) -> None:
    for path in folder.rglob("*"):
        sync(path)
    sync(folder)


def sync(path: Path) -> None:
    if os.name == "nt" and path.is_dir():  # Windows cannot open folders
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _taken(out: Path) -> TaueError:
    return TaueError(f"out {str(out)!r} exists already; name a folder that does not exist yet.")


def _cannot_write(out: Path, error: Exception) -> TaueError:
    reason = getattr(error, "strerror", None) or str(error)
    return TaueError(f"out {str(out)!r} cannot be written ({reason}); choose another folder.")
