"""The command line: ``taue`` and its commands, which are in ``taue.commands``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from taue import __version__
from taue.commands.deferred import Deferred
from taue.commands.groups import CONTEXT, OneSentence, help_alone

COMMANDS = (
    Deferred(
        "generate",
        "taue.commands.generate:generate",
        "Make subjects (RGBA), a background and their composite from text or a scene file.",
    ),
    Deferred(
        "models",
        "taue.commands.models:list_models",
        "List the models, and the words that paddy knows.",
    ),
    Deferred(
        "scene",
        "taue.commands.scene:show_scene",
        "Check a scene and print it in full: what was chosen, and the defaults besides.",
    ),
    Deferred(
        "rebackground",
        "taue.commands.regrow:rebackground",
        "The same objects before another background, without the foreground stage.",
    ),
    Deferred(
        "move",
        "taue.commands.regrow:move",
        "Move and scale one object; the composite and the background grow anew around it.",
    ),
    Deferred(
        "regrow",
        "taue.commands.refine:regrow_result",
        "Change single subjects of a result; all else stays, and light and shadow follow.",
    ),
    Deferred(
        "export",
        "taue.commands.export:export",
        "Write a result's layers as PSD, ORA or WebP.",
    ),
    Deferred(
        "flatten",
        "taue.commands.flatten:flatten",
        "Render the layers of a PSD or ORA file into a PNG.",
    ),
    Deferred(
        "judge",
        "taue.commands.judge:judge",
        "Say what is right and wrong in results made with paddy's words.",
    ),
    Deferred(
        "studio",
        "taue.commands.studio:studio",
        "Open the studio: lay a scene out in the browser, get its layers. Stop it by Ctrl-C.",
    ),
    Deferred(
        "eval",
        "taue.commands.evaluate:evaluate",
        "Compare methods: data, generation, scores.",
    ),
    Deferred(
        "batch",
        "taue.commands.batch:batch",
        "Many scenes into one store: run, look, mend, export.",
    ),
)
"""As the overview shows them, in this order."""


class Commands(OneSentence):
    """All of them, none imported before it is needed."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for command in COMMANDS:
            self.add_command(command)


app = typer.Typer(
    cls=Commands,
    context_settings=CONTEXT,
    pretty_exceptions_enable=False,
    help="Layered images from text: RGBA subjects, a background and their composite.",
)


def show_version(context: typer.Context, wanted: bool) -> None:
    """Before other options are looked at, for which typer would import pydantic."""
    if wanted and not context.resilient_parsing:
        typer.echo(f"taue {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def start(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001 (its callback has ended the program)
        bool,
        typer.Option(
            "--version",
            "-V",
            help="Show the version and end.",
            is_eager=True,
            callback=show_version,
        ),
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the trace of an error that nobody foresaw.")
    ] = False,
) -> None:
    if isinstance(context.command, OneSentence):
        context.command.debug = debug
    help_alone(context)
