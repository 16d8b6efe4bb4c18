"""Regions of a picture compared: shares, overlaps, left-over key colour, light and shadow.

Regions are bool [H, W]; pictures uint8 [H, W, 3]. Figures are None where a region is empty.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from taue.arrays import Bytes, Region
from taue.colour import across, along

CLOSE = 40.0
"""Colours within this Euclidean distance (0..255 a channel) are one colour to the eye here."""

PAINTED = 0.5
"""A pixel that is at least so much key colour, mixed into what the background has there, counts."""

RING = 0.05
"""How far around an object left-over key colour is looked for, in shorter sides of the picture."""


def iou(one: Region, other: Region) -> float | None:
    """Intersection over union, 0..1."""
    union = np.count_nonzero(one | other)
    return np.count_nonzero(one & other) / union if union else None


def share(part: Region, of: Region) -> float | None:
    """The fraction of ``of`` that ``part`` covers."""
    total = np.count_nonzero(of)
    return np.count_nonzero(part & of) / total if total else None


def key_colour(foreground: Bytes, alpha: Region) -> NDArray[np.float64]:
    """The key colour as painted, RGB in 0..255: the median colour away from the object.

    The whole picture's median if the object leaves nothing.
    """
    away = ~ring_around(alpha, RING) & ~alpha
    colours = foreground[away] if away.any() else foreground.reshape(-1, 3)
    return np.median(colours.astype(np.float64), axis=0)


def ring_around(region: Region, width: float) -> Region:
    """Pixels outside a region within ``width`` shorter sides of it; empty around nothing."""
    if not region.any():
        return np.zeros_like(region)
    distance = ndimage.distance_transform_edt(~region)
    assert isinstance(distance, np.ndarray)
    return (distance > 0) & (distance <= max(2.0, width * min(region.shape)))


def key_inside(subject: Bytes, alpha: Region, key: NDArray[np.float64]) -> float | None:
    """The fraction of the cut-out's opaque pixels that have the key colour."""
    return share(_distance(subject, key) < CLOSE, alpha)


def key_around(
    composite: Bytes, background: Bytes, alpha: Region, key: NDArray[np.float64]
) -> float | None:
    r"""Pixels just outside the object that are painted with the key colour, per object pixel.

    A pixel counts if it is :math:`B + p (K - B)` with p over one half, up to a small rest, and the
    background B itself is another colour than the key K.
    """
    if not alpha.any():
        return None
    behind = background.astype(np.float64)
    shows = composite.astype(np.float64)
    mixed = along(shows, behind, key, least=1)
    rest = across(shows, behind, key, mixed)
    told = np.linalg.norm(key - behind, axis=-1) > 2 * CLOSE
    painted = (mixed > PAINTED) & (rest < CLOSE) & told
    ring = ring_around(alpha, RING)
    return np.count_nonzero(painted & ring) / np.count_nonzero(alpha)


def light(foreground: Bytes, composite: Bytes, alpha: Region) -> NDArray[np.float64] | None:
    """By how much the scene multiplies each channel of the object, medians [3].

    Dark pixels say nothing about a factor and are left out.
    """
    bright = alpha & (foreground.min(axis=-1) > CLOSE)
    if np.count_nonzero(bright) < 16:
        return None
    ratio = composite[bright].astype(np.float64) / foreground[bright]
    return np.median(ratio, axis=0)


def shadow(composite: Bytes, background: Bytes, alpha: Region) -> float | None:
    """How much darker the scene is under the object's foot than the background there, 0..1."""
    if not alpha.any():
        return None
    height, width = alpha.shape
    rows, columns = np.flatnonzero(alpha.any(axis=1)), np.flatnonzero(alpha.any(axis=0))
    reach = max(2, round(RING * min(height, width)))
    foot = np.zeros_like(alpha)
    foot[rows[-1] - reach // 2 : rows[-1] + reach + 1, columns[0] : columns[-1] + 1] = True
    foot &= ~alpha
    if np.count_nonzero(foot) < 16:
        return None
    before, after = (float(picture[foot].mean()) for picture in (background, composite))
    return max(0.0, 1 - after / max(before, 1.0))


def _distance(picture: Bytes, colour: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.linalg.norm(picture.astype(np.float64) - colour, axis=-1)
