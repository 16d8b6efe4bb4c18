"""The paper a plate is drawn on: a pen with skies, grounds and other things of landscapes."""

import math

import numpy as np
from PIL import Image

from taue.paddy.scenes.pen import Pen, Point
from taue.paddy.scenes.words import RGB


class Sheet(Pen):
    """A whole canvas as (0, 0)..(1, 1); radii are fractions of its shorter side."""

    def __init__(self, image: Image.Image) -> None:
        width, height = image.size
        super().__init__(image, width, height, min(width, height))
        self.image = image

    @property
    def thin(self) -> float:
        """A length in units as a fraction of the canvas's width, divided by that length."""
        return self.unit / self.across

    @property
    def low(self) -> float:
        """A length in units as a fraction of the canvas's height, divided by that length."""
        return self.unit / self.down

    def fade(self, top: float, bottom: float, upper: RGB, lower: RGB) -> None:
        """A full-width band from one colour above to another below."""
        first, last = round(top * self.down), round(bottom * self.down)
        share = np.linspace(0, 1, last - first, dtype=np.float32)[:, None]
        column = np.array(upper, np.float32) * (1 - share) + np.array(lower, np.float32) * share
        strip = Image.fromarray((column + 0.5).astype(np.uint8)[:, None])
        self.image.paste(strip.resize((round(self.across), last - first)), (0, first))

    def rolling(
        self, y: float, swing: float, waves: float, phase: float, fill: RGB, bottom: float = 1.0
    ) -> None:
        """Everything from a wavy line around `y` down to `bottom`."""
        line: list[Point] = [
            (i / 32, y + swing * math.sin(2 * math.pi * waves * i / 32 + phase)) for i in range(33)
        ]
        self.polygon([*line, (1.0, bottom), (0.0, bottom)], fill)

    def cloud(self, x: float, y: float, size: float, fill: RGB) -> None:
        """A flat-bottomed cloud `size` units wide around (x, y)."""
        for dx, dy, r in ((-0.3, 0.02, 0.14), (-0.08, -0.07, 0.2), (0.16, -0.02, 0.17)):
            self.disc(x + dx * size * self.thin, y + dy * size * self.low, r * size, fill)
        left, right = x - 0.5 * size * self.thin, x + 0.5 * size * self.thin
        self.box(left, y - 0.02 * self.low * size, right, y + 0.16 * self.low * size, fill,
                 0.08 * size)  # fmt: skip

    def glow(self, x: float, y: float, radius: float, fill: RGB, sky: RGB) -> None:
        """A disc with two paler rings that lead over into the sky."""
        for step, share in ((1.7, 0.25), (1.35, 0.5), (1.0, 1.0)):
            r, g, b = (round(s + (f - s) * share) for f, s in zip(fill, sky, strict=True))
            self.disc(x, y, radius * step, (r, g, b))
