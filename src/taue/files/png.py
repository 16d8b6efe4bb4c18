"""PNG files: straight alpha, and the same bytes for the same pixels."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

COMPRESSION = 6


def write_png(image: Image.Image, path: Path) -> None:
    """Write 8-bit RGB, RGBA or L; the colour under transparent pixels is kept.

    Without metadata and with a fixed compression, so that the bytes depend on the pixels alone.
    """
    bare = Image.frombytes(image.mode, image.size, image.tobytes())
    bare.save(path, format="PNG", compress_level=COMPRESSION)
