"""Weights are read as safetensors alone: the other formats run code when they are opened."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

from taue.errors import TaueError

SAFE = ".safetensors"
PICKLED = (".bin", ".ckpt", ".pt", ".pth", ".pickle", ".pkl")
MOST_FILES = 10_000


def require_safe_file(path: str | os.PathLike[str], what: str) -> None:
    """Refuse weights whose format can run code.

    Raises:
        TaueError: for a name that ends as such a file's does.
    """
    if Path(path).suffix.lower() in PICKLED:
        raise TaueError(
            f"{what} {str(path)!r} is of a format that can run code; give a {SAFE} file."
        )


def require_safe_folder(folder: Path) -> None:
    """Make sure, before a library touches it, that a model folder holds files to be read alone.

    Raises:
        TaueError: if a part has weights in a format that can run code and none as safetensors, or
            something is no regular file.
    """
    for count, path in enumerate(folder.rglob("*")):
        if count >= MOST_FILES:
            raise TaueError(f"model {folder} has too many files; name the model's own folder.")
        try:
            kind = path.stat().st_mode
        except OSError as error:
            raise TaueError(
                f"model {folder} has the file {path.name!r}, which cannot be read "
                f"({error.strerror}); mend the folder."
            ) from error
        if not (stat.S_ISREG(kind) or stat.S_ISDIR(kind)):
            raise TaueError(f"model {folder} has {path.name!r}, which is no file; remove it.")
        if path.suffix.lower() in PICKLED and not any(path.parent.glob(f"*{SAFE}")):
            require_safe_file(path, "model has")


def safe_arguments(arguments: dict[str, Any]) -> dict[str, Any]:
    """Arguments of a loader, with ``use_safetensors`` set.

    Raises:
        TaueError: if the caller asks for another format.
    """
    if arguments.get("use_safetensors", True) is not True:
        raise TaueError("use_safetensors is not True; other formats can run code.")
    return {**arguments, "use_safetensors": True}


def require_safe_adapter(given: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    """The same for a LoRA: a path, a hub id or a state dictionary.

    Raises:
        TaueError: if it is a file of a format that can run code.
    """
    if isinstance(given, (str, os.PathLike)):
        require_safe_file(given, "LoRA")
        require_safe_file(str(arguments.get("weight_name") or ""), "LoRA")
        folder = Path(given)
        if folder.is_dir():
            require_safe_folder(folder)
    return safe_arguments(arguments)
