"""A pen that draws on a Pillow image in unit coordinates."""

import math
from collections.abc import Iterable, Sequence

from PIL import Image, ImageDraw

from taue.colour import LUMA
from taue.paddy.scenes.words import RGB

Point = tuple[float, float]


def toned(colour: RGB, factor: float) -> RGB:
    """The colour times a factor, each channel cut to 0..255."""
    r, g, b = (max(0, min(255, round(v * factor))) for v in colour)
    return r, g, b


def mix(one: RGB, other: RGB, share: float) -> RGB:
    """The colour `share` (0..1) of the way from `one` to `other`."""
    r, g, b = (round(p + (q - p) * share) for p, q in zip(one, other, strict=True))
    return r, g, b


def luminance(colour: RGB) -> float:
    """Perceived brightness in 0..255."""
    return sum(part * channel for part, channel in zip(LUMA, colour, strict=True))


def arc(cx: float, cy: float, rx: float, ry: float, start: float, end: float) -> list[Point]:
    """Points along an ellipse from `start` to `end` degrees, clockwise from the right."""
    count = 24
    angles = (math.radians(start + (end - start) * i / count) for i in range(count + 1))
    return [(cx + rx * math.cos(a), cy + ry * math.sin(a)) for a in angles]


class Pen:
    """Draws on `image`; (1, 1) is `across` by `down` pixels, radii and widths are in `unit`s.

    Unit position (0, 0) lies `margin` units inside the image's corner.
    """

    def __init__(
        self, image: Image.Image, across: float, down: float, unit: float, margin: float = 0.0
    ) -> None:
        self.across, self.down, self.unit = across, down, unit
        self._shift = margin * unit
        self._draw = ImageDraw.Draw(image)

    def _place(self, x: float, y: float) -> Point:
        return x * self.across + self._shift, y * self.down + self._shift

    def polygon(self, points: Iterable[Point], fill: RGB) -> None:
        """A filled polygon."""
        self._draw.polygon([self._place(x, y) for x, y in points], fill=fill)

    def ellipse(self, cx: float, cy: float, rx: float, ry: float, fill: RGB) -> None:
        """A filled ellipse around (cx, cy)."""
        x, y = self._place(cx, cy)
        rx, ry = rx * self.unit, ry * self.unit
        self._draw.ellipse((x - rx, y - ry, x + rx, y + ry), fill=fill)

    def disc(self, cx: float, cy: float, radius: float, fill: RGB) -> None:
        """A filled circle around (cx, cy)."""
        self.ellipse(cx, cy, radius, radius, fill)

    def box(
        self, x0: float, y0: float, x1: float, y1: float, fill: RGB, radius: float = 0.0
    ) -> None:
        """A filled rectangle between two corners, with rounded corners if asked."""
        left, top = self._place(x0, y0)
        right, bottom = self._place(x1, y1)
        # Pillow counts the last pixel in and refuses boxes that end before they start.
        corners = (left, top, max(left, right - 1), max(top, bottom - 1))
        if radius:
            self._draw.rounded_rectangle(corners, radius * self.unit, fill=fill)
        else:
            self._draw.rectangle(corners, fill=fill)

    def line(self, points: Sequence[Point], width: float, fill: RGB) -> None:
        """A line with round joints and round ends."""
        thick = width * self.unit
        pixels = [self._place(x, y) for x, y in points]
        self._draw.line(pixels, fill=fill, width=max(1, round(thick)), joint="curve")
        half = thick / 2
        for x, y in (pixels[0], pixels[-1]):
            self._draw.ellipse((x - half, y - half, x + half, y + half), fill=fill)
