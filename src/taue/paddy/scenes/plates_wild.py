"""Plates of mountains, woods and space."""

from collections.abc import Callable

import numpy as np

from taue.paddy.scenes.pen import mix, toned
from taue.paddy.scenes.sheet import Sheet
from taue.paddy.scenes.words import RGB


def mountains(sheet: Sheet, rng: np.random.Generator) -> None:
    """Grey-blue peaks with white caps behind a field of snow."""
    field = rng.uniform(0.53, 0.59)
    sheet.fade(0, 0.62, (112, 172, 228), (222, 238, 250))
    count = int(rng.integers(3, 6))
    for i in rng.permutation(count):
        x = (i + rng.uniform(0.25, 0.75)) / count
        top, half = rng.uniform(0.1, 0.28), rng.uniform(0.24, 0.36)
        foot = field + 0.05
        rock = mix((96, 116, 150), (140, 158, 186), rng.uniform(0, 1))
        sheet.polygon([(x - half, foot), (x, top), (x + half, foot)], rock)
        sheet.polygon([(x, top), (x + half, foot), (x + 0.1 * half, foot)], toned(rock, 0.84))
        cap = 0.4 * (foot - top)
        sheet.polygon([(x, top), (x + 0.4 * half, top + cap), (x + 0.18 * half, top + 0.75 * cap),
                       (x, top + 1.1 * cap), (x - 0.18 * half, top + 0.75 * cap),
                       (x - 0.4 * half, top + cap)], (248, 250, 254))  # fmt: skip
    tones: tuple[RGB, ...] = ((226, 236, 248), (238, 244, 252), (218, 230, 245))
    for y, tone in zip((field, 0.66, rng.uniform(0.8, 0.88)), tones, strict=True):
        sheet.rolling(y, 0.018, rng.uniform(0.6, 1.2), rng.uniform(0, 6), tone)


def forest(sheet: Sheet, rng: np.random.Generator) -> None:
    """Dim green depth, bare trunks from top to bottom and a roof of leaves."""
    ground = rng.uniform(0.54, 0.6)
    sheet.fade(0, 0.62, (38, 66, 50), (92, 128, 92))
    for depth, (count, thick) in enumerate(((7, 0.03), (5, 0.06))):
        for i in range(count):
            x = (i + rng.uniform(0.15, 0.85)) / count
            half = thick * rng.uniform(0.7, 1.2)
            bark = ((60, 82, 62), (46, 42, 34))[depth]
            foot = ground + 0.03 * depth
            sheet.polygon([(x - half * 0.8, 0), (x + half * 0.8, 0), (x + half, foot - 0.05),
                           (x + 1.5 * half, foot + 0.03), (x - 1.5 * half, foot + 0.03),
                           (x - half, foot - 0.05)], bark)  # fmt: skip
    sheet.rolling(ground, 0.012, rng.uniform(1, 2), rng.uniform(0, 6), (58, 84, 48))
    sheet.rolling(ground + 0.1, 0.02, rng.uniform(0.6, 1.4), rng.uniform(0, 6), (48, 72, 42))
    sheet.rolling(rng.uniform(0.82, 0.88), 0.02, 1, rng.uniform(0, 6), (38, 58, 36))
    leaves(sheet, rng, ((26, 50, 34), (34, 64, 40), (44, 78, 46)), 0.13)


def leaves(sheet: Sheet, rng: np.random.Generator, tones: tuple[RGB, ...], depth: float) -> None:
    """A mass of foliage that hangs in from the top edge, about `depth` down."""
    for row, tone in enumerate(tones):
        y = depth * (1 - row / len(tones)) * 0.9 - 0.02
        for i in range(8):
            x = (i + rng.uniform(0.2, 0.8)) / 8
            radius = rng.uniform(0.07, 0.11) / sheet.thin**0.5
            sheet.disc(x, y + rng.uniform(-0.03, 0.03), radius, tone)


