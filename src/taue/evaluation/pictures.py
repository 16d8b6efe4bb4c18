"""Reading the pictures of data sets and runs, which may come from anywhere."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

from taue.arrays import Bytes
from taue.disk.limits import Allowance, read_bytes, reading

FORMATS = ("PNG", "JPEG", "WEBP")


def read_picture(path: Path, mode: str = "RGB") -> Bytes:
    """A picture file as uint8 [H, W, 3] ("RGB"), [H, W, 4] ("RGBA") or [H, W] ("L").

    Raises:
        TaueError: if it is missing, broken, too large or of another format than PNG, JPEG or WebP.
    """
    with _opened(path) as image:
        return np.array(image.convert(mode))


def picture_size(path: Path) -> tuple[int, int]:
    """Width and height that a picture file says it has; its pixels are not decoded.

    Raises:
        TaueError: as :func:`read_picture`.
    """
    with _opened(path) as image:
        return image.size


def over_grey(front: Bytes, mask: Bytes) -> Bytes:
    """Colours [H, W, 3] with alpha [H, W], over the middle grey [H, W, 3]."""
    alpha = mask[..., None].astype(np.float32) / 255
    return (alpha * front + (1 - alpha) * 127.5).round().astype(np.uint8)


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    data = read_bytes(path)
    with reading(path, "picture"), Image.open(io.BytesIO(data), formats=FORMATS) as image:
        Allowance(path).layer(*image.size)
        yield image
