"""The command line. It parses, reports and writes; what it checks, it checks before torch loads."""

from __future__ import annotations

import os
import re
import sys
import time
import warnings as python_warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from taue import __version__, devices, models
from taue.commands.export import export
from taue.commands.flatten import flatten
from taue.errors import TaueError
from taue.files.folder import check_out
from taue.settings import Settings
from taue.subject import Subject

BAD_INPUT, INTERRUPTED = 2, 130
LARGEST_SEED = 2**63 - 1
CANVAS_STEP, SMALLEST_CANVAS = 8, 64

OPTION_OF = {
    "num_inference_steps": "steps",
    "guidance_scale": "guidance",
    "foreground_guidance_scale": "foreground-guidance",
    "crop_ratio": "crop-ratio",
}
"""The library's names of what the command line calls shorter."""


class OneSentence(TyperGroup):
    """Ends every failure that the user can mend with one sentence and exit code 2."""

    def main(self, *args: Any, standalone_mode: bool = True, **extra: Any) -> Any:
        if not standalone_mode:
            return super().main(*args, standalone_mode=False, **extra)
        try:
            code = super().main(*args, standalone_mode=False, **extra)
        except TaueError as error:
            _fail(_in_options(str(error)))
        except typer.TyperException as error:  # an unknown option, a value of the wrong type
            _fail(error.format_message())
        if code == INTERRUPTED:
            typer.echo("Interrupted; nothing was written.", err=True)
        sys.exit(code if isinstance(code, int) else 0)


app = typer.Typer(
    cls=OneSentence,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Layered images from text: RGBA subjects, a background and their composite.",
)


