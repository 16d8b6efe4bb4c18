"""A stack in the format that a path's ending asks for, and what a layered file shows."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import BinaryIO

from PIL import Image

from taue.arrays import Bytes
from taue.disk.limits import full_path
from taue.disk.png import write_png
from taue.disk.writing import complete_folder, whole_file
from taue.errors import TaueError
from taue.files.made import layer_file
from taue.files.placed import Placed
from taue.stack.flatten import clear, finished, lay_over
from taue.stack.model import Stack


def flatten_file(path: str | os.PathLike[str]) -> Bytes:
    """What a PSD or ORA file shows, from its layers: uint8 [H, W, 3], or [H, W, 4] if not opaque.

    Raises:
        TaueError: if the file is broken, too large or uses more than visible layers and groups in
            normal mode with opacities.
    """
    return _render(*read_layered(path))


def read_layered(path: str | os.PathLike[str]) -> tuple[tuple[int, int], Iterable[Placed]]:
    """The canvas (width, height) of a PSD or ORA file and its visible layers from the lowest, each
    read when asked for.

    Raises:
        TaueError: as of :func:`flatten_file`, for layers as they are asked for.
    """
    file = full_path(path)
    if require_layered(file) == ".psd":
        from taue.files.psd import read_psd as read
    else:
        from taue.files.ora import read_ora as read

    return read(file)


def require_layered(file: Path) -> str:
    """The ending of a file, lower case.

    Raises:
        TaueError: if none of its kind is read.
    """
    suffix = file.suffix.lower()
    if suffix not in (".psd", ".ora"):
        raise TaueError(f"file {str(file)!r} is neither .psd nor .ora; name one of these.")
    return suffix


def _render(size: tuple[int, int], layers: Iterable[Placed]) -> Bytes:
    picture = clear(*size)
    for layer in layers:
        lay_over(picture, layer.pixels, layer.left, layer.top, layer.opacity)
    return finished(picture)


ENDINGS = (".psd", ".ora", ".webp", "")


def check_ending(path: str | os.PathLike[str]) -> Path:
    """The path, if its ending is one that :func:`save` knows.

    Raises:
        TaueError: otherwise.
    """
    if Path(path).suffix.lower() not in ENDINGS:
        raise TaueError(
            f"path {str(path)!r} has an ending that is not known; end it in .psd, .ora or .webp, "
            "or in none for a folder of PNG files."
        )
    return Path(path)


def save(stack: Stack, path: str | os.PathLike[str]) -> Path:
    """Write the stack: ``x.psd``, ``x.ora``, a folder ``x`` of PNG or ``x.webp`` of WebP files.

    A file replaces an older one at once and whole; a folder must not exist yet.

    Raises:
        TaueError: if the ending is not known or the path cannot be written.
    """
    goal = check_ending(path)
    ending = goal.suffix.lower()
    if ending in (".psd", ".ora"):
        with whole_file(goal) as stream:
            write_layered(stack, stream, ending)
    else:
        save_pictures(stack, goal, "webp" if ending else "png")
    return goal.expanduser()


def write_layered(stack: Stack, stream: BinaryIO, ending: str) -> None:
    """Write the stack as one file, ".psd" or ".ora"."""
    if ending == ".psd":
        from taue.files.psd import write_psd as write
    else:
        from taue.files.ora import write_ora as write

    write(stack, stream)


def save_pictures(stack: Stack, path: str | os.PathLike[str], kind: str) -> list[Path]:
    """Write each layer on the whole canvas into a new folder, as "png" or lossless "webp".

    Returns:
        The paths, from the lowest layer to the highest, which is the order of their names.
    """
    with complete_folder(path) as folder:
        return [Path(path).expanduser() / p.name for p in write_pictures(stack, folder, kind)]


def write_pictures(
    stack: Stack, folder: Path, kind: str, texts: Mapping[str, str] | None = None
) -> list[Path]:
    """The same into a folder that exists; PNG files carry ``texts`` (see
    :func:`taue.disk.png.write_png`)."""
    made: list[Path] = []
    for place, layer in enumerate(stack.layers):
        stem = layer.stem if layer.subject is None else layer.stem or str(layer.subject)
        name = layer_file(place, len(stack.layers), layer.role, stem)
        path = folder / f"{name}.{kind}"
        image = Image.fromarray(layer.pixels)
        if kind == "png":
            write_png(image, path, texts)
        else:
            # Exact keeps the colours under transparent pixels, as PNG does.
            with whole_file(path) as stream:
                image.save(stream, format="WEBP", lossless=True, exact=True, quality=80, method=4)
        made.append(path)
    return made
