"""A run on disk: one method over one data set, a folder for each item.

RUN/run.json      method, options and data set
RUN/items/ID/     what the method made of that pair, see :mod:`taue.evaluation.items`
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel

from taue.errors import TaueError
from taue.evaluation.checked import read_checked

RUN, ITEMS = "run.json", "items"


class RunAbout(BaseModel):
    """``run.json``. ``digest`` is the data set's; ``copies`` says whether the method puts pixels
    of one picture into another."""

    format: Literal[1] = 1
    method: str
    copies: bool
    data: str
    digest: str
    pictures: int
    options: dict[str, Any]


def read_run(folder: Path) -> RunAbout:
    """What a run says of itself.

    Raises:
        TaueError: if the folder is none.
    """
    if not (folder / RUN).is_file():
        raise TaueError(f"run {str(folder)!r} is none; make one with taue eval generate.")
    return read_checked(folder / RUN, RunAbout)


def item_folders(folder: Path) -> dict[str, Path]:
    """The finished items by their ids; hidden folders are unfinished."""
    if not folder.is_dir():
        return {}
    found = sorted(path for path in folder.iterdir() if path.is_dir())
    return {path.name: path for path in found if not path.name.startswith(".")}
