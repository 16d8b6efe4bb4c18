"""What the page offers to choose from, and how each choice is explained."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from taue import __version__
from taue.paddy.scenes import BACKGROUNDS, COLOURS, KINDS
from taue.scene import Method, Scene
from taue.scene.init import Init
from taue.studio.limits import Limits

PAGE = Path(__file__).parent / "page"

QUALITIES = {
    "best": "Every step in every stage, in twice the time.",
    "balanced": "As few steps as cost nothing that can be seen.",
    "fast": "A third of the work, a little softer: to try things out.",
}
"""What each of the method's qualities is good for, in a line."""

SIZES = {
    "Model's own": (0, 0),
    "Square 256": (256, 256),
    "Wide 384 x 256": (384, 256),
    "Tall 256 x 384": (256, 384),
    "Square 512": (512, 512),
    "Square 1024": (1024, 1024),
    "Wide 1216 x 832": (1216, 832),
    "Tall 832 x 1216": (832, 1216),
}

ADVANCED: tuple[tuple[str, str, str], ...] = (
    ("negative_prompt", "Not in the picture", "What no stage shows."),
    ("init.image", "Begin from a picture", "The scene is drawn over a sketch or photo of yours."),
    ("init.strength", "Strength", "How much is drawn anew; 1 leaves nothing of the picture."),
    ("steps", "Steps", "Of the scene as a whole; quality says what each stage takes of them."),
    ("guidance_scale", "Guidance", "How literally scene and background follow their prompts."),
    ("foreground_guidance_scale", "Subject guidance", "How literally subjects follow theirs."),
    ("method.harmony", "Harmony", "0 keeps a subject's own look, 1 lets the scene's light in."),
    (
        "method.crop_ratio",
        "Handover",
        "How late a subject joins the scene, as a share of its steps.",
    ),
    (
        "method.key",
        "Key colour",
        "What subjects grow on. Auto looks, and takes another if it has to.",
    ),
    ("method.tries", "Tries", "How often a subject that went wrong is begun anew."),
    ("method.guidance_rescale", "Rescale", "Against overexposure by strong guidance."),
    ("scheduler", "Sampler", "How noise becomes a picture; empty is the model's own."),
)
"""A scene's field, what the page calls it, and one line on what it does."""

TABLES: dict[str, type[BaseModel]] = {"": Scene, "method": Method, "init": Init}
"""Where fields with a dot stand in a scene."""

SAMPLERS = ("", "ddim", "euler", "euler a", "dpm++", "unipc", "lcm")

CONTROLS: dict[str, dict[str, Any]] = {
    "scheduler": {"kind": "choice", "choices": list(SAMPLERS), "default": ""},
    "key": {"kind": "choice", "choices": ["auto", "green", "magenta", "blue"]},
    "negative_prompt": {"kind": "text", "default": ""},
    "image": {"kind": "picture", "default": ""},
    "tries": {"kind": "number", "low": 1, "high": 10, "step": 1},
}
"""Controls that are no sliders over the field's own range."""


def offered(limits: Limits) -> dict[str, Any]:
    """Everything that the page is told when it is opened."""
    return {
        "version": __version__,
        "models": list(limits.models),
        "words": {"kinds": list(KINDS), "colours": list(COLOURS), "backgrounds": list(BACKGROUNDS)},
        "qualities": [{"name": name, "says": says} for name, says in QUALITIES.items()],
        "quality": Method.model_fields["quality"].default,
        "sizes": [
            {"name": name, "width": width, "height": height}
            for name, (width, height) in SIZES.items()
            if width * height <= limits.pixels
        ],
        "advanced": [_control(*one, limits) for one in ADVANCED],
        "subjects": limits.subjects,
        "upload": limits.upload,
        "photo": limits.photo,
        "examples": json.loads((PAGE / "examples.json").read_text(encoding="utf-8")),
    }


def _control(path: str, label: str, says: str, limits: Limits) -> dict[str, Any]:
    """A control with the field's own default and limits."""
    table, _, name = path.rpartition(".")
    field = TABLES[table].model_fields[name]
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    told: dict[str, Any] = {"path": path, "label": label, "says": says, "default": field.default}
    if name in CONTROLS:
        return {**told, **CONTROLS[name]}
    if name == "steps":
        return {**told, "kind": "number", "low": 1, "high": limits.steps, "step": 1}
    low: Any = extra.get("minimum", extra.get("exclusiveMinimum", 0))
    high: Any = extra.get("maximum", extra.get("exclusiveMaximum", 1))
    if name == "crop_ratio":
        low, high = 0.05, 0.95
    if name == "strength":
        low = 0.45  # subjects are handed over as late, by default
    if "guidance_scale" in name:
        high = 20
    return {**told, "kind": "number", "low": low, "high": high, "step": 0.05 if high <= 1 else 0.5}
