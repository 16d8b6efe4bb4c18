"""Writes docs/gallery.png: what each example makes, a row per script.

python docs/generate_gallery.py
"""

from __future__ import annotations

import ast
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image, ImageDraw

DOCS = Path(__file__).parent
TILE, LABEL = 192, 18


def row(script: Path) -> tuple[str, list[Image.Image]]:
    """The script's first line and its pictures, RGBA on grey, the scenes before their objects."""
    title = (ast.get_docstring(ast.parse(script.read_text())) or "").splitlines()[0]
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "out")
        subprocess.run([sys.executable, str(script), str(out)], check=True)  # noqa: S603 - our own scripts
        pictures = [Image.open(path).copy() for path in sorted(out.glob("*.png"))]
    pictures.sort(key=lambda picture: picture.mode == "RGBA")
    return f"{script.name}  -  {title}", [on_grey(picture) for picture in pictures]


def on_grey(picture: Image.Image) -> Image.Image:
    """A tile."""
    whole = Image.new("RGBA", picture.size, (128, 128, 128, 255))
    whole.alpha_composite(picture.convert("RGBA"))
    return whole.convert("RGB").resize((TILE, TILE), Image.Resampling.LANCZOS)


def main() -> None:
    rows = [row(script) for script in sorted((DOCS.parent / "examples").glob("*.py"))]
    across = max(len(pictures) for _, pictures in rows)
    page = Image.new("RGB", (across * (TILE + 4), len(rows) * (TILE + LABEL + 4)), "white")
    pen = ImageDraw.Draw(page)
    for i, (title, pictures) in enumerate(rows):
        top = i * (TILE + LABEL + 4)
        pen.text((2, top + 3), title, "black")
        for j, picture in enumerate(pictures):
            page.paste(picture, (j * (TILE + 4), top + LABEL))
    page.save(DOCS / "gallery.png", optimize=True)


if __name__ == "__main__":
    main()
