"""What the commands share: options that mean the same, quiet libraries."""

from __future__ import annotations

import functools
import inspect
import os
import warnings as python_warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from taue import devices, models, paper
from taue.commands.output import telling, warn
from taue.effort import EFFORTS

if TYPE_CHECKING:
    import torch


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
Memory = Annotated[
    str,
    typer.Option(
        help="normal, or low: about a plain picture's, in more time.",
        autocompletion=_among(*devices.MEMORY),
    ),
]
MODELS = _among(*models.NAMED)
METHODS = _among(*paper.METHODS)
QUALITIES = _among(*EFFORTS)

AsJson = Annotated[
    bool, typer.Option("--json", help="Print one JSON object on standard output, nothing else.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Tell nothing but errors.")]


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
