"""The report of a result folder, read back; the folder may come from anywhere."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from taue.disk.limits import read_bytes, reading
from taue.errors import TaueError
from taue.scene import Scene
from taue.scene.method import CALLED, Method
from taue.scene.problems import Location, dotted
from taue.scene.text import is_utf8, not_finite

REPORT = "report.json"
LONGEST_REPORT = 2**24
"""Bytes."""

DEEPEST = 32

IN_SCENES: Mapping[str, Location] = {
    **{called: (name,) for name, called in CALLED.items()},
    **{name: ("method", name) for name in Method.model_fields},
    **{side: ("canvas", side) for side in ("width", "height")},
}
"""Where scenes have what reports tell by another name."""


def read_report(folder: Path) -> Any:
    """The values of a result folder's report.json, whatever they are.

    Raises:
        TaueError: if it is missing, broken or too large.
    """
    path = folder / REPORT
    with reading(path, "report"):
        content = read_bytes(path, LONGEST_REPORT)
        report = json.loads(content.decode("utf-8-sig"), parse_constant=not_finite)
        _require_plain(report, DEEPEST)
    return report


def require_agreement(scene: Scene, report: Any, folder: Path) -> None:
    """Make sure that a result's report tells of its scene; what it does not tell is not compared.

    Raises:
        TaueError: if it says nothing, or something else than the scene file.
    """
    told = report.get("settings") if isinstance(report, dict) else None
    if not isinstance(told, dict):
        raise TaueError(f"{folder / REPORT} has no settings; name a result of taue generate.")
    asked = {**scene.to_dict(), "model": scene.model, "seed": scene.seed}
    field = _disagreement(json.loads(json.dumps(asked)), told)
    if field is not None:
        first, *rest = field
        raise TaueError(
            f"folder {str(folder)!r} has a scene.toml and a {REPORT} that disagree about "
            f"{dotted((*IN_SCENES.get(str(first), (first,)), *rest))}; make the result again."
        )


def _disagreement(one: Any, other: Any, place: Location = ()) -> Location | None:
    """The first place where two values differ, if both have it; an empty text says nothing."""
    if isinstance(one, dict) and isinstance(other, dict):
        pairs = [(name, value, other[name]) for name, value in one.items() if name in other]
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = [(i, *pair) for i, pair in enumerate(zip(one, other, strict=True))]
    else:
        return None if (one or None) == (other or None) else place
    found = (_disagreement(mine, theirs, (*place, name)) for name, mine, theirs in pairs)
    return next((there for there in found if there is not None), None)


def _require_plain(value: Any, deepest: int) -> None:
    """ValueError unless it can be written again: not too deep, texts of whole characters."""
    if not deepest:
        raise ValueError("it is nested too deeply")
    if isinstance(value, str) and not is_utf8(value):
        raise ValueError("it holds what is no Unicode text")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("it holds a number that is too large")
    if isinstance(value, dict):
        value = [*value, *value.values()]
    if isinstance(value, list):
        for one in value:
            _require_plain(one, deepest - 1)
