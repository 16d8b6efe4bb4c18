"""Plates of streets and rooms."""

from collections.abc import Callable

import numpy as np

from taue.paddy.scenes.pen import mix, toned
from taue.paddy.scenes.sheet import Sheet
from taue.paddy.scenes.words import RGB


def night_city(sheet: Sheet, rng: np.random.Generator) -> None:
    """A skyline with lit windows below a night sky, and a wide street before it."""
    street = rng.uniform(0.54, 0.59)
    sheet.fade(0, street, (16, 18, 54), (74, 62, 118))
    for _ in range(20):
        sheet.disc(rng.uniform(0, 1), rng.uniform(0, 0.3), 0.004, (206, 212, 240))
    for depth, tone in enumerate(((48, 48, 94), (28, 30, 62))):
        x = -rng.uniform(0, 0.08)
        while x < 1:
            width = rng.uniform(0.11, 0.18)
            top = street - rng.uniform(0.2, 0.44 - 0.12 * depth)
            sheet.box(x, top, x + width, street, tone)
            if depth:
                _windows(sheet, rng, x, top, x + width, street)
            x += width + depth * rng.uniform(0, 0.03)
    sheet.box(0, street, 1, street + 0.03, (98, 98, 128))
    sheet.fade(street + 0.03, 1, (60, 62, 88), (42, 44, 66))
    y = rng.uniform(0.76, 0.84)
    for i in range(4):
        x = (i + 0.2) / 4
        sheet.polygon([(x, y), (x + 0.12, y), (x + 0.125, y + 0.022), (x - 0.005, y + 0.022)],
                      (112, 110, 118))  # fmt: skip


def _windows(
    sheet: Sheet, rng: np.random.Generator, x0: float, y0: float, x1: float, y1: float
) -> None:
    """Rows of windows in a house front, somewhat more than half of them lit."""
    columns = max(2, round((x1 - x0) / 0.045))
    rows = max(2, round((y1 - y0) / 0.06))
    wide, high = (x1 - x0) / columns, (y1 - y0) / rows
    for row in range(rows):
        for column in range(columns):
            if rng.random() < 0.55:
                x, y = x0 + column * wide, y0 + row * high
                tone = mix((255, 208, 104), (255, 236, 170), rng.uniform(0, 1))
                sheet.box(x + 0.26 * wide, y + 0.28 * high, x + 0.78 * wide, y + 0.78 * high, tone)


def living_room(sheet: Sheet, rng: np.random.Generator) -> None:
    """A papered wall with a window and a picture, a sofa, boards and a rug."""
    walls: tuple[RGB, ...] = ((232, 218, 192), (198, 214, 212), (226, 204, 190), (212, 206, 222))
    cloths: tuple[RGB, ...] = ((96, 122, 128), (150, 104, 88), (122, 124, 88), (118, 104, 134))
    wall, cloth = walls[int(rng.integers(4))], cloths[int(rng.integers(4))]
    floor = rng.uniform(0.55, 0.6)
    sheet.fade(0, floor, wall, toned(wall, 0.93))
    left = rng.random() < 0.5
    x = rng.uniform(0.08, 0.14) if left else rng.uniform(0.56, 0.62)
    sheet.box(x, 0.06, x + 0.3, 0.36, (250, 248, 242))
    sheet.box(x + 0.025, 0.085, x + 0.14, 0.335, (164, 208, 238))
    sheet.box(x + 0.16, 0.085, x + 0.275, 0.335, (164, 208, 238))
    for edge in (x - 0.05, x + 0.27):
        sheet.box(edge, 0.04, edge + 0.08, 0.42, mix(cloth, wall, 0.45))
    p = rng.uniform(0.62, 0.74) if left else rng.uniform(0.08, 0.2)
    sheet.box(p, 0.1, p + 0.18, 0.27, (122, 88, 60))
    sheet.box(p + 0.02, 0.12, p + 0.16, 0.25, (238, 230, 208))
    sheet.polygon([(p + 0.02, 0.25), (p + 0.07, 0.17), (p + 0.11, 0.22), (p + 0.13, 0.19),
                   (p + 0.16, 0.25)], (134, 160, 150))  # fmt: skip
    sheet.box(0, floor - 0.025, 1, floor, toned(wall, 1.06))
    sheet.fade(floor, 1, (176, 128, 86), (150, 104, 66))
    for y in (0.06, 0.15, 0.27):
        sheet.box(0, floor + y, 1, floor + y + 0.006, (146, 102, 66))
    s = rng.uniform(0.44, 0.56) if left else rng.uniform(-0.1, 0.02)
    sheet.box(s, floor - 0.2, s + 0.54, floor, cloth, 0.05)
    sheet.box(s - 0.04, floor - 0.12, s + 0.58, floor + 0.035, toned(cloth, 0.86), 0.04)
    sheet.box(s + 0.04, floor - 0.09, s + 0.5, floor - 0.02, mix(cloth, (255, 255, 255), 0.14),
              0.03)  # fmt: skip
    rug = mix(cloth, (240, 226, 200), 0.6)
    sheet.ellipse(rng.uniform(0.4, 0.6), 0.82, 0.46, 0.12, toned(rug, 0.9))


