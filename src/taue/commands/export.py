"""``taue export``: a result as one layered file, or as a folder of WebP pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from taue.commands.conventions import Overwrite
from taue.commands.goals import check_file, check_folder
from taue.commands.output import tell_path
from taue.errors import TaueError


def export(
    folder: Annotated[Path, typer.Argument(help="What taue generate made.")],
    *,
    psd: Annotated[
        Path | None, typer.Option(help="A Photoshop file to write, - for stdout.")
    ] = None,
    ora: Annotated[
        Path | None, typer.Option(help="An OpenRaster file to write, - for stdout.")
    ] = None,
    webp: Annotated[Path | None, typer.Option(help="A new folder for lossless WebP.")] = None,
    mode: Annotated[
        str, typer.Option(help="exact: the layers show the composite; raw: the stages untouched.")
    ] = "exact",
    overwrite: Overwrite = False,
) -> None:
    """Write a result's layers as PSD, ORA or WebP."""
    from taue.disk.streams import is_special
    from taue.disk.writing import together
    from taue.files.layered import write_layered, write_pictures
    from taue.files.made import PICTURES
    from taue.files.saved import read_pictures
    from taue.stack import stack_of

    if psd is None and ora is None and webp is None:
        raise TaueError("psd, ora or webp is missing; say what to write, as --psd FILE.psd.")
    files = [(ending, path) for ending, path in ((".psd", psd), (".ora", ora)) if path is not None]
    for ending, path in files:
        if path.suffix.lower() != ending and not is_special(path):
            raise TaueError(f"{ending[1:]} is {str(path)!r}; give a file that ends in {ending}.")
        check_file(path, ending[1:], overwrite=overwrite)
    if webp is not None:
        check_folder(webp, PICTURES, overwrite=overwrite)
    stack = stack_of(read_pictures(folder), mode)
    made = []
    with together() as writes:
        for ending, path in files:
            with writes.file(path, replace=overwrite) as stream:
                write_layered(stack, stream, ending)
            if not is_special(path):
                made.append(path.expanduser())
        if webp is not None:
            with writes.folder(webp, PICTURES if overwrite else None) as pictures:
                written = write_pictures(stack, pictures, "webp")
            made += [webp.expanduser() / path.name for path in written]
    for path in made:
        tell_path(path)
