"""Key colours as they are painted, and the one on which what a composite shows is cut out best."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from taue.arrays import Array, Region
from taue.shown import certainly

NEAREST = 0.05
"""The share of an object's pixels that may be nearer to the key than its distance says."""

FEWEST = 50
"""With fewer certain pixels all of the region counts."""

KEYS: dict[str, tuple[float, float, float]] = {
    "magenta": (1.0, 0.0, 1.0),
    "green": (0.0, 1.0, 0.0),
    "blue": (0.0, 0.0, 1.0),
}
"""Key colours as they are painted, RGB in [0, 1]."""

AUTOMATIC = ("magenta", "green")
"""Opposite colours: whatever is near one of them is far from the other."""


def key_rgb(key: str) -> tuple[float, float, float]:
    """A key colour as it is painted, RGB in [0, 1]: a name of ``KEYS``, or as "#ff00ff"."""
    if key in KEYS:
        return KEYS[key]
    red, green, blue = bytes.fromhex(key.removeprefix("#"))
    return red / 255, green / 255, blue / 255


def best_key(composite: Array, region: Region, keys: Sequence[str] = AUTOMATIC) -> str:
    """The key colour that is farthest from what the composite shows of an object.

    Args:
        composite: [H, W, 3] in [0, 1].
        region: where the object is, bool [H, W].
        keys: names of ``KEYS`` to choose from; the first if the region is empty.
    """
    inner = certainly(region)
    colours = composite[inner if inner.sum() >= FEWEST else region]
    if not len(colours):
        return keys[0]

    def distance(key: str) -> float:
        return float(np.quantile(np.linalg.norm(colours - KEYS[key], axis=-1), NEAREST))

    return max(keys, key=distance)
