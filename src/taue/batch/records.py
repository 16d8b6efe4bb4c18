"""What a store says of a scene: done, with every file's hash, or what was tried."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel


class Kept(BaseModel):
    """A file of a result."""

    size: int
    sha256: str


class Marker(BaseModel):
    """Says that a result is complete; written last. ``place`` is where its files are, ``row`` what
    the index has of it."""

    format: Literal[1] = 1
    id: str
    place: str
    files: dict[str, Kept]
    row: dict[str, Any]


class Attempt(BaseModel):
    """Written before a scene is made, and again with its error if that fails; removed if it does
    not. ``final`` ends the scene's attempts; ``together`` is how many scenes were in the batch."""

    number: int
    line: int = 0
    together: int = 1
    worker: str = ""
    error: str | None = None
    final: bool = False


class StoreAbout(BaseModel):
    """``store.json``."""

    format: Literal[1] = 1
    taue: str
