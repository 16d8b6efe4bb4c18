"""OpenRaster files: layers, merged picture and thumbnail in a ZIP archive.

https://www.openraster.org, version 0.0.3.
"""

from __future__ import annotations

import zipfile
from typing import BinaryIO
from xml.etree import ElementTree as ET

from PIL import Image

from taue.files.png import png_bytes
from taue.stack.model import Stack

MIMETYPE = b"image/openraster"
THUMBNAIL = 256
"""Longest side that the format allows."""


def write_ora(stack: Stack, stream: BinaryIO) -> None:
    """Write the stack; the same stack gives the same bytes.

    Groups are ``isolation="auto"``: a layer in them blends with everything beneath.
    """
    merged = Image.fromarray(stack.merged)
    small = merged.copy()
    small.thumbnail((THUMBNAIL, THUMBNAIL))
    document, pictures = _document(stack)
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for name, data in (
            ("mimetype", MIMETYPE),  # first and stored, so that it is found at a fixed place
            ("stack.xml", document),
            *pictures.items(),
            ("mergedimage.png", png_bytes(merged)),
            ("Thumbnails/thumbnail.png", png_bytes(small)),
        ):
            archive.writestr(zipfile.ZipInfo(name), data)


def _document(stack: Stack) -> tuple[bytes, dict[str, bytes]]:
    """``stack.xml`` and the pictures that it names. XML lists the highest layer first."""
    width, height = stack.size
    image = ET.Element("image", version="0.0.3", w=str(width), h=str(height))
    root = ET.SubElement(image, "stack")
    pictures: dict[str, bytes] = {}
    for name, layers in reversed(stack.groups()):
        parent = root
        if name is not None:
            parent = ET.SubElement(root, "stack", name=name, isolation="auto")
        for layer in reversed(layers):
            source = f"data/{stack.layers.index(layer)}.png"
            pictures[source] = png_bytes(Image.fromarray(layer.cropped))
            left, top, *_ = layer.bounds
            place = {"src": source, "x": str(left), "y": str(top)}
            ET.SubElement(parent, "layer", {"name": layer.name, **place})
    return ET.tostring(image, encoding="UTF-8", xml_declaration=True), pictures
