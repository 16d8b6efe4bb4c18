"""What the commands share: how they end, options that mean the same, quiet libraries."""

from __future__ import annotations

import logging
import os
import re
import sys
import traceback
import warnings as python_warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from taue.commands.signals import INTERRUPTED, TERMINATED, heeded, silence
from taue.disk.writing import names_taken
from taue.errors import TaueError
from taue.readable import LONGEST, readable

BAD_INPUT = 2

NewFolder = Annotated[Path, typer.Option(help="A folder that does not exist yet.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")]
Dtype = Annotated[str, typer.Option(help="auto, float32, float16 or bfloat16.")]


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
            say(f"{'Terminated' if heard.terminated else 'Interrupted'}; {kept}.", err=True)
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


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Keep what diffusers and transformers tell developers from the user's terminal."""
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("DIFFUSERS_VERBOSITY", "error")
    with python_warnings.catch_warnings():
        python_warnings.simplefilter("ignore")
        import diffusers
        import transformers

        for library in (diffusers, transformers):
            library.utils.logging.disable_progress_bar()
        yield


def write_out(text: str) -> None:
    """Print a file's content as it is, in UTF-8 and with its own line ends on every system."""
    typer.echo(text.encode(), nl=False)


def say(text: str, *, err: bool = False) -> None:
    """Print a message on one line, shortened, with nothing in it that a terminal would obey."""
    _print(readable(text), err=err)


def say_path(path: Path) -> None:
    """Print a path in full, otherwise as :func:`say` does."""
    _print(readable(str(path), None), err=False)


def _print(line: str, *, err: bool) -> None:
    encoding = getattr(sys.stderr if err else sys.stdout, "encoding", None) or "utf-8"
    try:
        typer.echo(line.encode(encoding, "backslashreplace").decode(encoding), err=err)
    except BrokenPipeError:
        silence(2 if err else 1)


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
    say(f"Error: {sentence}".replace("?.", "?"), err=True)
    sys.exit(BAD_INPUT)
