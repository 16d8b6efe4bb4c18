"""A smooth darkness that explains what is seen of a shadow, around a subject and beneath it.

What a picture shows right beside a subject is its own rim as much as its shadow, and beneath it
nothing is seen at all. So a shadow is taken to be a sum of soft spots, wider than high as shadows
on the ground are, none of them negative: the sum that comes nearest to what is seen for certain has
no outline of the subject in it, and goes on beneath.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from taue.arrays import Region
from taue.ramp import falling
from taue.shown import distance_to
from taue.stack.mixing import Floats

SPOT = (0.011, 0.02)
"""Standard deviations of a spot, down and across, in shorter sides."""

RIM = (0.004, 0.012)
"""Shorter sides from a subject over which what is seen there begins to be shadow alone."""

ABOVE = 0.02
"""What a pixel counts that has the subject beneath it: seldom is it the ground that a shadow lies
on, more often the edge that came out elsewhere."""

BESIDE = (0.14, 0.26)
"""Shorter sides from what is seen to the left to what is seen to the right from which on a shadow
does not go on between them, beneath a subject: a leg does not divide it."""

BELOW = (0.0, 0.03)
"""Shorter sides from what is seen below over which a shadow fades beneath a subject."""

SURMISED = 0.5
"""What a pixel counts of which nothing is seen."""

ROUNDS = 10
"""Of the fit; each brings the sum nearer."""

BEYOND = 0.15
"""Shorter sides around what is seen in which there may be spots."""


def explained(dark: Floats, body: Region) -> Floats:
    r"""The smooth darkness [H, W] for a darkness d that is seen [H, W], both in [0, 1].

    The sum is :math:`G c`, a Gaussian blur of weights :math:`c \ge 0`, and each round takes

    .. math:: c \leftarrow c \; \frac{G (w\, d)}{G (w\, G c)}

    (the image space reconstruction algorithm, Daube-Witherspoon and Muehllehner 1986: least
    squares without negative weights), with w how surely a pixel shows what lies on the ground.
    Where nothing is seen d goes on from the sides and from below, and counts less.

    Args:
        dark: d, 0 within the body.
        body: of all subjects, bool [H, W].
    """
    if not dark.any():
        return dark
    part = _around(dark > 0, BEYOND * min(dark.shape))
    fitted = np.zeros_like(dark)
    fitted[part] = _fitted(dark[part], body[part], min(dark.shape))
    return fitted


def _fitted(dark: Floats, body: Region, side: int) -> Floats:
    away = distance_to(body) / side
    sure = np.where(body, 0, 1 - falling(away, RIM))
    over = np.maximum.accumulate(body[::-1], axis=0)[::-1]
    sure = np.where(over, ABOVE, 1) * sure.astype(np.float32)
    known = sure > SURMISED
    surmised = np.maximum(_beside(dark, known, side), _below(dark, known, side))
    dark = np.where(known, dark, surmised)
    trust = np.where(known, sure, SURMISED).astype(np.float32)

    def spread(values: Floats) -> Floats:
        down, across = SPOT
        return blurred(values, (down * side, across * side))

    seen, weights = spread(trust * dark), dark + 1e-6
    for _ in range(ROUNDS):
        weights = weights * seen / (spread(trust * spread(weights)) + 1e-6)
    return spread(weights).clip(0, 1)


def _beside(dark: Floats, known: Region, side: int) -> Floats:
    """Where a darkness is not known, the line between the nearest in its row that are [H, W]."""
    columns = np.broadcast_to(np.arange(dark.shape[1]), dark.shape)
    none = 2 * dark.shape[1]
    left = np.maximum.accumulate(np.where(known, columns, -none), axis=1)
    right = np.minimum.accumulate(np.where(known, columns, none)[:, ::-1], axis=1)[:, ::-1]
    rows = np.arange(len(dark))[:, None]
    to_left, to_right = columns - left, right - columns
    before = np.where(left >= 0, dark[rows, left.clip(0)], 0)
    after = np.where(right < none, dark[rows, right.clip(max=dark.shape[1] - 1)], 0)
    wide = to_left + to_right
    line = (before * to_right + after * to_left) / np.maximum(wide, 1)
    return (line * falling(wide / side, BESIDE)).astype(np.float32)


def _below(dark: Floats, known: Region, side: int) -> Floats:
    """Where a darkness is not known, the nearest below that is [H, W]."""
    rows = np.broadcast_to(np.arange(len(dark))[:, None], dark.shape)
    below = np.minimum.accumulate(np.where(known, rows, 2 * len(dark))[::-1], axis=0)[::-1]
    found = dark[below.clip(max=len(dark) - 1), np.arange(dark.shape[1])]
    return found * falling((below - rows) / side, BELOW)


def _around(region: Region, pixels: float) -> tuple[slice, slice]:
    """The rectangle of a region, with so many pixels more on each side."""
    more = round(pixels)
    sides = [np.flatnonzero(region.any(axis=axis)) for axis in (1, 0)]
    rows, columns = (slice(max(0, s[0] - more), int(s[-1]) + more + 1) for s in sides)
    return rows, columns


def blurred(values: Floats, sigmas: float | tuple[float, float]) -> Floats:
    """Values [H, W] after a Gaussian blur, its standard deviations down and across in pixels."""
    return np.asarray(ndimage.gaussian_filter(values, sigmas), np.float32)
