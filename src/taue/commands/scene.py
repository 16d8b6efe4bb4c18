"""``taue scene``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from taue.commands.conventions import write_out
from taue.errors import TaueError


def show_scene(
    *,
    file: Annotated[
        Path | None,
        typer.Argument(help="A .toml or .json scene, a .png that taue made, or a result folder."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of TOML.")] = False,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the JSON schema of scene files instead.")
    ] = False,
) -> None:
    """Check a scene and print it in full: what was chosen, and the defaults besides."""
    from taue.scene import Scene
    from taue.scene.schema import schema_text

    if schema:
        write_out(schema_text())
    elif file is None:
        raise TaueError("file is missing; name a scene file, a PNG or a result folder.")
    else:
        write_out(Scene.load(file).dumps("json" if as_json else "toml"))
