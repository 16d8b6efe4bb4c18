"""OpenRaster files: written from a stack, and read back."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from xml.etree import ElementTree as ET

from defusedxml.ElementTree import fromstring
from PIL import Image

from taue.disk.limits import LARGEST_AREA, LARGEST_SIDE, Allowance, read_bytes, reading
from taue.disk.png import decode_png, png_bytes
from taue.errors import TaueError
from taue.files.placed import Placed
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


LONGEST_DOCUMENT = 2**20
LARGEST_DIRECTORY = 2**20
LARGEST_MEMBER = 5 * LARGEST_AREA
DEEPEST = 32

END_OF_DIRECTORY, END_LENGTH, LONGEST_COMMENT = b"PK\5\6", 22, 65_535
LOCATOR_64, LOCATOR_64_LENGTH = b"PK\6\7", 20


@dataclass(frozen=True)
class _Entry:
    name: str
    source: str
    left: int
    top: int
    opacity: float


def read_ora(path: Path) -> tuple[tuple[int, int], Iterator[Placed]]:
    """The canvas (width, height) and the visible layers from the lowest, each read when asked for.

    Raises:
        TaueError: if the file is broken, too large, names files outside itself, or has layers that
            plain source-over cannot show.
    """
    data, allowance = read_bytes(path), Allowance(path)
    with reading(path, "ORA"):
        _require_small_directory(data, path)
        archive = zipfile.ZipFile(io.BytesIO(data))
        if _member(archive, "mimetype", len(MIMETYPE)) != MIMETYPE:
            raise TaueError(f"file {str(path)!r} is no OpenRaster file; name one.")
        image = fromstring(_member(archive, "stack.xml", LONGEST_DOCUMENT), forbid_dtd=True)
        size = int(image.attrib["w"]), int(image.attrib["h"])
        allowance.canvas(*size)
        root = image.find("stack")
        entries = [] if root is None else list(_entries(root, (0, 0), path, DEEPEST))
    if not entries:
        raise TaueError(f"file {str(path)!r} has no visible layers; save it with layers.")
    return size, _placed(archive, entries, allowance)


def _placed(
    archive: zipfile.ZipFile, entries: list[_Entry], allowance: Allowance
) -> Iterator[Placed]:
    for entry in entries:
        with reading(allowance.path, "ORA"):
            data = _member(archive, entry.source, LARGEST_MEMBER)
            pixels = decode_png(data, "RGBA", allowance)
        yield Placed(entry.name, pixels, entry.left, entry.top, entry.opacity)


def _entries(stack: Any, corner: tuple[int, int], path: Path, deepest: int) -> Iterator[_Entry]:
    """The layers of a stack element and its stacks, from the lowest (the last) to the highest."""
    if not deepest:
        raise TaueError(f"file {str(path)!r} nests its groups too deeply; flatten some of them.")
    for child in reversed(stack):
        if child.tag not in ("stack", "layer") or child.get("visibility") == "hidden":
            continue
        name = child.get("name", "")
        left, top = corner[0] + int(child.get("x", 0)), corner[1] + int(child.get("y", 0))
        opacity = float(child.get("opacity", 1))
        if not (0 <= opacity <= 1 and max(abs(left), abs(top)) <= LARGEST_SIDE):
            raise TaueError(
                f"file {str(path)!r} has the layer {name!r} with an impossible place or opacity; "
                "save it again in an editor."
            )
        if child.get("composite-op", "svg:src-over") != "svg:src-over" or (
            child.tag == "stack" and opacity < 1
        ):
            raise TaueError(
                f"file {str(path)!r} has the layer {name!r}, which is no plain picture in normal "
                "mode; merge it in an editor first."
            )
        if child.tag == "stack":
            yield from _entries(child, (left, top), path, deepest - 1)
        else:
            yield _Entry(name, _inside(child.attrib["src"], path), left, top, opacity)


def _inside(source: str, path: Path) -> str:
    """A member's name; TaueError if it points out of the archive."""
    parts = source.replace("\\", "/").split("/")
    if ".." in parts or not parts[0] or ":" in parts[0]:
        raise TaueError(
            f"file {str(path)!r} names {source!r}, which is outside it; do not trust it."
        )
    return source


def _member(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    """A member's bytes; ValueError if there are more than ``most``, whatever its header says."""
    info = archive.getinfo(name)
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{name} is compressed in a way that OpenRaster does not know")
    with archive.open(info) as stream:
        data = stream.read(most + 1)
    if len(data) > most:
        raise ValueError(f"{name} is larger than {most} bytes")
    return data


def _require_small_directory(data: bytes, path: Path) -> None:
    """The list of members becomes objects at once, so it may not be long."""
    start = data.rfind(END_OF_DIRECTORY, max(0, len(data) - END_LENGTH - LONGEST_COMMENT))
    length = int.from_bytes(data[start + 12 : start + 16], "little")
    large = data[max(0, start - LOCATOR_64_LENGTH) :].startswith(LOCATOR_64)
    if start < 0 or large or length > LARGEST_DIRECTORY:
        raise TaueError(f"file {str(path)!r} is no readable ORA (its list of members).")
