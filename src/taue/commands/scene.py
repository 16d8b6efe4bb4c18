"""``taue scene``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from taue.commands.given import given_scene
from taue.commands.output import tell_document
from taue.errors import TaueError


def show_scene(
    *,
    file: Annotated[
        Path | None,
        typer.Argument(
            help="A .toml or .json scene, a .png that taue made, a result folder, or - for "
            "standard input."
        ),
    ] = None,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the JSON schema of scene files instead.")
    ] = False,
) -> None:
    """Check a scene and print it in full: what was chosen, and the defaults besides.

    With --json it is a scene file in JSON.
    """
    from taue.scene.schema import schema_text

    if schema:
        text = schema_text()
        tell_document(text, text)
    elif file is None:
        raise TaueError("file is missing; name a scene file, a PNG or a result folder.")
    else:
        scene = given_scene(file)
        tell_document(scene.dumps("toml"), scene.dumps("json"))
