"""What the commands share: how they end, options that mean the same, quiet libraries."""

from __future__ import annotations

import functools
import inspect
import logging
import os
import re
import sys
import traceback
import warnings as python_warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from taue import devices, models, paper
from taue.commands.output import print_line, telling, warn
from taue.commands.signals import INTERRUPTED, TERMINATED, heeded
from taue.disk.writing import names_taken
from taue.effort import EFFORTS
from taue.errors import TaueError
from taue.readable import LONGEST, readable

if TYPE_CHECKING:
    import torch

BAD_INPUT = 2

CONTEXT = {"help_option_names": ["-h", "--help"]}
"""Of the root; its commands inherit it."""


def _among(*words: str) -> Callable[[], list[str]]:
    """What a shell completes a value to."""
    return lambda: list(words)


NewFolder = Annotated[Path, typer.Option(help="A folder that does not exist yet.")]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace what an earlier run made, once all is there.")
]
Device = Annotated[
    str,
    typer.Option(
        help="auto, cpu, cuda, cuda:N or mps.", autocompletion=_among("auto", "cpu", "cuda", "mps")
    ),
]
Dtype = Annotated[
    str,
    typer.Option(
        help="auto, float32, float16 or bfloat16.",
        autocompletion=_among(devices.AUTO, *devices.DTYPES),
    ),
]
MODELS = _among(*models.NAMED)
METHODS = _among(*paper.METHODS)
QUALITIES = _among(*EFFORTS)

AsJson = Annotated[
    bool, typer.Option("--json", help="Print one JSON object on standard output, nothing else.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Tell nothing but errors.")]


def help_alone(context: typer.Context) -> None:
    """A callback of commands that have commands: named alone they show their help."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def register(app: typer.Typer, name: str, function: Callable[..., None]) -> None:
    """Make a function a command, with the options that every command has."""

    @functools.wraps(function)
    def command(*arguments: Any, as_json: bool, quiet: bool, **options: Any) -> None:
        quiet_to_be_imported()
        with telling(name, as_json=as_json, quiet=quiet):
            function(*arguments, **options)

    own = inspect.signature(function, eval_str=True)
    shared = [
        inspect.Parameter(called, inspect.Parameter.KEYWORD_ONLY, default=False, annotation=kind)
        for called, kind in (("as_json", AsJson), ("quiet", Quiet))
    ]
    parameters = [*own.parameters.values(), *shared]
    # Typer reads both; what functools.wraps leaves would show the function's own.
    whole: Any = command
    del whole.__wrapped__
    whole.__signature__ = own.replace(parameters=parameters)
    whole.__annotations__ = {one.name: one.annotation for one in parameters}
    app.command(name)(whole)


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


def quiet_to_be_imported() -> None:
    """Keep what diffusers and transformers tell developers from the terminal, if they are imported
    from now on, here or in processes that are started."""
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("DIFFUSERS_VERBOSITY", "error")


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """The same, whenever they were imported."""
    with python_warnings.catch_warnings():
        python_warnings.simplefilter("ignore")
        import diffusers
        import transformers

        for library in (diffusers, transformers):
            library.utils.logging.disable_progress_bar()
        yield


def warn_of_machine(device: torch.device, dtype: torch.dtype) -> list[str]:
    """Say what speaks against a device and dtype, once the model is there and before it runs;
    what was said."""
    unwise = devices.unwise(device, dtype)
    if unwise is None:
        return []
    warn(unwise)
    return [unwise]


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
