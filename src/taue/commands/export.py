"""``taue export``: a result as one layered file, or as a folder of WebP pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from taue.errors import TaueError


def export(
    folder: Annotated[Path, typer.Argument(help="What taue generate made.")],
    *,
    psd: Annotated[Path | None, typer.Option(help="A Photoshop file to write.")] = None,
    ora: Annotated[Path | None, typer.Option(help="An OpenRaster file to write.")] = None,
    webp: Annotated[Path | None, typer.Option(help="A new folder for lossless WebP.")] = None,
    mode: Annotated[
        str, typer.Option(help="exact: the layers show the composite; raw: the stages untouched.")
    ] = "exact",
) -> None:
    """Write a result's layers as PSD, ORA or WebP."""
    from taue.files.folder import check_out
    from taue.files.save import save, save_pictures
    from taue.files.saved_result import read_pictures
    from taue.stack import stack_of

    if psd is None and ora is None and webp is None:
        raise TaueError("psd, ora or webp is missing; say what to write, as --psd FILE.psd.")
    for ending, path in ((".psd", psd), (".ora", ora)):
        if path is not None and path.suffix.lower() != ending:
            raise TaueError(f"{ending[1:]} is {str(path)!r}; give a file that ends in {ending}.")
    if webp is not None:
        check_out(webp)
    stack = stack_of(read_pictures(folder), mode)
    for path in (psd, ora):
        if path is not None:
            typer.echo(str(save(stack, path)))
    if webp is not None:
        for path in save_pictures(stack, webp, "webp"):
            typer.echo(str(path))
