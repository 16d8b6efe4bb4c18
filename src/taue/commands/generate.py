"""``taue generate``."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from taue import devices, models
from taue.commands.conventions import Device, Dtype, NewFolder, quiet_libraries
from taue.commands.options import chosen_scene
from taue.errors import TaueError
from taue.files.folder import check_out
from taue.scene import Method, Scene
from taue.subject import batches

Several = list[str] | None
DEFAULTS = Scene.model_fields | Method.model_fields
OWN = {name: f" (default {field.default})" for name, field in DEFAULTS.items()}


def generate(
    *,
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="SCENE",
            help="A scene: .toml, .json, a .png that taue made or a result folder. "
            "Options given besides win over it.",
        ),
    ] = None,
    subject: Annotated[
        Several, typer.Option(help="What stands in front; once for each, later nearer.")
    ] = None,
    background: Annotated[str | None, typer.Option(help="What is behind.")] = None,
    out: NewFolder,
    box: Annotated[
        Several,
        typer.Option(
            metavar="X,Y,W,H",
            help="Left, top, width and height as fractions of the canvas; once for each subject, "
            "in order. Without: side by side, centred.",
        ),
    ] = None,
    name: Annotated[
        Several, typer.Option(help="What files are called; once for each subject, in order.")
    ] = None,
    subject_negative: Annotated[
        Several,
        typer.Option(help='What it must not show; once for each subject, in order, "" for none.'),
    ] = None,
    negative: Annotated[
        str | None, typer.Option(help="What nothing must show, for subjects without their own.")
    ] = None,
    scene: Annotated[
        str | None,
        typer.Option(help="The whole scene's prompt; subjects and background joined if absent."),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help=f"The same seed, the same picture{OWN['seed']}.")
    ] = None,
    steps: Annotated[
        int | None, typer.Option(help=f"Denoising steps of each stage{OWN['steps']}.")
    ] = None,
    guidance: Annotated[
        float | None,
        typer.Option(help=f"Of the composite and the background{OWN['guidance_scale']}."),
    ] = None,
    foreground_guidance: Annotated[
        float | None, typer.Option(help=f"Of the subjects{OWN['foreground_guidance_scale']}.")
    ] = None,
    crop_ratio: Annotated[
        float | None,
        typer.Option(
            help=f"How late subjects are transplanted, between 0 and 1{OWN['crop_ratio']}."
        ),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(help=f"The subjects' key colour: green, magenta, blue or auto{OWN['key']}."),
    ] = None,
    harmony: Annotated[
        float | None,
        typer.Option(
            help="How far the composite's subjects follow the scene's light: 0 keeps the look of "
            f"the subject layers, 1 is free{OWN['harmony']}."
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(help=f"paddy, sdxl, a hub id, a folder or FILE.safetensors{OWN['model']}."),
    ] = None,
    revision: Annotated[
        str | None, typer.Option(help="A branch, tag or commit of a model from the hub.")
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(help="A class of diffusers; the model's own if absent.")
    ] = None,
    device: Device = "auto",
    dtype: Dtype = "auto",
    width: Annotated[int | None, typer.Option(help="Pixels; the model's own if absent.")] = None,
    height: Annotated[int | None, typer.Option(help="Pixels; the model's own if absent.")] = None,
) -> None:
    """Make subjects (RGBA), a background and their composite from text or a scene file.

    Crop ratios of single subjects and all other settings of the method stand in scene files.
    """
    began = time.perf_counter()
    options = {
        "subject": subject,
        "background": background,
        "box": box,
        "name": name,
        "subject-negative": subject_negative,
        "negative": negative,
        "scene": scene,
        "seed": seed,
        "steps": steps,
        "guidance": guidance,
        "foreground-guidance": foreground_guidance,
        "crop-ratio": crop_ratio,
        "key": key,
        "harmony": harmony,
        "model": model,
        "revision": revision,
        "scheduler": scheduler,
        "width": width,
        "height": height,
    }
    chosen = chosen_scene(file, options)
    devices.check_names(device, dtype)
    _check_model(chosen)
    check_out(out)
    paths, warnings = _run(chosen, device, dtype, out, began)
    for warning in warnings:
        typer.echo(f"Warning: {warning}", err=True)
    typer.echo(f"Made in {time.perf_counter() - began:.1f} s:")
    for path in paths:
        typer.echo(str(path))


def _check_model(scene: Scene) -> None:
    """What can be known of a scene's model before torch is imported."""
    if models.resolve(scene.model).kind is not models.Kind.hub and scene.revision is not None:
        raise TaueError(
            f"revision is {scene.revision!r}, but model {scene.model} is not from the hub; "
            "leave the revision out."
        )


def _run(
    scene: Scene, device: str, dtype: str, out: Path, began: float
) -> tuple[list[Path], list[str]]:
    """Load, generate and write; the paths of what was made and what the user should know."""
    from rich.console import Console

    from taue.progress import StageProgress

    console = Console(stderr=True)
    strange = _strange_words(scene)
    with quiet_libraries(), console.status(f"loading {scene.model}"):
        from taue import run
        from taue.files.report import make_report
        from taue.files.result import write_result

        place, kind = devices.choose(device, dtype)
        pipe = run.load(scene, place, kind)
        pipe.set_progress_bar_config(disable=True)
    loaded = time.perf_counter()
    subjects = scene.arguments()["subjects"]
    growing = {b: [subjects[number - 1].prompt for number in b] for b in batches(subjects)}
    with StageProgress(console, growing, scene.steps) as bars, quiet_libraries():
        layers, made = run.make(pipe, scene, bars)
    generated = time.perf_counter()
    warnings = [*strange, *layers.warnings]
    machine = {"device": str(place), "dtype": str(kind).removeprefix("torch.")}
    settings = {"model": scene.model, "seed": scene.seed, **machine}
    seconds = {"load": loaded - began, "generate": generated - loaded}
    seconds["total"] = sum(seconds.values())
    report = make_report(layers, settings, warnings, seconds)
    return write_result(layers, report, out, made), warnings


def _strange_words(scene: Scene) -> list[str]:
    """A warning for each word that the model never saw."""
    prompts = (*(one.prompt for one in scene.subjects), scene.background, scene.scene or "")
    return [
        f'model {scene.model} does not know the word "{word}"'
        + (f"; the nearest that it knows: {', '.join(near)}." if near else "; see taue models.")
        for word, near in models.unknown_words(scene.model, " ".join(prompts))
    ]
