"""A user's own picture in a scene: a file, or a picture in memory."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import (
    BeforeValidator,
    InstanceOf,
    PlainSerializer,
    ValidationInfo,
    WithJsonSchema,
)

from taue.errors import TaueError
from taue.readable import quoted

if TYPE_CHECKING:
    from PIL.Image import Image

LONGEST_PATH = 4096
FOLDER = "folder"
"""Where relative paths begin, in the context that a scene is checked with; the working folder if
it says nothing."""


class OwnPicture:
    """A picture that a user brings in place of one that is drawn.

    Two are equal if they are one file, or one picture in memory.

    Args:
        source: a path, or a picture of Pillow.
    """

    def __init__(self, source: str | Image) -> None:
        self._source = source

    @property
    def path(self) -> str:
        """The file's; "" of a picture in memory."""
        return self._source if isinstance(self._source, str) else ""

    @cached_property
    def image(self) -> Image:
        """Upright, sRGB, RGB or RGBA; read once.

        Raises:
            TaueError: if it cannot be read.
        """
        from taue.disk.pictures import plain, read_own  # numpy and Pillow wait

        if isinstance(self._source, str):
            return read_own(Path(self._source))
        try:
            return plain(self._source)
        except (OSError, ValueError) as error:
            reason = str(error).rstrip(".")
            raise TaueError(f"the picture in memory cannot be used ({reason}).") from error

    def whole(self) -> Image:
        """As a picture that fills the canvas, RGB.

        Raises:
            TaueError: if it cannot be read, or is transparent anywhere.
        """
        image = self.image
        if image.mode == "RGBA":
            if image.getchannel("A").getextrema() != (255, 255):
                raise TaueError(f"{self._told} has transparent parts; flatten it first.")
            image = image.convert("RGB")
        return image

    def cut_out(self) -> Image:
        """As what stands on nothing, RGBA.

        Raises:
            TaueError: if it cannot be read, or its alpha cuts nothing out.
        """
        image = self.image
        least, most = image.getchannel("A").getextrema() if image.mode == "RGBA" else (255, 255)
        if least == 255:
            raise TaueError(
                f"{self._told} has no transparent parts; cut the object out first, as PNG or WebP "
                "with alpha."
            )
        if most == 0:
            raise TaueError(f"{self._told} is transparent everywhere; give one that shows it.")
        return image

    @property
    def _told(self) -> str:
        return f"file {self.path!r}" if self.path else "the picture in memory"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, OwnPicture):
            return NotImplemented
        if self.path or other.path:
            return self.path == other.path
        return self._source is other._source

    def __hash__(self) -> int:
        return hash(self.path or id(self._source))

    def __repr__(self) -> str:
        return f"OwnPicture({self.path!r})" if self.path else "OwnPicture(<in memory>)"


def _own_picture(value: Any, info: ValidationInfo) -> OwnPicture:
    """A picture from what stands in its place: a path or a picture."""
    if isinstance(value, OwnPicture):
        return value
    if isinstance(value, (str, os.PathLike)):
        return OwnPicture(_found(os.fspath(value), info))
    if hasattr(value, "getchannel"):  # a picture of Pillow, which waits
        return OwnPicture(value)
    raise TaueError(
        f"{info.field_name} is {quoted(value)}; give a path or, in Python, a picture of Pillow."
    )


def _found(path: Any, info: ValidationInfo) -> str:
    from taue.disk.paths import expanded

    if not isinstance(path, str) or not path.strip() or len(path) > LONGEST_PATH:
        raise TaueError(f"{info.field_name} is {quoted(path)}; name a picture file.")
    try:
        return str(Path((info.context or {}).get(FOLDER, "."), expanded(path)).absolute())
    except OSError as error:
        reason = error.strerror or str(error)
        raise TaueError(
            f"{info.field_name} is {quoted(path)}, which cannot be a path ({reason}); name a "
            "picture file."
        ) from error


Own = Annotated[
    InstanceOf[OwnPicture],
    BeforeValidator(_own_picture),
    PlainSerializer(lambda one: one.path, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "maxLength": LONGEST_PATH}),
]
"""The field of a scene; in files a path, relative to the file's folder."""


def require_files(pictures: Iterable[OwnPicture]) -> None:
    """Make sure that a scene with these pictures can be written.

    Raises:
        TaueError: if one is in memory alone.
    """
    if any(not one.path for one in pictures):
        raise TaueError("a picture of the scene is in memory alone; save it, and give its path.")
