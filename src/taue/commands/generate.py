"""``taue generate``."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from taue import loras, models
from taue.bounds import MOST_RESULTS
from taue.commands.conventions import METHODS, MODELS, Device, Dtype, NewFolder, Overwrite
from taue.commands.growing import foregrounds_of, grow_result, require_pictures
from taue.commands.options import chosen_scene
from taue.commands.series import grow_series, require_count, series
from taue.errors import TaueError
from taue.scene import Method, Scene

if TYPE_CHECKING:
    from taue.commands.growing import Grow

Several = list[str] | None
DEFAULTS = Scene.model_fields | Method.model_fields
OWN = {name: f" (default {field.default})" for name, field in DEFAULTS.items()}


def generate(
    *,
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="SCENE",
            help="A scene: .toml, .json, a .png that taue made, a result folder, or - for standard "
            "input. Options given besides win over it. Several, of one model, become OUT/0001, "
            "OUT/0002, ...",
        ),
    ] = None,
    subject: Annotated[
        Several, typer.Option(help="What stands in front; once for each, later nearer.")
    ] = None,
    background: Annotated[str | None, typer.Option(help="What is behind.")] = None,
    background_image: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Your own picture of it, which is cropped to the canvas and not drawn; subjects "
            "grow into it.",
        ),
    ] = None,
    out: NewFolder,
    box: Annotated[
        Several,
        typer.Option(
            metavar="X,Y,W,H",
            help="Left, top, width and height as fractions of the canvas; once for each subject, "
            "in order. Without: side by side on one line.",
        ),
    ] = None,
    name: Annotated[
        Several, typer.Option(help="What files are called; once for each subject, in order.")
    ] = None,
    subject_negative: Annotated[
        Several,
        typer.Option(help='What it must not show; once for each subject, in order, "" for none.'),
    ] = None,
    subject_image: Annotated[
        Several,
        typer.Option(
            metavar="FILE",
            help="Your own picture of it, cut out by its alpha, which is planted and not drawn; "
            'once for each subject, in order, "" for one that is drawn.',
        ),
    ] = None,
    method: Annotated[
        str | None,
        typer.Option(
            help="taue (ours), paper (as published) or paper-layout; it sets the defaults of every "
            "setting of the method (default taue).",
            autocompletion=METHODS,
        ),
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
    count: Annotated[
        int | None,
        typer.Option(
            help="Results by as many seeds in a row from each scene's own, as OUT/0001, OUT/0002, "
            f"... with OUT/sheet.png to choose from; at most {MOST_RESULTS} in all."
        ),
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
    guidance_rescale: Annotated[
        float | None,
        typer.Option(
            help=f"Against overexposure by strong guidance, 0 to 1{OWN['guidance_rescale']}."
        ),
    ] = None,
    clip_skip: Annotated[
        int | None, typer.Option(help="Layers of the text encoders to leave out, as in diffusers.")
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(
            help="The subjects' key colour: green, magenta, blue, any other as #ff00ff, or "
            f"auto{OWN['key']}."
        ),
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
        typer.Option(
            help=f"paddy, sdxl, a hub id, a folder or FILE.safetensors{OWN['model']}.",
            autocompletion=MODELS,
        ),
    ] = None,
    revision: Annotated[
        str | None, typer.Option(help="A branch, tag or commit of a model from the hub.")
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(
            help="A class of diffusers, or as people write it: ddim, euler a, dpm++, lcm; the "
            "model's own if absent."
        ),
    ] = None,
    lora: Annotated[
        Several,
        typer.Option(
            metavar="NAME[:WEIGHT]",
            help="A .safetensors file, a folder, a hub id or few-steps (paddy's); may be repeated.",
        ),
    ] = None,
    overwrite: Overwrite = False,
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
        "method": method,
        "background": background,
        "background-image": background_image,
        "box": box,
        "name": name,
        "subject-negative": subject_negative,
        "subject-image": subject_image,
        "negative": negative,
        "scene": scene,
        "seed": seed,
        "steps": steps,
        "guidance": guidance,
        "foreground-guidance": foreground_guidance,
        "crop-ratio": crop_ratio,
        "guidance-rescale": guidance_rescale,
        "clip-skip": clip_skip,
        "key": key,
        "harmony": harmony,
        "model": model,
        "revision": revision,
        "scheduler": scheduler,
        "lora": lora,
        "width": width,
        "height": height,
    }
    require_count(count, len(files or [None]))
    scenes = [chosen_scene(file, options) for file in files or [None]]
    for one in scenes:
        _check_model(one)
    if count is not None or len(scenes) > 1:
        wanted = series(scenes, count or 1)
        grow_series(wanted, out, device, dtype, began, overwrite=overwrite)
        return
    chosen = scenes[0]

    def prepare() -> Grow:
        from taue import run

        return lambda pipe, bars: run.make(pipe, chosen, bars)

    growing = foregrounds_of(chosen)
    grow_result(chosen, prepare, growing, out, device, dtype, began, overwrite=overwrite)


def _check_model(scene: Scene) -> None:
    """What can be known of a scene's model and pictures before torch is imported."""
    require_pictures(scene)
    for one in scene.loras:
        loras.resolve_lora(one.name)
    if models.resolve(scene.model).kind is not models.Kind.hub and scene.revision is not None:
        raise TaueError(
            f"revision is {scene.revision!r}, but model {scene.model} is not from the hub; "
            "leave the revision out."
        )
