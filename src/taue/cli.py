"""The command line: ``taue`` and its commands, which are in ``taue.commands``."""

from __future__ import annotations

from typing import Annotated

import typer

from taue import __version__
from taue.commands.batch import batch
from taue.commands.conventions import register
from taue.commands.evaluate import evaluate
from taue.commands.export import export
from taue.commands.flatten import flatten
from taue.commands.generate import generate
from taue.commands.groups import CONTEXT, OneSentence, help_alone
from taue.commands.judge import judge
from taue.commands.models import list_models
from taue.commands.refine import regrow_result
from taue.commands.regrow import move, rebackground
from taue.commands.scene import show_scene
from taue.commands.studio import studio

app = typer.Typer(
    cls=OneSentence,
    context_settings=CONTEXT,
    pretty_exceptions_enable=False,
    help="Layered images from text: RGBA subjects, a background and their composite.",
)


@app.callback(invoke_without_command=True)
def start(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", "-V", help="Show the version and end.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the trace of an error that nobody foresaw.")
    ] = False,
) -> None:
    if isinstance(context.command, OneSentence):
        context.command.debug = debug
    if version:
        typer.echo(f"taue {__version__}")
        raise typer.Exit
    help_alone(context)


register(app, "generate", generate)
register(app, "models", list_models)
register(app, "scene", show_scene)
register(app, "rebackground", rebackground)
register(app, "move", move)
register(app, "regrow", regrow_result)
register(app, "export", export)
register(app, "flatten", flatten)
register(app, "judge", judge)
register(app, "studio", studio)
app.add_typer(evaluate, name="eval")
app.add_typer(batch, name="batch")
