"""The report of a result folder, read back; the folder may come from anywhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from taue.files.limits import read_bytes, reading

LONGEST_REPORT = 2**24
"""Bytes."""


def read_report(folder: Path) -> Any:
    """The values of a result folder's report.json, whatever they are.

    Raises:
        TaueError: if it is missing, broken or too large.
    """
    path = folder / "report.json"
    with reading(path, "report"):
        return json.loads(read_bytes(path, LONGEST_REPORT))


def settings_of(report: Any) -> dict[str, Any] | None:
    """What the run was made with, or None if the report does not say."""
    settings = report.get("settings") if isinstance(report, dict) else None
    return settings if isinstance(settings, dict) else None
