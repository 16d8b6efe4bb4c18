"""Photoshop files: written from a stack, and read back."""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageCms
from psd_tools import ParseLimits, PSDImage
from psd_tools.api.layers import Group, GroupMixin, Layer, PixelLayer
from psd_tools.constants import BlendMode, ColorMode, Resource
from psd_tools.psd.image_resources import ImageResource

from taue.disk.limits import LARGEST_AREA, LARGEST_FILE, Allowance, read_bytes, reading
from taue.errors import TaueError
from taue.files.placed import Placed
from taue.stack.model import Layer as StackLayer
from taue.stack.model import Stack

ASCII_NAME = "layer"
"""A layer's name until it has its own: psd-tools takes other characters only afterwards."""


def write_psd(stack: Stack, stream: BinaryIO) -> None:
    """Write the stack as an 8-bit RGB document with an sRGB profile.

    Layers are cropped to what is visible. Groups pass through, so that they change no pixel.
    """
    document = PSDImage.frompil(Image.fromarray(stack.merged))
    profile = ImageResource(key=Resource.ICC_PROFILE, data=srgb_profile())
    document.image_resources[Resource.ICC_PROFILE] = profile
    for name, layers in stack.groups():
        if name is None:
            parent = document
        else:
            parent = document.create_group(name=ASCII_NAME)
            parent.name = name
        for layer in layers:
            _add(parent, layer)
    # save() would put a picture of its own in the place of the merged one, truncated, not rounded.
    document._record.write(stream)


def _add(parent: GroupMixin, layer: StackLayer) -> None:
    left, top, *_ = layer.bounds
    made = parent.create_pixel_layer_from_array(layer.cropped, name=ASCII_NAME, left=left, top=top)
    made.name = layer.name


@cache
def srgb_profile() -> bytes:
    """The sRGB profile without the date of its making, so that equal files have equal bytes."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[24:36] = bytes(12)
    return bytes(profile)


LIMITS = ParseLimits(
    max_read_bytes=LARGEST_FILE,
    max_total_bytes=2 * LARGEST_FILE,
    max_objects=200_000,
    max_nesting_depth=32,
)
ALLOCATION = 64 * LARGEST_AREA
"""Bytes for the pixels of one layer, psd-tools' own floats included."""


def read_psd(path: Path) -> tuple[tuple[int, int], Iterator[Placed]]:
    """The canvas (width, height) and the visible layers from the lowest, each read when asked for.

    Raises:
        TaueError: if the file is broken, too large, not 8-bit RGB, or has layers that plain
            source-over cannot show.
    """
    data, allowance = read_bytes(path), Allowance(path)
    with reading(path, "PSD"):
        document = PSDImage.open(io.BytesIO(data), max_alloc_bytes=ALLOCATION, parse_limits=LIMITS)
        allowance.canvas(document.width, document.height)
        if document.depth != 8 or document.color_mode != ColorMode.RGB:
            raise TaueError(f"file {str(path)!r} is not 8-bit RGB; convert it first.")
        leaves = list(_leaves(document, 1.0, path))
        for layer, _ in leaves:
            allowance.layer(layer.width, layer.height)
    if not leaves:
        raise TaueError(f"file {str(path)!r} has no visible layers; save it with layers.")
    return (document.width, document.height), _placed(leaves, path)


def _placed(leaves: list[tuple[Layer, float]], path: Path) -> Iterator[Placed]:
    for layer, opacity in leaves:
        with reading(path, "PSD"):
            values = layer.numpy()
            assert values is not None and values.shape[-1] in (3, 4)
            pixels = np.full((*values.shape[:2], 4), 255, np.uint8)
            pixels[..., : values.shape[-1]] = (values * 255 + 0.5).astype(np.uint8)
        yield Placed(layer.name, pixels, layer.left, layer.top, opacity)


def _leaves(parent: PSDImage | Group, opacity: float, path: Path) -> Iterator[tuple[Layer, float]]:
    """Pixel layers that can be seen, with their opacity."""
    for layer in parent:
        if not layer.visible:
            continue
        plain = layer.blend_mode in (BlendMode.NORMAL, BlendMode.PASS_THROUGH)
        own = layer.opacity / 255
        if isinstance(layer, Group) and plain and own == 1 and not layer.has_mask():
            yield from _leaves(layer, opacity, path)
        elif (
            not isinstance(layer, PixelLayer)
            or not plain
            or layer.has_mask()
            or layer.clipping
            or layer.has_effects()
        ):
            raise TaueError(
                f"file {str(path)!r} has the layer {layer.name!r}, which is no plain picture in "
                "normal mode; merge it in an editor first."
            )
        elif layer.width and layer.height:
            yield layer, own * opacity
