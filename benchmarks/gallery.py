"""What each example makes, a row per script.

    python -m benchmarks.gallery --out docs

Writes the sheet ``gallery.png``.
"""

from __future__ import annotations

import ast
import subprocess
import sys
import tempfile
from pathlib import Path

import typer
from PIL import Image

from benchmarks.crew import Out, figure_in
from benchmarks.sceneries import SheetRow, sheet

EXAMPLES = Path(__file__).parent.parent / "examples"
TILE = 192


def row(script: Path) -> SheetRow:
    """The script's first line and its pictures, the scenes before their objects."""
    title = (ast.get_docstring(ast.parse(script.read_text())) or "").splitlines()[0]
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "out")
        subprocess.run([sys.executable, str(script), str(out)], check=True)  # noqa: S603 - ours
        pictures = [Image.open(path).copy() for path in sorted(out.glob("*.png"))]
    pictures.sort(key=lambda picture: picture.mode == "RGBA")
    return f"{script.name}  -  {title}", pictures


def main(out: Out) -> None:
    """Run every example and show its pictures."""
    rows = [row(script) for script in sorted(EXAMPLES.glob("*.py"))]
    across = max(len(pictures) for _, pictures in rows)
    sheet(figure_in(out, "gallery.png"), [""] * across, rows, TILE)


if __name__ == "__main__":
    typer.run(main)
