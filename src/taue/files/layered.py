"""Rendering a layered file from anywhere: what its reader found, laid over each other."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from taue.disk.limits import named
from taue.errors import TaueError
from taue.stack.flatten import clear, finished, lay_over
from taue.stack.model import Bytes


@dataclass(frozen=True)
class Placed:
    """A layer as a file has it: uint8 [h, w, 4] straight alpha, its corner, opacity in [0, 1]."""

    name: str
    pixels: Bytes
    left: int
    top: int
    opacity: float = 1.0


def flatten_file(path: str | os.PathLike[str]) -> Bytes:
    """What a PSD or ORA file shows, from its layers: uint8 [H, W, 3], or [H, W, 4] if not opaque.

    Raises:
        TaueError: if the file is broken, too large or uses more than visible layers and groups in
            normal mode with opacities.
    """
    file = named(path)
    if require_layered(file) == ".psd":
        from taue.files.psd_reader import read_psd

        size, layers = read_psd(file)
    else:
        from taue.files.ora_reader import read_ora

        size, layers = read_ora(file)
    return _render(size, layers)


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
