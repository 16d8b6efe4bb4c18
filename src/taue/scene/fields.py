"""The kinds of fields of a scene that are not settings, each with its check.

Each error begins with the field's name; the JSON schema's limits stand beside the checks.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationInfo

from taue.bounds import LONGEST_PROMPT, MOST_MOVES
from taue.box import Box
from taue.errors import TaueError
from taue.names import slug
from taue.readable import quoted
from taue.scene.method import LIMITS, accepted
from taue.scene.text import is_utf8
from taue.subject import require_short

LARGEST_SEED = 2**63 - 1
CANVAS_STEP, SMALLEST_CANVAS, LARGEST_CANVAS = 8, 64, 16_384
LARGEST_WEIGHT = 10.0
"""Of a LoRA, which is trained for 1."""

MOST_LORAS = 16
VERSION = 1
"""Of the format."""


def _said(value: str, info: ValidationInfo) -> str:
    if not value.strip():
        raise TaueError(f"{info.field_name} is empty; say it in words.")
    if not is_utf8(value):
        raise TaueError(f"{info.field_name} holds what is no Unicode text; type it anew.")
    require_short(str(info.field_name), value)
    return value


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


def _inside(value: tuple[float, ...]) -> tuple[float, ...]:
    if len(value) != 4:
        shown = ", ".join(f"{one:g}" for one in value)
        raise TaueError(f"box is [{shown}]; give four fractions: left, top, width and height.")
    Box(*value)
    return value


def _few(value: tuple[tuple[float, ...], ...], info: ValidationInfo) -> Any:
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
CropRatio = Annotated[float, accepted("crop_ratio"), Field(json_schema_extra=LIMITS["crop_ratio"])]
Fraction = Annotated[float, Field(json_schema_extra={"minimum": 0, "maximum": 1})]
# TOML and JSON have lists where Python has tuples: the one conversion that is allowed.
Edges = Annotated[
    tuple[Fraction, ...],
    Field(strict=False, json_schema_extra={"minItems": 4, "maxItems": 4}),
    AfterValidator(_inside),
]
Moves = Annotated[
    tuple[Edges, ...],
    Field(strict=False, json_schema_extra={"maxItems": MOST_MOVES}),
    AfterValidator(_few),
]
Name = Annotated[Words, AfterValidator(_file_name)]
Version = Annotated[int, AfterValidator(_version), Field(json_schema_extra={"const": VERSION})]
Seed = Annotated[
    int,
    AfterValidator(_seed),
    Field(json_schema_extra={"minimum": 0, "maximum": LARGEST_SEED}),
]
