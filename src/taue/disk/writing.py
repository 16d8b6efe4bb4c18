"""All writing goes through here: what is written together appears together and whole, or not.

Files and folders are made under random names beside their goals, exclusively, flushed and renamed
at the end; what was there before comes back if a later one fails. No link is written through, and
what is no regular file (a pipe, ``/dev/null``, ``-`` for standard output) is written to last and
never replaced.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from taue.disk.exchange import require_ours
from taue.disk.paths import expanded
from taue.disk.pieces import File, Folder, Piece, Special, swept, taken, there_already
from taue.disk.put import note_put
from taue.disk.streams import STANDARD, special
from taue.disk.unfinished import PREFIX, UnfinishedFolder
from taue.errors import TaueError

PathLike = str | os.PathLike[str]


@contextmanager
def whole_file(path: PathLike, *, parents: bool = True, replace: bool = True) -> Iterator[BinaryIO]:
    """Yield a file to write; it takes its name, in place of an older one, when the block ends well.

    If the block raises (a full disk, an interrupt) or the process ends, what was there before is
    there still.

    Args:
        path: the file; "-" or what is no regular file is written to at the end.
        parents: whether missing folders above it are made.
        replace: whether an older file gives way.

    Raises:
        TaueError: if the file cannot be written.
    """
    with together() as writes, writes.file(path, parents=parents, replace=replace) as stream:
        yield stream


@contextmanager
def complete_folder(path: PathLike, ours: re.Pattern[str] | None = None) -> Iterator[Path]:
    """Yield a folder to fill; it takes its name ``path`` when the block ends well.

    If the block raises (an interrupt included), whatever it wrote is removed.

    Args:
        path: the folder.
        ours: an older folder there gives way, whole and at once, if the names of all its files
            match; None if it must not.

    Raises:
        TaueError: if ``path`` cannot be written, or was made by somebody else meanwhile.
    """
    with together() as writes, writes.folder(path, ours) as folder:
        yield folder


def check_out(path: PathLike, ours: re.Pattern[str] | None = None) -> Path:
    """Make sure, before any work, that a result folder can be made here.

    Leaves nothing behind. Missing parents are fine; they are made with the result. ``ours`` as of
    :func:`complete_folder`.

    Raises:
        TaueError: if something is there already, or nothing can be written there.
    """
    out = Path(path)
    with _one_sentence(out, "out"):
        out = _free(out, ours)
        UnfinishedFolder(swept(out)).discard()
    return out


@contextmanager
def together() -> Iterator[Writes]:
    """Yield a place to collect files and folders; all take their names when the block ends well.

    Raises:
        TaueError: if one cannot take its name; the others are then as they were before.
    """
    writes = Writes()
    try:
        yield writes
        writes.put()
    finally:
        writes.discard()


class Writes:
    """Files and folders on their way to their names."""

    def __init__(self) -> None:
        self._pieces: list[Piece] = []

    @contextmanager
    def file(
        self, path: PathLike, *, parents: bool = True, replace: bool = True
    ) -> Iterator[BinaryIO]:
        """Yield a file to write, as :func:`whole_file` does."""
        goal = Path(path)
        with _one_sentence(goal, "file"):
            goal = expanded(goal)
            stream = special(goal)
            if stream:
                piece = Special(goal, stream)
            else:
                piece = File(_plain(goal, parents=parents, replace=replace), replace=replace)
            self._pieces.append(piece)
            yield piece.stream
            piece.finish()

    @contextmanager
    def folder(self, path: PathLike, ours: re.Pattern[str] | None = None) -> Iterator[Path]:
        """Yield a folder to fill, as :func:`complete_folder` does."""
        out = Path(path)
        with _one_sentence(out, "out"):
            out = _free(out, ours)
            piece = Folder(out, ours)
            self._pieces.append(piece)
            yield piece.unfinished.path
            piece.finish()

    def put(self) -> None:
        """Give everything its name: what cannot be undone comes last."""
        begun: list[Piece] = []
        try:
            for piece in sorted(self._pieces, key=lambda one: isinstance(one, Special)):
                begun.append(piece)
                with _one_sentence(piece.goal, piece.called):
                    piece.put(undoable=len(self._pieces) > 1)
        except BaseException:
            for piece in reversed(begun):
                piece.undo()
            raise
        note_put(
            piece.goal
            for piece in begun
            if not any(part.startswith(PREFIX) for part in piece.goal.parts)
        )

    def discard(self) -> None:
        """Remove what did not take its name, and copies of what was replaced."""
        for piece in self._pieces:
            piece.discard()


def _plain(goal: Path, *, parents: bool, replace: bool) -> Path:
    """A place for a file: nothing, or a regular file and no link, if it may be replaced."""
    if goal.is_symlink():
        raise TaueError(f"file {str(goal)!r} is a link; name the file itself.")
    if goal.is_dir():
        raise TaueError(f"file {str(goal)!r} is a folder; name a file.")
    if not replace and goal.exists():
        raise there_already(goal)
    if not parents:
        goal.parent.stat()
    return goal


def _free(out: Path, ours: re.Pattern[str] | None) -> Path:
    """A place for a folder: its expanded path, if nothing has this name but what may give way.

    A dangling link has it too. An OSError if nothing ever can have it.
    """
    if str(out) == STANDARD:
        raise TaueError("out is '-', and a result is a folder; name one that does not exist yet.")
    out = expanded(out)
    if os.path.lexists(out):
        if ours is None:
            raise taken(out)
        require_ours(out, ours)
    return out


@contextmanager
def _one_sentence(goal: Path, called: str) -> Iterator[None]:
    """What the system refuses, said of ``goal``."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        other = "place" if called == "file" else "folder"
        raise TaueError(
            f"{called} {str(goal)!r} cannot be written ({reason}); choose another {other}."
        ) from error
