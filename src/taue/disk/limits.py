"""How much a file from elsewhere may ask for, and reading no more than that."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from taue.disk.paths import expanded
from taue.errors import TaueError

LARGEST_SIDE = 16_384
LARGEST_AREA = 2**25
"""Pixels of a canvas or of one layer, 5792 x 5792."""

LARGEST_SUM = 2**28
"""Pixels of all layers together."""

MOST_LAYERS = 1000
LARGEST_FILE = 2**29


class Allowance:
    """Counts what a file's layers ask for.

    Raises:
        TaueError: as soon as it is too much.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.layers, self.pixels = path, 0, 0

    def canvas(self, width: int, height: int) -> None:
        if not (0 < width <= LARGEST_SIDE and 0 < height <= LARGEST_SIDE) or (
            width * height > LARGEST_AREA
        ):
            raise TaueError(
                f"{_shown(self.path)} says that it is {width} x {height} pixels; "
                f"give at most {LARGEST_AREA // 2**20} megapixels and {LARGEST_SIDE} a side."
            )

    def layer(self, width: int, height: int) -> None:
        self.canvas(width, height)
        self.layers, self.pixels = self.layers + 1, self.pixels + width * height
        if self.layers > MOST_LAYERS or self.pixels > LARGEST_SUM:
            raise TaueError(
                f"{_shown(self.path)} has too many layers; give at most {MOST_LAYERS} "
                f"and {LARGEST_SUM // 2**20} megapixels in sum."
            )


def full_path(path: str | os.PathLike[str]) -> Path:
    """The path in full.

    Raises:
        TaueError: if it can be none: an unknown home, a null byte, too long.
    """
    try:
        return expanded(path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise TaueError(
            f"{_shown(Path(path))} cannot be read ({reason}); check its name."
        ) from error


def read_bytes(path: Path, most: int = LARGEST_FILE) -> bytes:
    """A regular file's bytes.

    Raises:
        TaueError: if it is missing, no regular file, unreadable or larger than ``most`` bytes.
    """
    try:
        if not path.is_file():
            raise TaueError(f"{_shown(path)} is missing or no file; check its name.")
        with path.open("rb") as stream:
            # A read makes room for all that it asks for, so it asks for no more than there is.
            data = stream.read(min(os.fstat(stream.fileno()).st_size, most) + 1)
    except (OSError, ValueError) as error:
        if isinstance(error, TaueError):
            raise
        reason = getattr(error, "strerror", None) or str(error)
        raise TaueError(f"{_shown(path)} cannot be read ({reason}); check its name.") from error
    if len(data) > most:
        raise TaueError(f"{_shown(path)} is too large; give at most {most // 2**20} MiB.")
    return data


@contextmanager
def reading(path: Path, kind: str) -> Iterator[None]:
    """Whatever a library says of a broken file becomes one sentence; its warnings count as errors.

    Raises:
        TaueError: instead of everything else that the block raises.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            yield
    except TaueError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split())[:120].rstrip(".") or type(error).__name__
        raise TaueError(f"{_shown(path)} is no readable {kind} ({reason}).") from error


def _shown(path: Path) -> str:
    return f"file {str(path)!r}"
