"""Where results lie: a folder for each session, with a name that nobody can guess.

A session is a secret token; whoever has it may read and remove its results, and nobody else. Names
from outside are compared with patterns and never become paths before.
"""

from __future__ import annotations

import json
import re
import secrets
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taue.disk.limits import read_bytes
from taue.disk.png import write_png
from taue.disk.writing import whole_file
from taue.errors import TaueError

if TYPE_CHECKING:
    from PIL.Image import Image

TOKEN = re.compile(r"[0-9a-f]{32}")
RESULT = re.compile(r"[0-9a-f]{16}")
INFO = "studio.json"
LONGEST_INFO = 2**22
"""Bytes."""

FILE = re.compile(r"(layers/)?[\w][\w.-]{0,180}\.(png|psd|ora|toml|json)")
"""Files of a result that are handed out; seedlings and what the model drew on its way are not."""


PICTURE = re.compile(r"([0-9a-f]{16}/)?pictures/[\w][\w.-]{0,180}")
"""A user's own pictures as forms name them: handed in, or kept by a result."""

MOST_PICTURES = 64
"""Of one session, besides those of its results."""


@dataclass(frozen=True)
class Session:
    """One user's results.

    Attributes:
        token: its secret.
        folder: of its results; it need not exist yet.
    """

    token: str
    folder: Path

    def new(self) -> tuple[str, Path]:
        """A name for a new result, and its place; names sort as results were made."""
        name = f"{time.time_ns() // 1_000_000:012x}{secrets.token_hex(2)}"
        return name, self.folder / name

    def of(self, result: str) -> Path:
        """The folder of a finished result.

        Raises:
            TaueError: if there is none of that name.
        """
        if not RESULT.fullmatch(result) or not (self.folder / result / INFO).is_file():
            raise TaueError(f"result {result[:40]!r} is not in this session; it may be too old.")
        return self.folder / result

    def file(self, result: str, name: str) -> Path:
        """A file of a result.

        Raises:
            TaueError: if there is none of that name, or it is not handed out.
        """
        path = self.of(result) / name if FILE.fullmatch(name) else None
        if path is None or name == INFO or path.is_symlink() or not path.is_file():
            raise TaueError(f"file {name[:80]!r} is not in this result; choose one that it has.")
        return path

    def picture(self, name: str) -> Path:
        """A picture of the user's own.

        Raises:
            TaueError: if there is none of that name.
        """
        path = self.folder / name if PICTURE.fullmatch(name) else None
        if path is None or path.is_symlink() or not path.is_file():
            raise TaueError(f"picture {name[:60]!r} is not in this session; hand it in again.")
        return path

    def take(self, image: Image) -> str:
        """Keep a picture that was handed in; its name.

        Raises:
            TaueError: if there are too many already, or it cannot be written.
        """
        folder = self.folder / "pictures"
        folder.mkdir(parents=True, mode=0o700, exist_ok=True)
        if len(list(folder.iterdir())) >= MOST_PICTURES:
            raise TaueError(f"this session has {MOST_PICTURES} pictures; use one of them.")
        name = f"pictures/{secrets.token_hex(8)}.png"
        write_png(image, self.folder / name)
        return name

    def finish(self, result: str, info: dict[str, Any]) -> None:
        """Mark a result as finished, with what the page knows of it."""
        with whole_file(self.folder / result / INFO) as stream:
            stream.write(json.dumps(info).encode())

    def info(self, result: str) -> dict[str, Any]:
        """What :meth:`finish` wrote."""
        return json.loads(read_bytes(self.of(result) / INFO, LONGEST_INFO))

    def history(self) -> list[dict[str, Any]]:
        """All finished results, the newest first."""
        if not self.folder.is_dir():
            return []
        names = sorted((one.name for one in self.folder.iterdir()), reverse=True)
        done = (name for name in names if RESULT.fullmatch(name))
        return [self.info(name) for name in done if (self.folder / name / INFO).is_file()]

    def remove(self, result: str) -> None:
        """Remove a finished result."""
        folder = self.of(result)
        (folder / INFO).unlink(missing_ok=True)  # it is gone at once for everybody
        shutil.rmtree(folder, ignore_errors=True)


class Sessions:
    """All sessions of a server.

    Args:
        folder: holds a folder for each; made if it is missing, for its owner alone.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def at(self, token: str) -> Session:
        """A session by its token; a new one for an empty token.

        Raises:
            TaueError: if it is no token.
        """
        token = token or secrets.token_hex(16)
        if not TOKEN.fullmatch(token):
            raise TaueError("session is no token; leave it out for a new session.")
        return Session(token, self.folder / token)
