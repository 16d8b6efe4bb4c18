"""``taue flatten``: what a layered file shows, as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from taue.commands.conventions import Overwrite
from taue.commands.goals import check_file
from taue.commands.output import tell_path
from taue.errors import TaueError


def flatten(
    file: Annotated[Path, typer.Argument(help="A .psd or .ora file.")],
    *,
    out: Annotated[
        Path | None,
        typer.Option(help="The PNG to write, - for standard output; beside the file if absent."),
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Render the layers of a PSD or ORA file into a PNG."""
    from PIL import Image

    from taue.disk.png import png_bytes
    from taue.disk.streams import is_special
    from taue.disk.writing import whole_file
    from taue.files.layered import flatten_file, require_layered

    aside = out is not None and is_special(out)
    if out is not None and out.suffix.lower() != ".png" and not aside:
        raise TaueError(f"out is {str(out)!r}; give a file that ends in .png.")
    goal = out
    if goal is None:
        require_layered(file)
        goal = file.with_suffix(".png")
    check_file(goal, "out", overwrite=overwrite)
    picture = Image.fromarray(flatten_file(file))
    with whole_file(goal, replace=overwrite) as stream:
        stream.write(png_bytes(picture))
    if not aside:
        tell_path(goal)
