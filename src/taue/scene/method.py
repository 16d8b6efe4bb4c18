"""The method's part of a scene, generated from ``Settings`` so that the two cannot drift."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Annotated, Any, get_type_hints

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, create_model

from taue.settings import CHOICES, CLOSED_RANGES, KEYS, STEPS, TRIES, Settings

CALLED = {
    "steps": "num_inference_steps",
    "guidance_scale": "guidance_scale",
    "foreground_guidance_scale": "foreground_guidance_scale",
}
"""Settings that stand at a scene's top level, by the scene's names."""

LIMITS: Mapping[str, dict[str, Any]] = {
    **{
        name: {"minimum": low, "maximum": high}
        for name, (low, high) in {
            **CLOSED_RANGES,
            "num_inference_steps": STEPS,
            "tries": TRIES,
        }.items()
    },
    "crop_ratio": {"exclusiveMinimum": 0, "exclusiveMaximum": 1},
    "key": {"enum": [*KEYS, "auto"]},
    **{name: {"enum": list(choices)} for name, choices in CHOICES.items()},
}
"""What ``Settings`` takes, for the JSON schema; it is ``Settings`` that checks."""


class Part(BaseModel):
    """A table of a scene: nothing unknown, nothing converted, nothing changed afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


def accepted(name: str) -> AfterValidator:
    """A check that ``Settings`` takes a value as its field ``name``."""

    def check(value: Any) -> Any:
        Settings(**{name: value})
        return value

    return AfterValidator(check)


def described(name: str) -> Any:
    """The default, description and limits of the field ``name`` of ``Settings``."""
    text = inspect.getdoc(Settings) or ""
    lines = re.search(rf"^ +{name}: ((?:.+\n?)(?:^ {{8,}}.+\n?)*)", text, re.MULTILINE)
    return Field(
        default=getattr(Settings, name),
        description=" ".join(lines[1].split()) if lines else None,
        json_schema_extra=LIMITS.get(name),
    )


_KINDS = get_type_hints(Settings)
_FIELDS: dict[str, Any] = {
    field.name: (Annotated[_KINDS[field.name], accepted(field.name)], described(field.name))
    for field in fields(Settings)
    if field.name not in CALLED.values()
}


class Method(create_model("MethodFields", __base__=Part, **_FIELDS)):
    """How the method works: every setting of ``taue.settings.Settings`` that is not above."""
