"""Painters of things found in a home: house, cup, bell, chair and lamp."""

from taue.paddy.scenes.painter import CREAM, GLASS, SLATE, WOOD, Painter, contrast, second_tone
from taue.paddy.scenes.pen import Pen, arc, luminance, mix, toned
from taue.paddy.scenes.words import RGB


def house(pen: Pen, colour: RGB) -> None:
    """A house front with a gable roof, a door and two windows."""
    roof = second_tone(colour, 2)
    pen.box(0.72, 0.06, 0.86, 0.4, roof)
    pen.box(0.1, 0.42, 0.94, 1, colour)
    pen.polygon([(0, 0.5), (0.52, 0), (1.04, 0.5)], roof)
    pen.polygon([(0.25, 0.44), (0.52, 0.18), (0.79, 0.44)], colour)
    pen.box(0.41, 0.66, 0.63, 1, mix(WOOD, CREAM, 0.4) if luminance(colour) < 95 else WOOD)
    for x in (0.17, 0.69):
        pen.box(x, 0.58, x + 0.18, 0.78, contrast(colour))
        pen.box(x + 0.03, 0.61, x + 0.15, 0.75, GLASS)


def cup(pen: Pen, colour: RGB) -> None:
    """A mug with its handle at the right."""
    tone = second_tone(colour)
    pen.line(arc(0.84, 0.52, 0.24, 0.24, -90, 90), 0.13, tone)
    pen.polygon([(0, 0.12), (0.88, 0.12), (0.84, 0.86), *arc(0.44, 0.86, 0.4, 0.14, 0, 180)],
                colour)  # fmt: skip
    pen.ellipse(0.44, 0.13, 0.44, 0.13, mix(colour, (255, 255, 255), 0.3))
    pen.ellipse(0.44, 0.14, 0.36, 0.09, toned(tone, 0.8))


def bell(pen: Pen, colour: RGB) -> None:
    """A hand bell without its handle: a flared body, a loop and a clapper."""
    tone = second_tone(colour)
    pen.disc(0.46, 0.12, 0.12, tone)
    pen.disc(0.46, 0.88, 0.12, toned(SLATE, 0.8) if luminance(colour) > 60 else SLATE)
    pen.polygon([*arc(0.46, 0.4, 0.27, 0.29, 180, 360), (0.76, 0.6), (0.84, 0.74), (0.92, 0.8),
                 (0, 0.8), (0.08, 0.74), (0.16, 0.6)], colour)  # fmt: skip
    pen.box(0, 0.76, 0.92, 0.88, tone, 0.06)


def chair(pen: Pen, colour: RGB) -> None:
    """A kitchen chair from the front: an open back with two rails, a seat, four legs."""
    tone = second_tone(colour)
    pen.box(0.15, 0.6, 0.25, 0.88, tone)
    pen.box(0.39, 0.6, 0.49, 0.88, tone)
    pen.box(0.05, 0.0, 0.17, 0.56, colour, 0.04)
    pen.box(0.47, 0.0, 0.59, 0.56, colour, 0.04)
    pen.box(0.1, 0.05, 0.54, 0.19, colour)
    pen.box(0.1, 0.28, 0.54, 0.4, colour)
    pen.box(0, 0.6, 0.13, 1, colour, 0.03)
    pen.box(0.51, 0.6, 0.64, 1, colour, 0.03)
    pen.polygon([(0.06, 0.5), (0.58, 0.5), (0.64, 0.64), (0, 0.64)], colour)
    pen.box(0, 0.62, 0.64, 0.71, tone, 0.02)


def lamp(pen: Pen, colour: RGB) -> None:
    """A table lamp: a wide shade on a thick stem and foot."""
    tone = second_tone(colour)
    pen.box(0.33, 0.5, 0.45, 0.92, tone)
    pen.polygon([(0.22, 0), (0.56, 0), (0.78, 0.58), (0, 0.58)], colour)
    pen.polygon([(0.03, 0.5), (0.75, 0.5), (0.78, 0.58), (0, 0.58)], contrast(colour))
    pen.polygon([*arc(0.39, 0.96, 0.27, 0.15, 180, 360), (0.66, 1), (0.12, 1)], colour)


MADE: dict[str, Painter] = {
    "house": Painter(1.04, house),
    "cup": Painter(1.145, cup),
    "bell": Painter(0.92, bell),
    "chair": Painter(0.64, chair),
    "lamp": Painter(0.78, lamp),
}
