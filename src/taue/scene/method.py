"""The method's part of a scene, generated from ``Settings`` so that the two cannot drift."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Annotated, Any, Literal, Self, get_type_hints

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    create_model,
    model_validator,
)

from taue.errors import TaueError
from taue.paper import METHODS
from taue.readable import quoted, readable
from taue.settings import (
    ANY_KEY,
    CHOICES,
    CLOSED_RANGES,
    KEYS,
    SKIPPED,
    STEPS,
    TOGETHER,
    TRIES,
    Settings,
)

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
            "clip_skip": SKIPPED,
        }.items()
    },
    "crop_ratio": {"exclusiveMinimum": 0, "exclusiveMaximum": 1},
    "key": {"anyOf": [{"enum": [*KEYS, "auto"]}, {"pattern": f"^{ANY_KEY.pattern}$"}]},
    **{name: {"enum": list(choices)} for name, choices in CHOICES.items()},
}
"""What ``Settings`` takes, for the JSON schema; it is ``Settings`` that checks."""


class Part(BaseModel):
    """A table of a scene: nothing unknown, nothing converted, nothing changed afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


def accepted(name: str) -> AfterValidator:
    """A check that ``Settings`` takes a value as its field ``name``."""

    def check(value: Any, info: ValidationInfo) -> Any:
        others = {n: info.data[n] for n in TOGETHER.get(name, ()) if n in info.data}
        Settings(**others, **{name: value})
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
    """How the method works: every setting of ``taue.settings.Settings`` that is not above. What is
    not given is as in the method that ``base`` names; the name alone is short for it."""

    @model_validator(mode="before")
    @classmethod
    def _from_base(cls, data: Any) -> Any:
        """What is not given, from the method that is."""
        if not isinstance(data, Mapping) or data.get("base") not in _NAMES:
            return data
        chosen = METHODS[data["base"]]
        return {**{n: v for n, v in chosen.items() if n in cls.model_fields}, **data}

    @classmethod
    def of(cls, base: str) -> Self:
        """A method by its name; ValidationError if there is none."""
        return cls.model_validate({"base": base})

    @property
    def deviations(self) -> dict[str, Any]:
        """Fields that are not as in the method that ``base`` names."""
        values = self.model_dump()
        own = type(self).of(values["base"]).model_dump()
        return {name: value for name, value in values.items() if value != own[name]}

    @property
    def in_words(self) -> str:
        """The method and its deviations in words; nothing for ours as it is by default."""
        base, changes = self.model_dump()["base"], self.deviations
        if base == _OURS and not changes:
            return ""
        named = ", ".join(f"{name} = {readable(str(value))}" for name, value in changes.items())
        return f"method {base}" + (f", but for {named}" if named else "")


def _named(value: Any) -> Any:
    """A method by its name alone."""
    if not isinstance(value, str):
        return value
    if value not in _NAMES:
        raise TaueError(f"method is {quoted(value)}; choose {' or '.join(_NAMES)}.")
    return {"base": value}


_NAMES = tuple(METHODS)
_OURS = _NAMES[0]
NAMED = BeforeValidator(_named, json_schema_input_type=Method | Literal[_NAMES])
"""Lets a scene say ``method = "paper"``."""
