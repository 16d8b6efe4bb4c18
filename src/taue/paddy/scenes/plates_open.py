"""Plates under an open sky over water, sand or grass."""

from collections.abc import Callable

import numpy as np

from taue.paddy.scenes.pen import mix, toned
from taue.paddy.scenes.sheet import Sheet
from taue.paddy.scenes.words import RGB

WHITE: RGB = (250, 251, 252)


def _clouds(sheet: Sheet, rng: np.random.Generator, count: int, fill: RGB) -> None:
    """Clouds spread over the upper sky."""
    for i in range(count):
        x = (i + rng.uniform(0.1, 0.9)) / count
        sheet.cloud(x, rng.uniform(0.06, 0.28), rng.uniform(0.2, 0.34), fill)


def sunny_beach(sheet: Sheet, rng: np.random.Generator) -> None:
    """Blue sky with a sun, a turquoise sea, foam and pale sand."""
    sea, shore = rng.uniform(0.42, 0.48), rng.uniform(0.56, 0.6)
    phase = rng.uniform(0, 6)
    sheet.fade(0, sea, (84, 174, 240), (196, 230, 248))
    x, y = rng.uniform(0.1, 0.9), rng.uniform(0.08, 0.2)
    sheet.glow(x, y, rng.uniform(0.06, 0.09), (255, 244, 170), (140, 200, 243))
    _clouds(sheet, rng, int(rng.integers(1, 4)), WHITE)
    sheet.fade(sea, shore + 0.03, (32, 140, 196), (96, 206, 214))
    sheet.rolling(shore - 0.015, 0.012, 1.2, phase, (238, 250, 248))
    sheet.rolling(shore + 0.01, 0.012, 1.2, phase, (214, 186, 132))
    sheet.rolling(shore + 0.035, 0.012, 1.2, phase, (240, 218, 164))
    sheet.rolling(rng.uniform(0.8, 0.88), 0.02, 0.8, phase + 2, (234, 208, 150))
    for _ in range(int(rng.integers(4, 9))):
        sheet.ellipse(rng.uniform(0, 1), rng.uniform(0.7, 0.98), 0.012, 0.007, (212, 184, 130))


def sunset_beach(sheet: Sheet, rng: np.random.Generator) -> None:
    """A sun that sinks into the sea below a violet and orange sky, over dusky sand."""
    sea, shore = rng.uniform(0.43, 0.49), rng.uniform(0.57, 0.605)
    phase, x = rng.uniform(0, 6), rng.uniform(0.15, 0.85)
    sheet.fade(0, sea * 0.6, (96, 62, 138), (226, 104, 98))
    sheet.fade(sea * 0.6, sea, (226, 104, 98), (254, 178, 88))
    radius = rng.uniform(0.1, 0.15)
    sheet.glow(x, sea - 0.02, radius, (255, 226, 128), (246, 156, 92))
    for _ in range(int(rng.integers(2, 5))):
        cx, cy, half = rng.uniform(0, 1), rng.uniform(0.08, 0.3), rng.uniform(0.1, 0.2)
        sheet.box(cx - half, cy, cx + half, cy + 0.025, (184, 84, 112), 0.0125)
    sheet.fade(sea, shore + 0.03, (206, 108, 98), (128, 72, 112))
    for i in range(4):
        half, y = 0.1 - 0.015 * i, sea + 0.012 + 0.028 * i
        sheet.box(x - half, y, x + half, y + 0.013, (255, 208, 120), 0.006)
    sheet.rolling(shore, 0.012, 1.1, phase, (232, 168, 140))
    sheet.rolling(shore + 0.022, 0.012, 1.1, phase, (164, 104, 84))
    sheet.rolling(rng.uniform(0.78, 0.88), 0.02, 0.8, phase + 2, (148, 92, 78))


def meadow(sheet: Sheet, rng: np.random.Generator) -> None:
    """Rolling bright grass with small flowers below a clear sky."""
    far, near = rng.uniform(0.45, 0.5), rng.uniform(0.54, 0.59)
    sheet.fade(0, 0.6, (104, 180, 242), (214, 236, 250))
    _clouds(sheet, rng, int(rng.integers(2, 4)), WHITE)
    sheet.rolling(far, 0.035, rng.uniform(0.8, 1.4), rng.uniform(0, 6), (150, 204, 112))
    sheet.rolling(near, 0.02, rng.uniform(0.6, 1.1), rng.uniform(0, 6), (122, 188, 82))
    sheet.rolling(rng.uniform(0.76, 0.84), 0.025, 0.9, rng.uniform(0, 6), (106, 174, 70))
    petals: tuple[RGB, ...] = ((252, 246, 168), (250, 210, 226), (252, 252, 250))
    for _ in range(int(rng.integers(14, 26))):
        x, y = rng.uniform(0, 1), rng.uniform(0.64, 0.99)
        sheet.disc(x, y, 0.005 + 0.008 * y, petals[int(rng.integers(3))])


def desert(sheet: Sheet, rng: np.random.Generator) -> None:
    """Ochre dunes, flat-topped rocks far away and a hot pale sky."""
    horizon = rng.uniform(0.47, 0.54)
    sheet.fade(0, horizon + 0.05, (118, 188, 222), (250, 228, 184))
    x = rng.uniform(0.1, 0.9)
    sheet.glow(x, rng.uniform(0.1, 0.2), rng.uniform(0.06, 0.09), (255, 250, 220), (170, 206, 214))
    for _ in range(int(rng.integers(1, 4))):
        cx, half = rng.uniform(0.05, 0.95), rng.uniform(0.06, 0.14)
        top = horizon - rng.uniform(0.08, 0.18)
        rock = mix((186, 104, 72), (206, 134, 96), rng.uniform(0, 1))
        foot = horizon + 0.06
        sheet.polygon([(cx - half, top), (cx + half, top), (cx + 1.3 * half, foot),
                       (cx - 1.3 * half, foot)], rock)  # fmt: skip
        sheet.box(cx - half, top + 0.03, cx + half, top + 0.05, toned(rock, 0.88))
    tones: tuple[RGB, ...] = ((234, 192, 120), (226, 178, 104), (216, 166, 92), (206, 154, 82))
    for i, tone in enumerate(tones):
        y = horizon + 0.03 + 0.14 * i
        sheet.rolling(y, 0.022, rng.uniform(0.6, 1.1), rng.uniform(0, 6), tone)


def ocean(sheet: Sheet, rng: np.random.Generator) -> None:
    """Open water with rows of waves below a bright sky."""
    horizon = rng.uniform(0.46, 0.58)
    sheet.fade(0, horizon, (128, 198, 244), (228, 242, 250))
    _clouds(sheet, rng, int(rng.integers(2, 4)), WHITE)
    sheet.fade(horizon, 1, (44, 124, 188), (14, 66, 128))
    y = horizon + 0.04
    while y < 1:
        tone = mix((84, 160, 212), (40, 104, 168), (y - horizon) / (1 - horizon))
        length = 0.05 + 0.12 * (y - horizon)
        for _ in range(3):
            x = rng.uniform(-0.05, 1.0)
            sheet.line([(x, y), (x + length, y - 0.012), (x + 2 * length, y)], 0.014, tone)
        y += 0.055 + 0.07 * (y - horizon)


OPEN: dict[str, Callable[[Sheet, np.random.Generator], None]] = {
    "a sunny beach": sunny_beach,
    "a beach at sunset": sunset_beach,
    "a green meadow": meadow,
    "a desert": desert,
    "the ocean": ocean,
}
