"""What a kind's drawing consists of, and the colours that drawings share."""

from collections.abc import Callable
from typing import NamedTuple

from taue.paddy.scenes.pen import Pen, luminance, mix, toned
from taue.paddy.scenes.words import RGB

WOOD: RGB = (104, 72, 44)
LEAF: RGB = (70, 150, 60)
GLASS: RGB = (178, 214, 236)
CREAM: RGB = (246, 238, 218)
SLATE: RGB = (84, 94, 116)
INK: RGB = (26, 26, 32)


class Painter(NamedTuple):
    """A kind's width over height, and a function that paints it in (0, 0)..(aspect, 1)."""

    aspect: float
    paint: Callable[[Pen, RGB], None]


def second_tone(colour: RGB, steps: int = 1) -> RGB:
    """A neighbouring tone for a second surface: darker, or lighter where that cannot show."""
    if luminance(colour) < 60:
        return mix(colour, (255, 255, 255), 0.2 * steps)
    return toned(colour, 0.78**steps)


def contrast(colour: RGB) -> RGB:
    """A neutral for small details, so that no second colour name competes."""
    return SLATE if luminance(colour) > 175 else CREAM
