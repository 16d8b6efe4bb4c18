"""A picture that a composite begins from, as img2img of diffusers does."""

from __future__ import annotations

from typing import Annotated

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

    @property
    def begin(self) -> float:
        """As a crop ratio, where the composite begins on its schedule; 0 at noise alone."""
        return 1 - self.strength