def space(sheet: Sheet, rng: np.random.Generator) -> None:
    """Deep blue dark with stars, a faint cloud, and planets cut off by the upper corners."""
    sheet.fade(0, 1, (12, 12, 38), (34, 22, 66))
    slope, middle = rng.uniform(-0.4, 0.4), rng.uniform(0.3, 0.7)
    for half, tone in ((0.22, (28, 22, 62)), (0.13, (38, 28, 78)), (0.06, (50, 36, 94))):
        sheet.polygon([(0, middle - slope - half), (1, middle + slope - half),
                       (1, middle + slope + half), (0, middle - slope + half)], tone)  # fmt: skip
    for _ in range(int(rng.integers(45, 70))):
        tone = mix((150, 160, 210), (255, 252, 240), rng.uniform(0, 1))
        sheet.disc(rng.uniform(0, 1), rng.uniform(0, 1), rng.uniform(0.003, 0.009), tone)
    tones: tuple[RGB, ...] = ((188, 112, 84), (92, 132, 186), (170, 152, 112), (122, 98, 160))
    first, second = rng.permutation(len(tones))[:2]
    side = int(rng.integers(2))
    _planet(sheet, rng, side, tones[first], rng.uniform(0.26, 0.36))
    if rng.random() < 0.5:
        _planet(sheet, rng, 1 - side, tones[second], rng.uniform(0.14, 0.2))


def _planet(sheet: Sheet, rng: np.random.Generator, side: int, tone: RGB, radius: float) -> None:
    """A quarter of a planet in the upper left (0) or right (1) corner, lit from the middle."""
    towards = 1 - 2 * side
    x, y = side - towards * 0.02, rng.uniform(-0.08, -0.02)
    sheet.disc(x, y, radius, tone)
    sheet.disc(x, y, radius * 0.82, toned(tone, 0.84))
    sheet.disc(x, y, radius * 0.5, toned(tone, 0.68))


def autumn_park(sheet: Sheet, rng: np.random.Generator) -> None:
    """Orange and red foliage over grey-brown trunks, a path and fallen leaves."""
    ground = rng.uniform(0.53, 0.58)
    sheet.fade(0, 0.62, (206, 222, 226), (248, 232, 196))
    far: tuple[RGB, ...] = ((232, 184, 108), (222, 160, 92))
    for tone, y in zip(far, (ground - 0.12, ground - 0.07), strict=True):
        sheet.rolling(y, 0.025, rng.uniform(2, 3), rng.uniform(0, 6), tone)
    count = int(rng.integers(4, 6))
    for i in range(count):
        x, half = (i + rng.uniform(0.2, 0.8)) / count, rng.uniform(0.018, 0.032)
        sheet.polygon([(x - half, 0), (x + half, 0), (x + 1.5 * half, ground + 0.03),
                       (x - 1.5 * half, ground + 0.03)], (104, 80, 66))  # fmt: skip
    sheet.rolling(ground, 0.01, rng.uniform(0.8, 1.4), rng.uniform(0, 6), (176, 148, 82))
    sheet.rolling(ground + 0.12, 0.02, rng.uniform(0.6, 1.2), rng.uniform(0, 6), (164, 134, 74))
    near, away = rng.uniform(0.25, 0.75), rng.uniform(0.3, 0.7)
    sheet.polygon([(away - 0.04, ground + 0.012), (away + 0.04, ground + 0.012),
                   (near + 0.26, 1), (near - 0.26, 1)], (214, 192, 150))  # fmt: skip
    fallen: tuple[RGB, ...] = ((216, 110, 44), (190, 70, 42), (232, 164, 62))
    for _ in range(int(rng.integers(26, 40))):
        x, y = rng.uniform(0, 1), rng.uniform(0.62, 0.99)
        sheet.ellipse(x, y, 0.006 + 0.01 * y, 0.004 + 0.005 * y, fallen[int(rng.integers(3))])
    leaves(sheet, rng, ((186, 66, 38), (216, 104, 40), (236, 152, 56)), 0.24)


WILD: dict[str, Callable[[Sheet, np.random.Generator], None]] = {
    "snowy mountains": mountains,
    "a dark forest": forest,
    "outer space": space,
    "an autumn park": autumn_park,
}
