"""PNG files: straight alpha, and the same bytes for the same pixels and texts."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from taue.arrays import Bytes
from taue.disk.limits import Allowance, read_bytes, reading
from taue.disk.writing import whole_file
from taue.errors import TaueError

COMPRESSION = 6


def write_png(image: Image.Image, path: Path, texts: Mapping[str, str] | None = None) -> None:
    """Write 8-bit RGB, RGBA or L; the colour under transparent pixels is kept.

    With a fixed compression and no metadata but ``texts`` (keyword: Unicode text, as iTXt chunks
    before the pixels), so that the bytes depend on these and the pixels alone.
    """
    with whole_file(path) as stream:
        stream.write(png_bytes(image, texts))


def png_bytes(image: Image.Image, texts: Mapping[str, str] | None = None) -> bytes:
    """The same, as bytes."""
    bare = Image.frombytes(image.mode, image.size, image.tobytes())
    chunks = PngInfo()
    for keyword, text in (texts or {}).items():
        chunks.add_itxt(keyword, text)
    stream = io.BytesIO()
    bare.save(stream, format="PNG", compress_level=COMPRESSION, pnginfo=chunks)
    return stream.getvalue()


def read_png(path: Path, mode: str, *, convert: bool = True) -> Bytes:
    """A PNG file from anywhere as uint8 [H, W, 3] ("RGB") or [H, W, 4] ("RGBA").

    Args:
        path: the file.
        mode: Pillow's name of what comes out.
        convert: whether a picture of another mode is converted; it is refused otherwise.

    Raises:
        TaueError: if it is missing, broken, too large or refused.
    """
    return decode_png(read_bytes(path), mode, Allowance(path), convert=convert)


def decode_png(data: bytes, mode: str, allowance: Allowance, *, convert: bool = True) -> Bytes:
    """The same from bytes; its size is checked before anything is unpacked."""
    with reading(allowance.path, "PNG"), Image.open(io.BytesIO(data), formats=("PNG",)) as image:
        allowance.layer(*image.size)
        if not convert and image.mode != mode:
            raise TaueError(f"file {str(allowance.path)!r} is {image.mode}; give {mode}.")
        return np.array(image.convert(mode))


def read_png_text(path: Path, keyword: str) -> str | None:
    """The text under ``keyword`` that stands before the pixels, which are not decoded.

    Raises:
        TaueError: if it is no PNG, or its texts are larger than Pillow takes.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path, formats=["PNG"]) as image:
                found = image.info.get(keyword)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise TaueError(f"{path} cannot be read as a PNG; name one that taue made.") from error
    return str(found) if isinstance(found, str) else None
