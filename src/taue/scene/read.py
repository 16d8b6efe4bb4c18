"""Where scenes lie: text files, pictures that carry theirs, result folders."""

from __future__ import annotations

import os
from pathlib import Path

from taue.errors import TaueError
from taue.scene.text import FORMS, Form

FILE = "scene.toml"
"""The scene file of a result folder."""

KEYWORD = "taue:scene"
"""Of the PNG text chunk that holds the scene as TOML."""

LARGEST = 2**20
"""Bytes of a scene file; a scene takes a few thousand, and anything may be handed over."""


def scene_text(path: str | os.PathLike[str]) -> tuple[str, Form]:
    """Read a scene's text and say in which form it is.

    Raises:
        TaueError: if nothing is there, it cannot be read, or it is not what holds a scene.
    """
    file, called = Path(path), str(path)
    try:
        file = file.expanduser()
        if file.is_dir():
            if not (file / FILE).is_file():
                raise TaueError(f"{called} has no {FILE}; name a folder that taue generate made.")
            return _text(file / FILE, called), "toml"
        if not file.exists():
            raise TaueError(f"{called} is missing; check the path of the scene file.")
        if not file.is_file():
            raise TaueError(f"{called} is no file; name a scene file.")
        ending = file.suffix.lower().removeprefix(".")
        if ending == "png":
            return _carried(file, called), "toml"
        for form in FORMS:
            if ending == form:
                return _text(file, called), form
    except (OSError, ValueError, RuntimeError) as error:
        if isinstance(error, TaueError):
            raise
        reason = getattr(error, "strerror", None) or str(error)
        raise TaueError(f"{called} cannot be read ({reason}); name another file.") from error
    raise TaueError(f"{called} is no scene; name a .toml, .json or .png file or a result folder.")


def folder_of(path: str | os.PathLike[str]) -> Path:
    """Where the relative paths of a scene begin that :func:`scene_text` reads."""
    file = Path(path).expanduser()
    return file if file.is_dir() else file.parent


def _text(file: Path, called: str) -> str:
    with file.open("rb") as stream:
        content = stream.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise TaueError(f"{called} is larger than a scene file can be, {LARGEST} bytes.")
    try:
        return content.decode("utf-8-sig")  # editors on Windows put a mark in front
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise TaueError(f"{called} is not UTF-8 in line {line}; save it as UTF-8.") from error


def _carried(file: Path, called: str) -> str:
    from taue.disk.png import read_png_text  # numpy and Pillow wait

    found = read_png_text(file, KEYWORD)
    if found is None:
        raise TaueError(f"{called} carries no scene; name a PNG that taue generate made.")
    return found