def kitchen(sheet: Sheet, rng: np.random.Generator) -> None:
    """Cabinets above and below a tiled wall, a stove, and a chequered floor."""
    fronts: tuple[RGB, ...] = ((150, 186, 182), (222, 206, 172), (172, 186, 208), (196, 178, 160))
    front = fronts[int(rng.integers(4))]
    floor = rng.uniform(0.57, 0.61)
    sheet.box(0, 0, 1, floor, (236, 238, 234))
    for i in range(1, 12):
        sheet.box(i / 12 - 0.003, 0.15, i / 12 + 0.003, 0.4, (208, 214, 212))
    for y in (0.22, 0.28, 0.34):
        sheet.box(0, y - 0.003, 1, y + 0.003, (208, 214, 212))
    stove = int(rng.integers(1, 4))
    for i in range(5):
        x0, x1 = i / 5 + 0.008, (i + 1) / 5 - 0.008
        if i == stove:
            _stove(sheet, x0, x1, floor)
            continue
        sheet.box(x0, 0, x1, 0.16, front)
        sheet.box(x0 + 0.025, 0, x1 - 0.025, 0.13, toned(front, 0.92))
        sheet.box(x0, 0.42, x1, floor - 0.02, front)
        sheet.box(x0 + 0.025, 0.45, x1 - 0.025, floor - 0.04, toned(front, 0.92))
        sheet.box(x0 + 0.06, 0.435, x1 - 0.06, 0.448, (96, 92, 88))
    sheet.box(0, 0.385, 1, 0.425, (134, 102, 76))
    sheet.box(0, floor - 0.02, 1, floor, (94, 88, 84))
    _chequers(sheet, rng, floor)


def _stove(sheet: Sheet, x0: float, x1: float, floor: float) -> None:
    """A stove with its hood above."""
    middle = (x0 + x1) / 2
    sheet.box(middle - 0.035, 0, middle + 0.035, 0.09, (168, 172, 178))
    sheet.polygon([(middle - 0.04, 0.08), (middle + 0.04, 0.08), (x1, 0.17), (x0, 0.17)],
                  (186, 190, 196))  # fmt: skip
    sheet.box(x0, 0.42, x1, floor - 0.02, (196, 200, 204))
    sheet.box(x0 + 0.02, 0.47, x1 - 0.02, floor - 0.035, (58, 60, 66))
    for i in range(3):
        sheet.disc(x0 + (i + 1) * (x1 - x0) / 4, 0.447, 0.011, (70, 72, 78))


def _chequers(sheet: Sheet, rng: np.random.Generator, floor: float) -> None:
    """A floor of low-contrast tiles that widen towards the viewer."""
    sheet.box(0, floor, 1, 1, (222, 212, 196))
    vanish, shift = 0.5, rng.uniform(0, 1)
    rows = [floor + (1.02 - floor) * (k / 4) ** 1.5 for k in range(5)]
    for row in range(4):
        y0, y1 = rows[row], rows[row + 1]
        spread0, spread1 = 1 + 1.4 * (y0 - floor), 1 + 1.4 * (y1 - floor)
        for column in range(-6, 7):
            if (row + column) % 2:
                continue
            a, b = (column + shift) / 6, (column + 1 + shift) / 6
            sheet.polygon([(vanish + a * spread0, y0), (vanish + b * spread0, y0),
                           (vanish + b * spread1, y1), (vanish + a * spread1, y1)],
                          (204, 192, 174))  # fmt: skip


BUILT: dict[str, Callable[[Sheet, np.random.Generator], None]] = {
    "a city at night": night_city,
    "a living room": living_room,
    "a kitchen": kitchen,
}
