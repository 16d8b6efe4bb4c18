"""The README's scene of two subjects: as it grew, before another background, the car moved.

    python -m benchmarks.meadow --out docs

Runs the README's own commands and writes the sheet ``meadow.png``.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import typer
from PIL import Image

from benchmarks.crew import Out, figure_in
from benchmarks.sceneries import sheet

README = Path(__file__).parent.parent / "README.md"
RESULTS = ("meadow", "meadow-night", "meadow-left")
SHOWN = ("composite", "background", "subject-tree", "subject-car")
TILE = 192


def commands() -> Iterator[list[str]]:
    """The words of the commands with which the README makes these results."""
    text = README.read_text(encoding="utf-8").replace("\\\n", " ")
    for line in re.findall(r"^taue .*$", text, re.MULTILINE):
        words = shlex.split(line, comments=True)
        if words[-1] in RESULTS and words[-2] == "--out":
            yield words


def main(out: Out) -> None:
    """Run the commands in a folder of their own and show what they made."""
    with tempfile.TemporaryDirectory() as folder:
        for _, *words in commands():
            subprocess.run([sys.executable, "-m", "taue", *words], check=True, cwd=folder)  # noqa: S603 - ours
        rows = [
            (result, [Image.open(Path(folder, result, f"{one}.png")).copy() for one in SHOWN])
            for result in RESULTS
        ]
    sheet(figure_in(out, "meadow.png"), SHOWN, rows, TILE)


if __name__ == "__main__":
    typer.run(main)
