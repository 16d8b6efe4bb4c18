"""Which canvases a model has."""

from __future__ import annotations

from typing import Any

from taue.errors import TaueError
from taue.readable import quoted

SMALLEST = 8
"""Of a canvas's multiple along a side, at least."""


def canvas(
    height: int | None,
    width: int | None,
    own: tuple[int, int],
    multiple: int,
    largest: int | None = None,
) -> tuple[int, int]:
    """A canvas's height and width in pixels; the model's ``own`` where they are None.

    Raises:
        TaueError: for a side that is no multiple of ``multiple``, or too small or large.
    """
    return (
        _side("height", own[0] if height is None else height, multiple, largest),
        _side("width", own[1] if width is None else width, multiple, largest),
    )


def _side(name: str, value: Any, multiple: int, largest: int | None) -> int:
    least = SMALLEST * multiple
    if (
        not isinstance(value, int)
        or value % multiple
        or value < least
        or (largest is not None and value > largest)
    ):
        reach = f"from {least} pixels on" if largest is None else f"from {least} to {largest}"
        raise TaueError(f"{name} is {quoted(value)}; give a multiple of {multiple} {reach}.")
    return value


def of_cells(size: Any, cell: int) -> tuple[int, int]:
    """A model's own canvas in pixels, of what its configuration says in cells: one side or two."""
    rows, columns = size if isinstance(size, (list, tuple)) else (size, size)
    return rows * cell, columns * cell
