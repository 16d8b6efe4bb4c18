"""PNG files: straight alpha, and the same bytes for the same pixels."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

from taue.files.limits import Allowance, read_bytes, reading
from taue.stack.model import Bytes

COMPRESSION = 6


def write_png(image: Image.Image, path: Path) -> None:
    """Write 8-bit RGB, RGBA or L; the colour under transparent pixels is kept.

    Without metadata and with a fixed compression, so that the bytes depend on the pixels alone.
    """
    path.write_bytes(png_bytes(image))


def png_bytes(image: Image.Image) -> bytes:
    """The same, as bytes."""
    bare = Image.frombytes(image.mode, image.size, image.tobytes())
    stream = io.BytesIO()
    bare.save(stream, format="PNG", compress_level=COMPRESSION)
    return stream.getvalue()


def read_png(path: Path, mode: str) -> Bytes:
    """A PNG file from anywhere as uint8 [H, W, 3] ("RGB") or [H, W, 4] ("RGBA").

    Raises:
        TaueError: if it is missing, broken or too large.
    """
    return decode_png(read_bytes(path), mode, Allowance(path))


def decode_png(data: bytes, mode: str, allowance: Allowance) -> Bytes:
    """The same from bytes; its size is checked before anything is unpacked."""
    with reading(allowance.path, "PNG"), Image.open(io.BytesIO(data), formats=("PNG",)) as image:
        allowance.layer(*image.size)
        return np.array(image.convert(mode))
