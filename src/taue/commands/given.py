"""A scene as a command is given one: a file, a picture, a folder, or standard input."""

from __future__ import annotations

import sys
from pathlib import Path

from taue.disk.streams import STANDARD
from taue.errors import TaueError
from taue.scene import Scene
from taue.scene.read import LARGEST

CALLED = "standard input"


def given_scene(file: Path) -> Scene:
    """The scene that ``file`` holds; ``-`` is standard input, TOML or (beginning with "{") JSON.

    Raises:
        TaueError: if it cannot be read, or holds no valid scene.
    """
    if str(file) != STANDARD:
        return Scene.load(file)
    try:
        content = sys.stdin.buffer.read(LARGEST + 1)
        text = content.decode("utf-8-sig")
    except (AttributeError, OSError, ValueError) as error:  # closed, or no text
        raise TaueError(f"{CALLED} cannot be read as UTF-8; hand a scene over, or name one.") from (
            error
        )
    if len(content) > LARGEST:
        raise TaueError(f"{CALLED} is larger than a scene file can be, {LARGEST} bytes.")
    if not text.strip():
        raise TaueError(f"{CALLED} is empty; hand a scene over, or name a file.")
    return Scene.loads(text, "json" if text.lstrip().startswith("{") else "toml", source=CALLED)
