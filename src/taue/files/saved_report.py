"""The report of a result folder, read back; the folder may come from anywhere."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from taue.disk.limits import read_bytes, reading
from taue.scene.text import is_utf8, not_finite

LONGEST_REPORT = 2**24
"""Bytes."""

DEEPEST = 32


def read_report(folder: Path) -> Any:
    """The values of a result folder's report.json, whatever they are.

    Raises:
        TaueError: if it is missing, broken or too large.
    """
    path = folder / "report.json"
    with reading(path, "report"):
        content = read_bytes(path, LONGEST_REPORT)
        report = json.loads(content.decode("utf-8-sig"), parse_constant=not_finite)
        _require_plain(report, DEEPEST)
    return report


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


def settings_of(report: Any) -> dict[str, Any] | None:
    """What the run was made with, or None if the report does not say."""
    settings = report.get("settings") if isinstance(report, dict) else None
    return settings if isinstance(settings, dict) else None
