"""The files of one run, by name."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from taue.files.folder import complete_folder
from taue.files.png import write_png
from taue.files.report import recomposition, write_report
from taue.files.save import save, write_pictures
from taue.files.sheet import contact_sheet
from taue.layers import Layers

LAYERED = ("layers.psd", "layers.ora")


def write_result(layers: Layers, report: dict[str, Any], out: str | os.PathLike[str]) -> list[Path]:
    """Write every layer, the exact stack, the sheet and the report into a new folder, or nothing.

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
    stack = layers.stack()
    with complete_folder(out) as folder:
        for name, picture in pictures.items():
            write_png(picture, folder / name)
        (folder / "layers").mkdir()
        write_pictures(stack, folder / "layers", "png")
        for name in LAYERED:
            save(stack, folder / name)
        write_report({**report, "recomposition": recomposition(stack)}, folder / "report.json")
    names = (*pictures, *LAYERED, "layers", "report.json")
    return [Path(out).expanduser() / name for name in names]
