"""Painters of things that grow or live: apple, tree, mushroom, fish and duck."""

from taue.paddy.scenes.painter import CREAM, INK, LEAF, WOOD, Painter, second_tone
from taue.paddy.scenes.pen import Pen, arc, luminance, mix, toned
from taue.paddy.scenes.words import RGB


def apple(pen: Pen, colour: RGB) -> None:
    """An apple with a stem and one leaf."""
    pen.line([(0.47, 0.3), (0.49, 0.16), (0.54, 0.04)], 0.075, WOOD)
    pen.polygon([*arc(0.72, 0.2, 0.2, 0.14, 170, 280), *arc(0.7, 0.02, 0.2, 0.17, 0, 110)], LEAF)
    pen.ellipse(0.29, 0.57, 0.29, 0.34, colour)
    pen.ellipse(0.67, 0.57, 0.29, 0.34, colour)
    pen.ellipse(0.35, 0.71, 0.21, 0.29, colour)
    pen.ellipse(0.61, 0.71, 0.21, 0.29, colour)
    pen.box(0.35, 0.4, 0.61, 0.95, colour, 0.1)
    pen.ellipse(0.48, 0.285, 0.12, 0.045, second_tone(colour))
    pen.line([(0.475, 0.29), (0.49, 0.17)], 0.075, WOOD)


def tree(pen: Pen, colour: RGB) -> None:
    """A round crown of leaves on a trunk."""
    # A crown in brown or black would swallow an ordinary trunk.
    bark = mix(WOOD, CREAM, 0.35) if luminance(colour) < 95 else WOOD
    pen.polygon([(0.34, 0.6), (0.5, 0.6), (0.53, 0.92), (0.6, 1), (0.24, 1), (0.31, 0.92)], bark)
    low = second_tone(colour)
    pen.disc(0.22, 0.5, 0.22, low)
    pen.disc(0.62, 0.5, 0.22, low)
    pen.disc(0.42, 0.54, 0.22, low)
    pen.disc(0.26, 0.32, 0.2, colour)
    pen.disc(0.58, 0.32, 0.2, colour)
    pen.disc(0.42, 0.22, 0.22, colour)
    pen.disc(0.42, 0.4, 0.22, colour)


def mushroom(pen: Pen, colour: RGB) -> None:
    """A toadstool: a domed cap with spots on a pale stalk."""
    pen.box(0.35, 0.5, 0.69, 1, CREAM, 0.13)
    pen.polygon([*arc(0.52, 0.56, 0.52, 0.56, 180, 360), *arc(0.52, 0.56, 0.52, 0.1, 0, 180)],
                colour)  # fmt: skip
    pen.polygon([*arc(0.52, 0.56, 0.36, 0.02, 180, 360), *arc(0.52, 0.56, 0.36, 0.075, 0, 180)],
                second_tone(colour))  # fmt: skip
    spot = toned(CREAM, 0.7) if luminance(colour) > 175 else CREAM
    pen.ellipse(0.27, 0.36, 0.08, 0.08, spot)
    pen.ellipse(0.54, 0.19, 0.1, 0.085, spot)
    pen.ellipse(0.79, 0.37, 0.075, 0.08, spot)


def fish(pen: Pen, colour: RGB) -> None:
    """A fish that looks to the left."""
    fin = second_tone(colour)
    pen.polygon([(1.02, 0.5), (1.5, 0.12), (1.4, 0.5), (1.5, 0.9), (1.02, 0.58)], fin)
    pen.polygon([(0.42, 0.25), (0.62, 0.0), (0.98, 0.06), (0.94, 0.35)], fin)
    pen.polygon([(0.5, 0.8), (0.66, 1.0), (0.9, 0.98), (0.84, 0.7)], fin)
    pen.polygon([*arc(0.6, 0.52, 0.6, 0.39, 90, 270), *arc(0.6, 0.52, 0.58, 0.39, 270, 450)],
                colour)  # fmt: skip
    pen.polygon([*arc(0.36, 0.52, 0.1, 0.33, -80, 80), *arc(0.36, 0.52, 0.18, 0.33, 80, -80)], fin)
    pen.polygon([(0.66, 0.48), (0.92, 0.42), (0.88, 0.66)], fin)
    pen.disc(0.24, 0.42, 0.095, (250, 250, 250))
    pen.disc(0.22, 0.42, 0.055, INK)


def duck(pen: Pen, colour: RGB) -> None:
    """A bath duck that looks to the right."""
    beak = (222, 74, 22) if luminance(colour) > 140 else (250, 172, 40)
    pen.polygon([(0.9, 0.2), (1.16, 0.32), (1.14, 0.4), (0.9, 0.44)], beak)
    pen.polygon([(0, 0.44), (0.3, 0.56), (0.2, 0.86)], colour)
    pen.polygon([*arc(0.54, 0.62, 0.5, 0.38, 0, 180), (0.02, 0.5), (0.3, 0.57), (0.55, 0.5),
                 (0.9, 0.5)], colour)  # fmt: skip
    pen.disc(0.76, 0.29, 0.29, colour)
    pen.ellipse(0.84, 0.6, 0.2, 0.26, colour)
    pen.polygon([*arc(0.44, 0.66, 0.26, 0.18, 0, 180), (0.14, 0.56)], second_tone(colour))
    pen.disc(0.83, 0.22, 0.075, (250, 250, 250))
    pen.disc(0.845, 0.22, 0.05, INK)


NATURAL: dict[str, Painter] = {
    "apple": Painter(0.96, apple),
    "tree": Painter(0.84, tree),
    "mushroom": Painter(1.04, mushroom),
    "fish": Painter(1.5, fish),
    "duck": Painter(1.16, duck),
}
