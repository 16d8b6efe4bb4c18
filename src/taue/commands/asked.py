"""What ``taue generate`` can be asked for on its command line, option by option."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from taue.bounds import MOST_RESULTS
from taue.commands.conventions import METHODS, MODELS, QUALITIES
from taue.scene import Method, Scene
from taue.scene.init import STRENGTH
from taue.together import MOST_TOGETHER

Several = list[str] | None
DEFAULTS = Scene.model_fields | Method.model_fields
OWN = {name: f" (default {field.default})" for name, field in DEFAULTS.items()}

Scenes = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="SCENE",
        help="A scene: .toml, .json, a .png that taue made, a result folder, or - for standard "
        "input. Options given besides win over it. Several, of one model, become OUT/0001, "
        "OUT/0002, ...",
    ),
]
Subjects = Annotated[
    Several, typer.Option(help="What stands in front; once for each, later nearer.")
]
Background = Annotated[str | None, typer.Option(help="What is behind.")]
BackgroundImage = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="Your own picture of it, which is cropped to the canvas and not drawn; subjects "
        "grow into it.",
    ),
]
InitImage = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="Your own picture that the composite is drawn from, under noise, as img2img does.",
    ),
]
Strength = Annotated[
    float | None,
    typer.Option(
        help="How much of it is drawn anew, above 1 - crop ratio, at most 1 (default "
        f"{STRENGTH:g})."
    ),
]
Boxes = Annotated[
    Several,
    typer.Option(
        metavar="X,Y,W,H",
        help="Left, top, width and height as fractions of the canvas; once for each subject, "
        "in order. Without: side by side on one line.",
    ),
]
Names = Annotated[
    Several, typer.Option(help="What files are called; once for each subject, in order.")
]
SubjectNegatives = Annotated[
    Several,
    typer.Option(help='What it must not show; once for each subject, in order, "" for none.'),
]
SubjectImages = Annotated[
    Several,
    typer.Option(
        metavar="FILE",
        help="Your own picture of it, cut out by its alpha, which is planted and not drawn; "
        'once for each subject, in order, "" for one that is drawn.',
    ),
]
MethodName = Annotated[
    str | None,
    typer.Option(
        help="taue (ours), paper (as published) or paper-layout; it sets the defaults of every "
        "setting of the method (default taue).",
        autocompletion=METHODS,
    ),
]
Quality = Annotated[
    str | None,
    typer.Option(
        help="best (all steps in every stage), balanced (half the cost) or fast (a sixth)"
        f"{OWN['quality']}.",
        autocompletion=QUALITIES,
    ),
]
Negative = Annotated[
    str | None, typer.Option(help="What nothing must show, for subjects without their own.")
]
WholeScene = Annotated[
    str | None,
    typer.Option(help="The whole scene's prompt; subjects and background joined if absent."),
]
Seed = Annotated[int | None, typer.Option(help=f"The same seed, the same picture{OWN['seed']}.")]
Count = Annotated[
    int | None,
    typer.Option(
        help="Results by as many seeds in a row from each scene's own, as OUT/0001, OUT/0002, "
        f"... with OUT/sheet.png to choose from; at most {MOST_RESULTS} in all."
    ),
]
BatchSize = Annotated[
    int | None,
    typer.Option(
        help="Of several results of one canvas and method, how many grow as one batch at most; "
        f"fewer where memory does not hold them (default 1 on a CPU, {MOST_TOGETHER} on a GPU)."
    ),
]
Steps = Annotated[int | None, typer.Option(help=f"Denoising steps of each stage{OWN['steps']}.")]
Guidance = Annotated[
    float | None,
    typer.Option(help=f"Of the composite and the background{OWN['guidance_scale']}."),
]
ForegroundGuidance = Annotated[
    float | None, typer.Option(help=f"Of the subjects{OWN['foreground_guidance_scale']}.")
]
CropRatio = Annotated[
    float | None,
    typer.Option(help=f"How late subjects are transplanted, between 0 and 1{OWN['crop_ratio']}."),
]
GuidanceRescale = Annotated[
    float | None,
    typer.Option(help=f"Against overexposure by strong guidance, 0 to 1{OWN['guidance_rescale']}."),
]
ClipSkip = Annotated[
    int | None, typer.Option(help="Layers of the text encoders to leave out, as in diffusers.")
]
Key = Annotated[
    str | None,
    typer.Option(
        help="The subjects' key colour: green, magenta, blue, any other as #ff00ff, or "
        f"auto{OWN['key']}."
    ),
]
Harmony = Annotated[
    float | None,
    typer.Option(
        help="How far the composite's subjects follow the scene's light: 0 keeps the look of "
        f"the subject layers, 1 is free{OWN['harmony']}."
    ),
]
Model = Annotated[
    str | None,
    typer.Option(
        help=f"paddy, sdxl, a hub id, a folder or FILE.safetensors{OWN['model']}.",
        autocompletion=MODELS,
    ),
]
Revision = Annotated[
    str | None, typer.Option(help="A branch, tag or commit of a model from the hub.")
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        help="A class of diffusers, or as people write it: ddim, euler a, dpm++, lcm; the "
        "model's own if absent."
    ),
]
Loras = Annotated[
    Several,
    typer.Option(
        metavar="NAME[:WEIGHT]",
        help="A .safetensors file, a folder, a hub id or few-steps (paddy's); may be repeated.",
    ),
]
Width = Annotated[int | None, typer.Option(help="Pixels; the model's own if absent.")]
Height = Annotated[int | None, typer.Option(help="Pixels; the model's own if absent.")]
