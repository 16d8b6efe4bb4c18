"""Painters of things one travels with or in: car, boat, rocket and umbrella."""

from taue.paddy.scenes.painter import CREAM, GLASS, INK, SLATE, WOOD, Painter, contrast, second_tone
from taue.paddy.scenes.pen import Pen, arc, luminance, toned
from taue.paddy.scenes.words import RGB


def car(pen: Pen, colour: RGB) -> None:
    """A small car from the side, facing right."""
    pen.polygon([(0.26, 0.42), (0.46, 0.06), (0.54, 0), (1.06, 0), (1.16, 0.06), (1.42, 0.42)],
                colour)  # fmt: skip
    pen.box(0, 0.38, 1.75, 0.82, colour, 0.13)
    pen.box(0, 0.66, 1.75, 0.82, second_tone(colour), 0.06)
    pen.polygon([(0.42, 0.4), (0.57, 0.11), (0.77, 0.11), (0.77, 0.4)], GLASS)
    pen.polygon([(0.88, 0.4), (0.88, 0.11), (1.05, 0.11), (1.26, 0.4)], GLASS)
    pen.box(1.64, 0.46, 1.75, 0.58, (252, 232, 150), 0.03)
    tyre = SLATE if luminance(colour) < 60 else INK
    for x in (0.42, 1.32):
        pen.disc(x, 0.77, 0.23, tyre)
        pen.disc(x, 0.77, 0.1, (196, 200, 206))


def boat(pen: Pen, colour: RGB) -> None:
    """A sailing boat: hull and mainsail in its colour, a pale foresail."""
    pen.box(0.52, 0.0, 0.6, 0.72, WOOD)
    pen.polygon([(0.63, 0.03), (0.63, 0.61), (1.1, 0.61), (0.94, 0.32)], colour)
    pale = toned(CREAM, 0.8) if luminance(colour) > 200 else CREAM
    pen.polygon([(0.49, 0.14), (0.49, 0.61), (0.1, 0.61)], pale)
    pen.polygon([(0, 0.66), (1.15, 0.66), (1.0, 0.93), (0.9, 1), (0.26, 1), (0.14, 0.93)], colour)
    pen.polygon([(0, 0.66), (1.15, 0.66), (1.1, 0.76), (0.05, 0.76)], second_tone(colour))


def rocket(pen: Pen, colour: RGB) -> None:
    """A rocket standing on its flame, nose up."""
    fin = second_tone(colour)
    pen.polygon([(0.2, 0.78), (0.31, 1.0), (0.42, 0.78)], (252, 176, 44))
    pen.polygon([(0.16, 0.5), (0, 0.72), (0, 0.9), (0.2, 0.78)], fin)
    pen.polygon([(0.46, 0.5), (0.62, 0.72), (0.62, 0.9), (0.42, 0.78)], fin)
    pen.polygon([*arc(0.31, 0.48, 0.21, 0.48, 180, 360), (0.48, 0.7), (0.43, 0.83), (0.19, 0.83),
                 (0.14, 0.7)], colour)  # fmt: skip
    pen.polygon([*arc(0.31, 0.48, 0.21, 0.48, 222, 318)], fin)
    pen.box(0.19, 0.76, 0.43, 0.83, fin)
    pen.disc(0.31, 0.4, 0.125, contrast(colour))
    pen.disc(0.31, 0.4, 0.085, GLASS)


def umbrella(pen: Pen, colour: RGB) -> None:
    """An open umbrella with a scalloped rim and a hooked handle."""
    grip = mid = SLATE if luminance(colour) < 60 else WOOD
    pen.box(0.5, 0.4, 0.58, 0.88, mid)
    pen.line(arc(0.635, 0.86, 0.1, 0.1, 180, 0), 0.08, grip)
    pen.box(0.5, 0.0, 0.58, 0.12, mid, 0.03)
    pen.polygon(arc(0.54, 0.56, 0.54, 0.51, 180, 360), colour)
    pen.polygon(arc(0.54, 0.56, 0.19, 0.51, 180, 360), second_tone(colour))
    for x, tone in ((0.175, colour), (0.54, second_tone(colour)), (0.905, colour)):
        pen.ellipse(x, 0.555, 0.178, 0.085, tone)


MOVING: dict[str, Painter] = {
    "car": Painter(1.75, car),
    "boat": Painter(1.15, boat),
    "rocket": Painter(0.62, rocket),
    "umbrella": Painter(1.08, umbrella),
}
