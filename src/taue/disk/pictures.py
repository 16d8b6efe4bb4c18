"""Pictures that people bring: any common format, made upright, sRGB and 8 bits."""

from __future__ import annotations

import io
import math
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageCms, ImageOps

from taue.disk.limits import LARGEST_AREA, read_bytes, reading
from taue.errors import TaueError

FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF")

LARGEST_PHOTO = 2**27
"""Pixels, 134 million; what is above ``LARGEST_AREA`` is reduced as it is read."""

SIXTEEN = ("I;16", "I;16L", "I;16B", "I;16N", "I")
"""Pillow's modes of 16 bits."""


def read_own(path: Path) -> Image.Image:
    """A picture file as :func:`plain` makes it; of an animation the first picture.

    Raises:
        TaueError: if it is missing, broken, too large or in no format of ``FORMATS``.
    """
    data = read_bytes(path)
    with reading(path, "picture"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # broken EXIF, and many pixels, for which see below
        try:
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                _require_size(image, path)
                factor = _factor(image)
                if factor > 1:  # what JPEG can do as it unpacks
                    image.draft("RGB", (image.width // factor, image.height // factor))
                return plain(image)
        except Image.DecompressionBombError as error:
            raise _too_large(path) from error
        except Image.UnidentifiedImageError as error:
            raise TaueError(
                f"file {str(path)!r} is no picture that can be read; save it as one of "
                f"{', '.join(FORMATS)}."
            ) from error


def plain(image: Image.Image) -> Image.Image:
    """A picture upright as its EXIF says, in sRGB, RGB or RGBA with straight alpha, and of at most
    ``LARGEST_AREA`` pixels: reduced by a whole factor if it has more.

    Raises:
        ValueError: for pixels that cannot be brought into RGB, as those of floating point.
    """
    image = ImageOps.exif_transpose(image)
    if image.mode in SIXTEEN:
        values = np.asarray(image).astype(np.int64).clip(0, 65_535)
        image = Image.fromarray(((values + 128) // 257).astype(np.uint8))
    if image.mode == "F":
        raise ValueError("it holds numbers of floating point; save it in 8 bits a channel")
    see_through = image.has_transparency_data
    alpha = image.convert("RGBA").getchannel("A") if see_through else None
    colours = _in_srgb(image)
    if alpha is not None:
        colours.putalpha(alpha)
    factor = _factor(colours)
    bare = colours.reduce(factor) if factor > 1 else colours
    return Image.frombytes(bare.mode, bare.size, bare.tobytes())  # without what else it carries


def _in_srgb(image: Image.Image) -> Image.Image:
    """Its colours by the profile that it carries, or as they are [RGB]."""
    embedded = image.info.get("icc_profile")
    if image.mode in ("RGBA", "P", "PA"):
        image = image.convert("RGB")
    with suppress(ImageCms.PyCMSError, OSError, ValueError, TypeError):  # a broken profile
        if embedded:
            profile = ImageCms.ImageCmsProfile(io.BytesIO(embedded))
            told: Any = profile.profile
            space = str(told.xcolor_space).strip()
            own = "sRGB" in (told.profile_description or "")
            if space == image.mode and not own:
                wanted = ImageCms.createProfile("sRGB")
                made = ImageCms.profileToProfile(image, profile, wanted, outputMode="RGB")
                if made is not None:
                    return made
    return image.convert("RGB")


def _factor(image: Image.Image) -> int:
    """By which a picture is reduced."""
    return math.ceil(math.sqrt(image.width * image.height / LARGEST_AREA))


def _require_size(image: Image.Image, path: Path) -> None:
    if image.width * image.height > LARGEST_PHOTO:
        raise _too_large(path)


def _too_large(path: Path) -> TaueError:
    most = LARGEST_PHOTO // 10**6
    return TaueError(f"file {str(path)!r} is too large; give at most {most} megapixels.")
