"""The files of one run, by name."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from taue.files.folder import complete_folder
from taue.files.png import write_png
from taue.files.report import write_report
from taue.files.sheet import contact_sheet
from taue.layers import Layers


def write_result(layers: Layers, report: dict[str, Any], out: str | os.PathLike[str]) -> list[Path]:
    """Write every layer, the sheet and the report into a new folder, all or nothing.

    Args:
        layers: the result, with PIL images.

    Returns:
        The paths of what was made, the most looked-at first.

    Raises:
        TaueError: if ``out`` exists or cannot be written.
    """
    pictures = {"composite.png": layers.composite, "background.png": layers.background}
    pictures |= {f"subject-{i}.png": s.image for i, s in enumerate(layers.subjects, 1)}
    pictures |= {f"foreground-{i}.png": f for i, f in enumerate(layers.foregrounds, 1)}
    pictures |= {"sheet.png": contact_sheet(layers)}
    with complete_folder(out) as folder:
        for name, picture in pictures.items():
            write_png(picture, folder / name)
        write_report(report, folder / "report.json")
    return [Path(out).expanduser() / name for name in (*pictures, "report.json")]
