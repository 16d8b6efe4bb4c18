"""What commands that have commands share: they show their help when named alone, and end every
failure with one sentence. Imported at every start, so nothing here is heavy."""

from __future__ import annotations

import logging
import re
import sys
import traceback
import warnings as python_warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup

from taue.commands.output import print_line
from taue.commands.signals import INTERRUPTED, TERMINATED, heeded
from taue.disk.put import names_taken
from taue.errors import TaueError
from taue.readable import LONGEST, readable

BAD_INPUT = 2

CONTEXT = {"help_option_names": ["-h", "--help"]}
"""Of the root; its commands inherit it."""


def help_alone(context: typer.Context) -> None:
    """A callback of commands that have commands: named alone they show their help."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


class OneSentence(TyperGroup):
    """Ends every failure with one sentence and exit code 2, what nobody thought of included."""

    debug = False
    """Whether what nobody thought of shows its trace."""

    def main(self, *args: Any, standalone_mode: bool = True, **extra: Any) -> Any:
        if not standalone_mode:
            return super().main(*args, standalone_mode=False, **extra)
        before = names_taken()
        try:
            with _silence(), heeded() as heard:
                code = super().main(*args, standalone_mode=False, **extra)
        except TaueError as error:
            _fail(str(error))
        except typer.TyperException as error:  # an unknown option, a value of the wrong type
            _fail(error.format_message())
        except MemoryError:
            _fail("memory ran out; choose a smaller width and height or fewer subjects.")
        except Exception as error:  # noqa: BLE001 (a user can do nothing with a trace)
            _fail_unforeseen(error, debug=self.debug)
        if code == INTERRUPTED:
            kept = "what was written is whole" if names_taken() > before else "nothing was written"
            _say(f"{'Terminated' if heard.terminated else 'Interrupted'}; {kept}.")
            sys.exit(TERMINATED if heard.terminated else INTERRUPTED)
        sys.exit(code if isinstance(code, int) else 0)


@contextmanager
def _silence() -> Iterator[None]:
    """Keep warnings, and logs that nobody listens to, from the terminal."""
    last, logging.lastResort = logging.lastResort, None
    try:
        with python_warnings.catch_warnings():
            python_warnings.simplefilter("ignore")
            yield
    finally:
        logging.lastResort = last


def _fail_unforeseen(error: Exception, *, debug: bool) -> NoReturn:
    if debug:
        typer.echo("".join(traceback.format_exception(error)), err=True)
    what = readable(f"{type(error).__name__}: {error}", 160)
    _fail(
        f"this was not foreseen ({what}); run taue --debug with the same command and report what "
        "it shows"
    )


def _fail(message: str) -> NoReturn:
    """One line, one sentence, no matter how a library laid its message out."""
    line = readable(message, LONGEST - len("Error: .")).rstrip(".") + "."
    sentence = re.sub(r"\. ([A-Z])", lambda start: f"; {start[1].lower()}", line)
    _say(f"Error: {sentence}".replace("?.", "?"))
    sys.exit(BAD_INPUT)


def _say(text: str) -> None:
    print_line(readable(text), err=True)
