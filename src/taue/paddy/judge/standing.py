"""Whether an object is part of its scene: lit as the scene is, and standing on something."""

from __future__ import annotations

import numpy as np

from taue.paddy.judge.regions import Pixels, Region, light, shadow
from taue.paddy.scenes import BACKGROUNDS

COLOURED = 0.1
"""Light that takes away less of every channel than this cannot be told from none."""

HIGH = 0.62
"""A foot above this fraction of the canvas, from the top, is above the ground of any background."""

DARKER = 0.06
"""Shade that takes away less than this is none."""


def unlit(foreground: Pixels, composite: Pixels, visible: Region, background: str | None) -> bool:
    """Whether the composite's object has the foreground's neutral light though the scene's differs.

    False where it cannot be told: hardly coloured light, dark objects, no known background.
    """
    if background is None:
        return False
    scene = np.array(BACKGROUNDS[background].ambient)
    measured = light(foreground, composite, visible)
    if measured is None or (1 - scene).max() < COLOURED:
        return False
    to_neutral, to_scene = (np.abs(measured - other).mean() for other in (1.0, scene))
    return bool(to_neutral < to_scene / 2)


def floats(composite: Pixels, background: Pixels, visible: Region, where: str | None) -> bool:
    """Whether the object hangs in the air over a ground, and no shadow lies beneath it."""
    if where is None or not BACKGROUNDS[where].ground or not visible.any():
        return False
    foot = (np.flatnonzero(visible.any(axis=1))[-1] + 1) / visible.shape[0]
    shade = shadow(composite, background, visible)
    return bool(foot < HIGH and shade is not None and shade < DARKER)
