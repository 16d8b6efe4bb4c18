"""A picture that a composite begins from, as img2img of diffusers does."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationInfo

from taue.errors import TaueError
from taue.readable import quoted
from taue.scene.method import Part
from taue.scene.picture import Own

STRENGTH = 0.8
"""diffusers' own default for Stable Diffusion."""


def _strength(value: float, info: ValidationInfo) -> float:
    if not 0 < value <= 1:
        raise TaueError(f"{info.field_name} is {quoted(value)}; give a number above 0, at most 1.")
    return value


class Init(Part):
    """The composite is drawn from a picture of yours under noise instead of from noise alone."""

    image: Own = Field(
        description="The picture, scaled to cover the canvas and cropped in its middle.",
        examples=["sketch.png"],
    )
    strength: Annotated[float, AfterValidator(_strength)] = Field(
        default=STRENGTH,
        description="The share of the steps that is taken from there on, as in diffusers: above "
        "1 - crop_ratio, since subjects are planted until then; 1 leaves nothing of the picture.",
        json_schema_extra={"exclusiveMinimum": 0, "maximum": 1},
    )


def begin_of(init: Init | None, crop_ratios: tuple[float, ...], others: dict[str, Any]) -> float:
    """As a crop ratio, where the composite begins on its schedule; 0 at noise alone.

    Args:
        init: what it begins from, if anything.
        crop_ratios: when its subjects are released.
        others: what does not go with it, by name; None where it is not asked for.

    Raises:
        TaueError: if there is such a thing, or every subject would be released before it begins.
    """
    if init is None:
        return 0.0
    for name, value in others.items():
        if value is not None:
            raise TaueError(
                f"init.image is given besides {name}, into which the composite is drawn; drop one."
            )
    begin, earliest = 1 - init.strength, min(crop_ratios)
    if begin >= earliest:
        raise TaueError(
            f"init.strength is {init.strength:g}, too little to plant subjects, which takes more "
            f"than 1 - crop_ratio; give more than {1 - earliest:g}."
        )
    return begin
