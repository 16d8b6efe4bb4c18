"""The kinds of fields of a scene that are not settings, each with its check.

Each error begins with the field's name; the JSON schema's limits stand beside the checks.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    Strict,
    ValidationInfo,
    WithJsonSchema,
)

from taue.bounds import LONGEST_PROMPT, MOST_MOVES
from taue.box import Box
from taue.errors import TaueError
from taue.names import slug
from taue.readable import quoted
from taue.scene.method import LIMITS, accepted
from taue.scene.text import is_utf8

LARGEST_SEED = 2**63 - 1
CANVAS_STEP, SMALLEST_CANVAS, LARGEST_CANVAS = 8, 64, 16_384
LARGEST_WEIGHT = 10.0
"""Of a LoRA, which is trained for 1."""

LARGEST_FRACTION = 1e6
"""What is larger is refused before it becomes a float, which a whole number may be too long for."""

MOST_LORAS = 16
VERSION = 1
"""Of the format."""


def _short(value: str, info: ValidationInfo) -> str:
    if not is_utf8(value):
        raise TaueError(f"{info.field_name} holds what is no Unicode text; type it anew.")
    if len(value) > LONGEST_PROMPT:
        raise TaueError(
            f"{info.field_name} is {len(value)} characters long; "
            f"shorten it to {LONGEST_PROMPT} at most."
        )
    return value


def _said(value: str, info: ValidationInfo) -> str:
    if not value.strip():
        raise TaueError(f"{info.field_name} is empty; say it in words.")
    return _short(value, info)


def _none_if_empty(value: Any) -> Any:
    return None if value == "" else value


def _pixels(value: int, info: ValidationInfo) -> int:
    if not SMALLEST_CANVAS <= value <= LARGEST_CANVAS or value % CANVAS_STEP:
        right = f"a multiple of {CANVAS_STEP} from {SMALLEST_CANVAS} to {LARGEST_CANVAS} pixels"
        raise TaueError(f"{info.field_name} is {quoted(value)}; give {right}.")
    return value


def _version(value: int) -> int:
    if value != VERSION:
        raise TaueError(f"version is {quoted(value)}; this taue reads version {VERSION}.")
    return value


def _seed(value: int) -> int:
    if not 0 <= value <= LARGEST_SEED:
        raise TaueError(f"seed is {quoted(value)}; give a whole number from 0 to {LARGEST_SEED}.")
    return value


def _file_name(value: str) -> str:
    slug(value)
    return value


def box_of(value: Any) -> Any:
    """A box from what files have in its place, a list of numbers.

    Raises:
        TaueError: if it is none.
    """
    if isinstance(value, Box):
        return value
    if not isinstance(value, list):
        example = "Box(0.1, 0.4, 0.3, 0.5) or [0.1, 0.4, 0.3, 0.5]"
        raise TaueError(f"box is {quoted(value)}; give one, for example {example}.")
    sides = [_fraction(side) for side in value]
    if len(sides) != 4 or None in sides:
        shown = ", ".join(quoted(side) for side in value[:5])
        raise TaueError(f"box is [{shown}]; give four fractions: left, top, width and height.")
    return Box(*sides)


def _fraction(value: Any) -> Any:
    """A number as a float, None for what is none."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return None if abs(value) > LARGEST_FRACTION else float(value)


def _edges(box: Box) -> list[float]:
    return [float(side) for side in (box.x, box.y, box.width, box.height)]


def _few(value: tuple[Box, ...], info: ValidationInfo) -> Any:
    if len(value) > MOST_MOVES:
        raise TaueError(f"{info.field_name} has {len(value)} boxes; give at most {MOST_MOVES}.")
    return value


def _weight(value: float) -> float:
    if not -LARGEST_WEIGHT <= value <= LARGEST_WEIGHT:
        most = f"{LARGEST_WEIGHT:g}"
        raise TaueError(f"weight is {quoted(value)}; give a number from -{most} to {most}.")
    return value


Words = Annotated[
    str,
    Strict(),
    AfterValidator(_said),
    Field(json_schema_extra={"minLength": 1, "maxLength": LONGEST_PROMPT}),
]
Weight = Annotated[
    float,
    AfterValidator(_weight),
    Field(json_schema_extra={"minimum": -LARGEST_WEIGHT, "maximum": LARGEST_WEIGHT}),
]
Pixels = Annotated[
    int,
    AfterValidator(_pixels),
    Field(
        json_schema_extra={
            "minimum": SMALLEST_CANVAS,
            "maximum": LARGEST_CANVAS,
            "multipleOf": CANVAS_STEP,
        }
    ),
]
CropRatio = Annotated[
    float, Strict(), accepted("crop_ratio"), Field(json_schema_extra=LIMITS["crop_ratio"])
]
_EDGES: dict[str, Any] = {
    "type": "array",
    "items": {"type": "number", "minimum": 0, "maximum": 1},
    "minItems": 4,
    "maxItems": 4,
}
BoxField = Annotated[Box, BeforeValidator(box_of), PlainSerializer(_edges), WithJsonSchema(_EDGES)]
"""A box; in files a list of four fractions."""

# TOML and JSON have lists where Python has tuples: the one conversion that is allowed.
Moves = Annotated[
    tuple[BoxField, ...],
    Field(strict=False, json_schema_extra={"maxItems": MOST_MOVES}),
    AfterValidator(_few),
]
Negative = Annotated[
    str,
    Strict(),
    AfterValidator(_short),
    Field(json_schema_extra={"maxLength": LONGEST_PROMPT}),
]
"""What is not to be seen; an empty one is a prompt too, and not the same as none."""

Name = Annotated[Words, AfterValidator(_file_name)]
NoneIfEmpty = BeforeValidator(_none_if_empty)
Version = Annotated[int, AfterValidator(_version), Field(json_schema_extra={"const": VERSION})]
Seed = Annotated[
    int,
    AfterValidator(_seed),
    Field(json_schema_extra={"minimum": 0, "maximum": LARGEST_SEED}),
]
