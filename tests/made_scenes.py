"""Rendered scenes as the pictures that a stack is made from, and a PNG that lies."""

import struct
import zlib
from pathlib import Path

from taue.box import Box
from taue.paddy import scenes
from taue.stack import Pictures

NAMES = ("ein roter Apfel", "un coche azul 车 \U0001f697")


def leftovers(folder: Path) -> list[str]:
    """The names of what is in a folder."""
    return sorted(path.name for path in folder.iterdir())


def overlapping(size: tuple[int, int] = (96, 160)) -> Pictures:
    """A car before an apple on a beach, both with shadows; (height, width) pixels."""
    apple = scenes.ObjectSpec("apple", "red", Box(0.2, 0.4, 0.35, 0.4))
    car = scenes.ObjectSpec("car", "blue", Box(0.4, 0.5, 0.5, 0.35))
    return _pictures(scenes.SceneSpec((apple, car), "a beach at sunset", None, 3), size)


def apart(size: tuple[int, int] = (96, 160)) -> Pictures:
    """The same two with clear ground between them."""
    apple = scenes.ObjectSpec("apple", "red", Box(0.05, 0.4, 0.3, 0.4))
    car = scenes.ObjectSpec("car", "blue", Box(0.55, 0.5, 0.4, 0.3))
    return _pictures(scenes.SceneSpec((apple, car), "a beach at sunset", None, 3), size)


def png_of(width: int, height: int, data: bytes = b"") -> bytes:
    """A PNG that says it has this size."""
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(data)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )


def _pictures(spec: scenes.SceneSpec, size: tuple[int, int]) -> Pictures:
    scene = scenes.render(spec, size)
    subjects = tuple(thing.rgba for thing in scene.objects)
    return Pictures(scene.composite, scene.plate, subjects, NAMES)
