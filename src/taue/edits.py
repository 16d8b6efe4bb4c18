"""What somebody changed in a layered file that a result was saved as."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from taue.arrays import Bytes
from taue.errors import TaueError
from taue.files.layered import read_layered
from taue.files.placed import Placed
from taue.readable import readable
from taue.stack.flatten import clear, finished, lay_over
from taue.stack.model import Layer, Stack

LONGEST = 60


@dataclass(frozen=True)
class EditedSubject:
    """One subject as a file has it.

    Attributes:
        number: of the subject in the result, from 1.
        moved_by: rows down and columns to the right that it was moved by, if it was only moved;
            (0, 0) if nothing was changed.
        pixels: what it is now, uint8 [H, W, 4], if more was changed than its place.
    """

    number: int
    moved_by: tuple[int, int]
    pixels: Bytes | None


@dataclass(frozen=True)
class Edits:
    """What a file makes of a result.

    Attributes:
        subjects: those that are there, the farthest first.
        background: uint8 [H, W, 3], if it was repainted.
        said: sentences about what was found, for the user.
    """

    subjects: tuple[EditedSubject, ...]
    background: Bytes | None
    said: tuple[str, ...]


def edits_of(path: str | os.PathLike[str], stack: Stack) -> Edits:
    """Compare a file with the stack that it was saved from; layers are matched by name, of equal
    names by order.

    Raises:
        TaueError: if the file cannot be read, is of another size, shows none of the subjects, or
            has a background with holes.
    """
    size, placed = read_layered(path)
    if size != stack.size:
        wide, high = stack.size
        raise TaueError(
            f"file {str(path)!r} is {size[0]} x {size[1]} pixels, and the result {wide} x {high}; "
            "keep its size."
        )
    waiting = list(stack.layers)
    subjects: list[EditedSubject] = []
    background: Bytes | None = None
    said: list[str] = []
    for one in placed:
        own = next((layer for layer in waiting if layer.name == one.name), None)
        if own is None:
            said.append(f"layer {_named(one.name)} is unknown, and left out.")
            continue
        waiting.remove(own)
        if own.role == "subject" and own.subject is not None:
            edited = _compared(own, one, stack.size)
            seen = edited.pixels is None or bool(edited.pixels[..., 3].any())
            subjects += [edited] if seen else []
            said += _told(own, edited, seen=seen)
        elif own.role == "background":
            background = _repainted(own, one, stack.size, path)
            said += [] if background is None else ["the background was repainted."]
        elif _changed(own, one):
            said.append(f"layer {_named(own.name)} was edited, but light and shadow are made anew.")
    for own in waiting:
        if own.role == "subject":
            said.append(f"subject {_named(own.name)} is not in the file, and removed.")
    if not subjects:
        raise TaueError(f"file {str(path)!r} shows none of the subjects; keep their names.")
    return Edits(tuple(subjects), background, tuple(said))


def shifted_pixels(pixels: Bytes, shift: tuple[int, int]) -> Bytes:
    """Pixels [H, W, 4] moved down and to the right; nothing comes from beyond."""
    down, right = shift
    moved = np.zeros_like(pixels)
    height, width = pixels.shape[:2]
    rows = slice(max(0, down), min(height, height + down))
    columns = slice(max(0, right), min(width, width + right))
    moved[rows, columns] = pixels[
        rows.start - down : rows.stop - down, columns.start - right : columns.stop - right
    ]
    return moved


def _compared(own: Layer, one: Placed, size: tuple[int, int]) -> EditedSubject:
    assert own.subject is not None
    if not _changed(own, one):
        visible = _visible(one)
        left, top, *_ = own.bounds
        shift = one.top + visible[1] - top, one.left + visible[0] - left
        inside = one.left + visible[0] >= 0 and one.top + visible[1] >= 0
        inside &= one.left + visible[2] <= size[0] and one.top + visible[3] <= size[1]
        if inside:
            return EditedSubject(own.subject, shift, None)
    return EditedSubject(own.subject, (0, 0), _on_canvas(one, size))


def _told(own: Layer, edited: EditedSubject, *, seen: bool) -> Sequence[str]:
    if not seen:
        return [f"subject {_named(own.name)} is not seen in the file, and removed."]
    if edited.pixels is not None:
        return [f"subject {_named(own.name)} was changed: it is taken from the file."]
    return [f"subject {_named(own.name)} was moved."] if edited.moved_by != (0, 0) else []


def _repainted(
    own: Layer, one: Placed, size: tuple[int, int], path: str | os.PathLike[str]
) -> Bytes | None:
    picture = _on_canvas(one, size)
    if (picture[..., 3] < 255).any():
        raise TaueError(
            f"file {str(path)!r} has a background with holes; fill them, to the canvas's border."
        )
    same = np.array_equal(picture[..., :3], own.pixels[..., :3])
    return None if same else np.ascontiguousarray(picture[..., :3])


def _changed(own: Layer, one: Placed) -> bool:
    """Whether more of a layer is other than its place; what is not seen does not count."""
    left, top, right, bottom = _visible(one)
    there, was = one.pixels[top:bottom, left:right], own.cropped
    if one.opacity < 1 or there.shape != was.shape:
        return True
    seen = was[..., 3] > 0
    return not (
        np.array_equal(there[..., 3], was[..., 3]) and np.array_equal(there[seen], was[seen])
    )


def _visible(one: Placed) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of what is visible within a layer's own pixels."""
    return Layer(one.name, "", None, one.pixels).bounds


def _on_canvas(one: Placed, size: tuple[int, int]) -> Bytes:
    """A layer on the whole canvas, [H, W, 4]."""
    picture = clear(*size)
    lay_over(picture, one.pixels, one.left, one.top, one.opacity)
    pixels = finished(picture)
    if pixels.shape[-1] == 3:
        pixels = np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)])
    return pixels


def _named(name: str) -> str:
    return repr(readable(name, LONGEST))
