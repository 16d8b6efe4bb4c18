"""What a store says of itself, and of a scene that is done: every file's hash."""

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


class StoreAbout(BaseModel):
    """``store.json``."""

    format: Literal[1] = 1
    taue: str
