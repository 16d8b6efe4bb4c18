"""Photoshop files: a group per subject, real names, the composite as merged picture."""

from __future__ import annotations

from functools import cache
from typing import BinaryIO

from PIL import Image, ImageCms
from psd_tools import PSDImage
from psd_tools.api.layers import GroupMixin
from psd_tools.constants import Resource
from psd_tools.psd.image_resources import ImageResource

from taue.stack.model import Layer, Stack

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


def _add(parent: GroupMixin, layer: Layer) -> None:
    left, top, *_ = layer.bounds
    made = parent.create_pixel_layer_from_array(layer.cropped, name=ASCII_NAME, left=left, top=top)
    made.name = layer.name


@cache
def srgb_profile() -> bytes:
    """The sRGB profile without the date of its making, so that equal files have equal bytes."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[24:36] = bytes(12)
    return bytes(profile)