@app.callback(invoke_without_command=True)
def start(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version and end.")] = False,
) -> None:
    if version:
        typer.echo(f"taue {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@dataclass(frozen=True)
class Request:
    """What a user asked of ``taue generate``, as parsed."""

    subjects: tuple[str, ...]
    background: str
    scene: str | None
    seed: int
    model: str
    device: str
    dtype: str
    width: int | None
    height: int | None
    settings: Settings
    out: Path

    def check(self) -> None:
        """Everything that can be known before torch is imported.

        Raises:
            TaueError: naming the field.
        """
        if not self.subjects:
            raise TaueError('subject is missing; give at least one, as --subject "a red apple".')
        for prompt in self.subjects:
            Subject(prompt)
        for name, text in (("background", self.background), ("scene", self.scene)):
            if text is not None and not text.strip():
                raise TaueError(f"{name} is empty; say what it shows in words.")
        if not 0 <= self.seed <= LARGEST_SEED:
            raise TaueError(f"seed is {self.seed}; give a whole number from 0 to {LARGEST_SEED}.")
        for name, pixels in (("width", self.width), ("height", self.height)):
            if pixels is not None and (pixels < SMALLEST_CANVAS or pixels % CANVAS_STEP):
                least = f"a multiple of {CANVAS_STEP} from {SMALLEST_CANVAS} pixels on"
                raise TaueError(f"{name} is {pixels}; give {least}.")
        devices.check_names(self.device, self.dtype)
        models.resolve(self.model)
        check_out(self.out)


@app.command()
def generate(
    *,
    subject: Annotated[
        list[str] | None, typer.Option(help="What stands in front; once for each, later nearer.")
    ] = None,
    background: Annotated[str, typer.Option(help="What is behind.")],
    out: Annotated[Path, typer.Option(help="A folder that does not exist yet.")],
    scene: Annotated[
        str | None, typer.Option(help="The whole scene; subjects and background joined if absent.")
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed, the same picture.")] = 7,
    steps: Annotated[int, typer.Option(help="Denoising steps of each stage.")] = 50,
    guidance: Annotated[float, typer.Option(help="Of the composite and the background.")] = 5.0,
    foreground_guidance: Annotated[float, typer.Option(help="Of the subjects.")] = 7.5,
    crop_ratio: Annotated[
        float, typer.Option(help="How late a subject is transplanted, between 0 and 1.")
    ] = 0.5,
    key: Annotated[
        str, typer.Option(help="The subjects' key colour: green, magenta, blue or auto.")
    ] = "auto",
    model: Annotated[
        str, typer.Option(help="paddy, sdxl, a hub id, a folder or FILE.safetensors.")
    ] = "paddy",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = "auto",
    dtype: Annotated[str, typer.Option(help="auto, float32, float16 or bfloat16.")] = "auto",
    width: Annotated[int | None, typer.Option(help="Pixels; the model's own if absent.")] = None,
    height: Annotated[int | None, typer.Option(help="Pixels; the model's own if absent.")] = None,
) -> None:
    """Make subjects (RGBA), a background and their composite from text."""
    began = time.perf_counter()
    request = Request(
        subjects=tuple(subject or ()),
        background=background,
        scene=scene,
        seed=seed,
        model=model,
        device=device,
        dtype=dtype,
        width=width,
        height=height,
        settings=Settings(
            num_inference_steps=steps,
            guidance_scale=guidance,
            foreground_guidance_scale=foreground_guidance,
            crop_ratio=crop_ratio,
            key=key,
        ),
        out=out,
    )
    request.check()
    paths, warnings = _run(request, began)
    for warning in warnings:
        typer.echo(f"Warning: {warning}", err=True)
    typer.echo(f"Made in {time.perf_counter() - began:.1f} s:")
    for path in paths:
        typer.echo(str(path))


app.command()(export)
app.command()(flatten)


@app.command("models")
def list_models() -> None:
    """List the models, and the words that paddy knows."""
    from taue.paddy.scenes import BACKGROUNDS, COLOURS, KINDS

    typer.echo("Models:")
    typer.echo("  paddy   embedded, works offline: illustrated scenes of a few words")
    typer.echo(f"  sdxl    {models.NAMED['sdxl']}, downloaded once")
    typer.echo("  or a hub id (org/name), a diffusers folder, or a .safetensors file of an SDXL")
    typer.echo("\nWhat paddy knows:")
    for group, words in (("kinds", KINDS), ("colours", COLOURS), ("backgrounds", BACKGROUNDS)):
        typer.echo(f"  {group}: {', '.join(words)}")


def _run(request: Request, began: float) -> tuple[list[Path], list[str]]:
    """Load, generate and write; the paths of what was made and what the user should know."""
    from rich.console import Console

    from taue.progress import StageProgress

    console = Console(stderr=True)
    strange = _strange_words(request)
    with _quiet_libraries(), console.status(f"loading {request.model}"):
        import torch

        from taue import TauePipeline
        from taue.files.report import make_report
        from taue.files.result import write_result
        from taue.layers import Layers

        device, dtype = devices.choose(request.device, request.dtype)
        try:
            pipe = TauePipeline.from_pretrained(request.model, torch_dtype=dtype).to(device)
        except TaueError as error:
            raise _out_of_reach(request.model, error) from error
        pipe.set_progress_bar_config(disable=True)
    loaded = time.perf_counter()
    steps = request.settings.num_inference_steps
    try:
        with StageProgress(console, request.subjects, steps) as bars, _quiet_libraries():
            layers = pipe(
                subjects=[Subject(prompt) for prompt in request.subjects],
                background=request.background,
                scene=request.scene,
                width=request.width,
                height=request.height,
                settings=request.settings,
                generator=torch.Generator().manual_seed(request.seed),
                callback_on_step_end=bars,
            )
    except torch.OutOfMemoryError as error:
        raise TaueError(
            f"device {device} has too little memory; choose a smaller width and height or cpu."
        ) from error
    assert isinstance(layers, Layers)
    generated = time.perf_counter()
    warnings = [*strange, *layers.warnings]
    settings = {
        "model": request.model,
        "seed": request.seed,
        "device": str(device),
        "dtype": str(dtype).removeprefix("torch."),
    }
    seconds = {"load": loaded - began, "generate": generated - loaded}
    seconds["total"] = sum(seconds.values())
    report = make_report(layers, settings, warnings, seconds)
    return write_result(layers, report, request.out), warnings


def _out_of_reach(model: str, error: TaueError) -> TaueError:
    """Say plainly that a hub id was not found or the hub not reached; else the error itself."""
    source = models.resolve(model)
    if source.kind is not models.Kind.hub or not isinstance(error.__cause__, OSError):
        return error
    return TaueError(
        f"model {source.location} is neither a folder here nor was it found on the hub; "
        "check the name and the network, or choose paddy, which needs none."
    )


def _strange_words(request: Request) -> list[str]:
    """A warning for each word that the model never saw."""
    prompts = (*request.subjects, request.background, request.scene or "")
    return [
        f'model {request.model} does not know the word "{word}"'
        + (f"; the nearest that it knows: {', '.join(near)}." if near else "; see taue models.")
        for word, near in models.unknown_words(request.model, " ".join(prompts))
    ]


@contextmanager
def _quiet_libraries() -> Iterator[None]:
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


def _in_options(message: str) -> str:
    """The same sentence with the command line's name of the field."""
    field, space, rest = message.partition(" ")
    return OPTION_OF.get(field, field) + space + rest


def _fail(message: str) -> NoReturn:
    """One line, one sentence, no matter how a library laid its message out."""
    line = " ".join(message.split()).rstrip(".") + "."
    sentence = re.sub(r"\. ([A-Z])", lambda start: f"; {start[1].lower()}", line)
    typer.echo(f"Error: {sentence}".replace("?.", "?"), err=True)
    sys.exit(BAD_INPUT)
