"""The pictures of a result folder, read back; the folder may come from anywhere."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from taue.errors import TaueError
from taue.files.limits import MOST_LAYERS, read_bytes, reading
from taue.files.png import read_png
from taue.stack.build import Pictures

LONGEST_REPORT = 2**24


def read_result(path: str | os.PathLike[str]) -> Pictures:
    """What a stack is made from: composite, background and subjects, named as in the report.

    Raises:
        TaueError: if the folder is no result, or one of its files is missing, broken or too large.
    """
    folder = Path(path).expanduser()
    if not folder.is_dir():
        raise TaueError(f"folder {str(folder)!r} is missing or no folder; name a result.")
    subjects = []
    while (one := folder / f"subject-{len(subjects) + 1}.png").exists():
        if len(subjects) == MOST_LAYERS:
            raise TaueError(f"folder {str(folder)!r} has too many subjects to read.")
        subjects.append(read_png(one, "RGBA"))
    if not subjects:
        raise TaueError(f"folder {str(folder)!r} has no subject-1.png; name a result.")
    return Pictures(
        composite=read_png(folder / "composite.png", "RGB"),
        background=read_png(folder / "background.png", "RGB"),
        subjects=tuple(subjects),
        names=tuple(_names(folder / "report.json", len(subjects))),
    )


def _names(report: Path, count: int) -> list[str]:
    """The subjects' names or prompts, where the report has them."""
    plain = [f"subject {i}" for i in range(1, count + 1)]
    if not report.exists():
        return plain
    with reading(report, "report"):
        told: Any = json.loads(read_bytes(report, LONGEST_REPORT))
    settings = told.get("settings") if isinstance(told, dict) else None
    people = settings.get("subjects") if isinstance(settings, dict) else None
    if not isinstance(people, list):
        return plain
    known = [p if isinstance(p, dict) else {} for p in people[:count]]
    names = [p.get("name") or p.get("prompt") for p in known]
    return [n if isinstance(n, str) else p for n, p in zip(names, plain, strict=False)] + plain[
        len(names) :
    ]
