"""What the page offers to choose from, and how each choice is explained."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from taue import __version__
from taue.paddy.scenes import BACKGROUNDS, COLOURS, KINDS
from taue.scene import Method, Scene
from taue.studio.limits import Limits

PAGE = Path(__file__).parent / "page"

QUALITIES = (("Draft", 12), ("Good", 25), ("Fine", 50))
"""By the steps of each stage."""

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
    ("guidance_scale", "Guidance", "How literally scene and background follow their prompts."),
    ("foreground_guidance_scale", "Subject guidance", "How literally subjects follow theirs."),
    ("method.harmony", "Harmony", "0 keeps a subject's own look, 1 lets the scene's light in."),
    (
        "method.crop_ratio",
        "Handover",
        "How late a subject joins the scene, as a share of its steps.",
    ),
    ("method.key", "Key colour", "What subjects grow on. Auto suits all but green things."),
    ("method.tries", "Tries", "How often a subject that went wrong is begun anew."),
    ("method.guidance_rescale", "Rescale", "Against overexposure by strong guidance."),
    ("scheduler", "Sampler", "How noise becomes a picture; empty is the model's own."),
)
"""A scene's field, what the page calls it, and one line on what it does."""

SAMPLERS = ("", "ddim", "euler", "euler a", "dpm++", "unipc", "lcm")


def offered(limits: Limits) -> dict[str, Any]:
    """Everything that the page is told when it is opened."""
    return {
        "version": __version__,
        "models": list(limits.models),
        "words": {"kinds": list(KINDS), "colours": list(COLOURS), "backgrounds": list(BACKGROUNDS)},
        "qualities": [{"name": name, "steps": steps} for name, steps in QUALITIES],
        "sizes": [
            {"name": name, "width": width, "height": height}
            for name, (width, height) in SIZES.items()
            if width * height <= limits.pixels
        ],
        "advanced": [_control(*one) for one in ADVANCED],
        "subjects": limits.subjects,
        "upload": limits.upload,
        "photo": limits.photo,
        "examples": json.loads((PAGE / "examples.json").read_text(encoding="utf-8")),
    }


def _control(path: str, label: str, says: str) -> dict[str, Any]:
    """A control with the field's own default and limits."""
    own, _, name = path.rpartition(".")
    field = (Method if own else Scene).model_fields[name]
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    told: dict[str, Any] = {"path": path, "label": label, "says": says, "default": field.default}
    if name == "scheduler":
        return {**told, "kind": "choice", "choices": list(SAMPLERS), "default": ""}
    if name == "key":
        return {**told, "kind": "choice", "choices": ["auto", "green", "magenta", "blue"]}
    if name == "negative_prompt":
        return {**told, "kind": "text", "default": ""}
    low = extra.get("minimum", extra.get("exclusiveMinimum", 0))
    high = extra.get("maximum", extra.get("exclusiveMaximum", 1))
    if name == "crop_ratio":
        low, high = 0.05, 0.95
    if "guidance_scale" in name:
        high = 20
    if name == "tries":
        return {**told, "kind": "number", "low": 1, "high": 10, "step": 1}
    return {**told, "kind": "number", "low": low, "high": high, "step": 0.05 if high == 1 else 0.5}
