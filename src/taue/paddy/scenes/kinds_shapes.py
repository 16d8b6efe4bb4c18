"""Painters of plain shapes: ball, cube, star, heart, gift and crown."""

import math

from taue.paddy.scenes.painter import Painter, contrast, second_tone
from taue.paddy.scenes.pen import Pen, Point, arc, luminance, mix, toned
from taue.paddy.scenes.words import RGB


def _latitude(sine: float, tilt: float, turn: float) -> list[Point]:
    """The visible half of a circle of latitude on the unit ball in (0, 0)..(1, 1)."""
    cosine = math.sqrt(1 - sine * sine)
    limb = math.acos(max(-1.0, min(1.0, -sine / cosine * math.tan(tilt))))
    points: list[Point] = []
    for step in range(25):
        angle = limb * (step / 12 - 1)
        x = cosine * math.sin(angle)
        y = -(sine * math.cos(tilt) - cosine * math.cos(angle) * math.sin(tilt))
        c, s = math.cos(turn), math.sin(turn)
        points.append((0.5 + 0.5 * (c * x - s * y), 0.5 + 0.5 * (s * x + c * y)))
    return points


def ball(pen: Pen, colour: RGB) -> None:
    """A toy ball with one band around it."""
    pen.disc(0.5, 0.5, 0.5, colour)
    lower, upper = _latitude(-0.16, 0.45, -0.35), _latitude(0.22, 0.45, -0.35)
    pen.polygon(lower + upper[::-1], contrast(colour))


def cube(pen: Pen, colour: RGB) -> None:
    """A cube seen from one edge, its three faces in three tones."""
    dark = luminance(colour) < 60
    top = mix(colour, (255, 255, 255), 0.34 if dark else 0.22)
    left = mix(colour, (255, 255, 255), 0.12) if dark else toned(colour, 0.9)
    right = colour if dark else toned(colour, 0.66)
    pen.polygon([(0, 0.24), (0.46, 0), (0.92, 0.24), (0.46, 0.48)], top)
    pen.polygon([(0, 0.24), (0.46, 0.48), (0.46, 1), (0, 0.76)], left)
    pen.polygon([(0.92, 0.24), (0.46, 0.48), (0.46, 1), (0.92, 0.76)], right)


def star(pen: Pen, colour: RGB) -> None:
    """A plump five-pointed star."""
    points: list[Point] = []
    for corner in range(10):
        radius = 0.553 if corner % 2 == 0 else 0.27
        angle = math.pi * corner / 5
        points.append((0.526 + radius * math.sin(angle), 0.553 - radius * math.cos(angle)))
    pen.polygon(points, colour)


def heart(pen: Pen, colour: RGB) -> None:
    """A heart along the usual parametric curve."""
    points: list[Point] = []
    for step in range(60):
        t = 2 * math.pi * step / 60
        x = 16 * math.sin(t) ** 3
        y = 13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t)
        points.append((0.553 + x / 28.95, (11.95 - y) / 28.95))
    pen.polygon(points, colour)


def gift(pen: Pen, colour: RGB) -> None:
    """A wrapped box with a lid, a ribbon and a bow."""
    ribbon = contrast(colour)
    pen.box(0.05, 0.4, 0.87, 1, colour, 0.03)
    pen.box(0, 0.24, 0.92, 0.45, second_tone(colour), 0.04)
    pen.box(0.37, 0.24, 0.55, 1, ribbon)
    for side in (-1, 1):
        tip = 0.46 + side * 0.3
        pen.polygon([(0.46, 0.25), (tip, 0.0), (tip + side * 0.06, 0.22)], ribbon)
        pen.ellipse(tip, 0.12, 0.1, 0.12, ribbon)
    pen.disc(0.46, 0.21, 0.08, toned(ribbon, 0.84))


def crown(pen: Pen, colour: RGB) -> None:
    """A crown with five spikes and beads, and a row of stones."""
    spikes = [(0.08, 0.16), (0.34, 0.5), (0.64, 0.08), (0.94, 0.5), (1.2, 0.16)]
    pen.polygon([(0.14, 0.98), *spikes, (1.14, 0.98)], colour)
    for x, y in (spikes[0], spikes[2], spikes[4]):
        pen.disc(x, y, 0.08, colour)
    pen.polygon([*arc(0.64, 0.74, 0.51, 0.07, 180, 0), *arc(0.64, 0.93, 0.5, 0.07, 0, 180)],
                second_tone(colour))  # fmt: skip
    for x, y in ((0.34, 0.87), (0.64, 0.9), (0.94, 0.87)):
        pen.disc(x, y, 0.06, contrast(colour))


SHAPES: dict[str, Painter] = {
    "ball": Painter(1.0, ball),
    "cube": Painter(0.92, cube),
    "star": Painter(1.052, star),
    "heart": Painter(1.105, heart),
    "gift": Painter(0.92, gift),
    "crown": Painter(1.28, crown),
}
