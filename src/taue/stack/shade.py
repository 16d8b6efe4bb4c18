"""Effects that are shadow: what subjects take from the background's light, smoothly.

Only what a smooth darkening of the background explains is taken, and of that one shadow for each
subject: a cloud that the model drew elsewhere, or a window, is nobody's effect. Brightening is not
taken: beside an object it is hardly ever light, but a piece of background that came out another
time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from taue.arrays import Bytes
from taue.coarse import coarse, fine
from taue.colour import luma
from taue.ramp import falling
from taue.shown import distance_to, unexplained
from taue.stack.mixing import Floats
from taue.stack.smooth import blurred, explained
from taue.straight import from_nearest

FLOOR = 8 / 255
"""Added to both lights before they are compared: in the dark a ratio says nothing."""

SMOOTHING = (0.014, 0.01, 0.008, 0.008)
"""Standard deviations of the smoothing, in shorter sides, from one fit to the next."""

STRAY = 0.12
"""A darkening that differs so much from the smooth one around it counts for a quarter."""

REDRAWN = 0.1
"""What a pixel counts that is no shade of the background: a waterline that came out elsewhere."""

SOFT = 0.01
"""Standard deviation of what softens a boundary, in shorter sides."""

SKIN = 0.004
"""Shorter sides around an alpha that may still show the subject itself: a decoder's blur."""

REACH = (0.08, 0.16)
"""Shorter sides from a subject over which its shadow fades to nothing."""

TOUCH = 0.016
"""Shorter sides from a subject within which a shadow must begin."""

UNDER = 0.024
"""Shorter sides beneath the subject's edge within which the parts of a shadow are one."""

SHADOW = (0.02, 0.04)
"""Darkening over which a decoder's unrest becomes a shadow."""

BROAD = 0.007
"""Half the least width of a shadow, in shorter sides: what is narrower runs along an edge that came
out a little elsewhere."""

VISIBLE = 0.1
"""Alpha from which on a pixel may show the subject."""

FAINT = 0.01
"""Darkening up to which two parts are not one."""

CALM = (2.0, 0.08)
"""A part must be so many times as dark as the brightest that comes out within so many shorter
sides: what was redrawn is brighter here and darker there."""

OVERALL = 0.6
"""... and so many times as dark as the brightest that comes out around any subject."""

LEVEL = 0.25
"""Subject heights up and down within which the parts of one shadow lie, on the one ground. A
part that climbs along the subject fades from half of it above where it is darkest."""

LEAST = 0.04
"""Light that a shadow takes where it takes most, at least: in outer space all else is unrest."""

PART = (0.3, 0.05)
"""Least darkness and least weight of a part, as shares of the main part's."""

SMOOTHED = 1.1
"""So many times as dark as its smooth fit a shadow is: so the layers laid over each other come
nearest to the healed picture."""

FOOT = 0.7
"""Subject heights from its top down to where a shadow is darkest at least; above, it is a
redrawing."""


def shade(picture: Floats, background: Floats, alphas: Sequence[Floats]) -> Floats:
    """How much of the background's light the subjects take, [H, W] in [0, 1].

    Of each subject it is one shadow: the weightiest dark part that touches it at its foot, and
    parts on a level with that; laid smoothly (:func:`taue.stack.smooth.explained`), beneath the
    subject too, so that whoever moves the subject finds no hole.

    Args:
        picture: what shows the subjects and their shadows, background: what shows neither, each
            [H, W, 3] in [0, 1].
        alphas: of the subjects [H, W] in [0, 1]; at least one.
    """
    found = _shade(coarse(picture), coarse(background), [coarse(alpha) for alpha in alphas])
    return fine(found, background.shape)


def _shade(picture: Floats, background: Floats, alphas: Sequence[Floats]) -> Floats:
    """The same on the grid that they have."""
    bodies = [alpha > VISIBLE for alpha in alphas]
    visible, side = np.any(bodies, axis=0), min(background.shape[:2])
    if not visible.any() or visible.all():
        return np.zeros(visible.shape, np.float32)
    change = _darkening(picture, background, ~_grown(visible, SKIN * side))
    away: Any = ndimage.distance_transform_edt(~visible)
    depth: Any = ndimage.distance_transform_edt(visible)
    fade = falling(away / side, REACH)
    low, high = SHADOW
    dark = change.clip(0, 1) * ((change - low) / (high - low)).clip(0, 1)
    dark *= _broad((dark > low) & ~visible, side) * fade
    dark *= (1 - depth / (UNDER * side)).clip(0, 1)
    outside = np.where(visible, 0, dark)
    unrest = _unrest(np.where(visible, 0, -change).clip(0, 1) * fade, side)
    labels = np.empty(visible.shape, np.int32)
    ndimage.label(dark > FAINT, output=labels)
    ground = luma(background)
    kept = [_shadow(outside, ground, unrest, labels, body) for body in bodies]
    return explained((SMOOTHED * outside * np.max(kept, axis=0)).clip(max=1), visible)


def shaded(background: Floats, darkness: Floats) -> Floats:
    """The background [H, W, 3] with its light taken as [H, W] says."""
    return background * (1 - darkness[..., None])


def shared(darkness: Floats, alphas: Sequence[Floats]) -> list[Floats]:
    r"""Darkness divided among subjects without a seam, so that laid over each other the parts are
    the whole: :math:`1 - d = \prod_j (1 - d)^{w_j}`, weights falling with the distance.

    Args:
        darkness: d [H, W] in [0, 1].
        alphas: of the subjects [H, W] in [0, 1]; at least one.
    """
    # Where nothing of a subject is seen, it is farther than anything.
    away = np.stack([distance_to(a > VISIBLE).clip(max=sum(darkness.shape)) for a in alphas])
    weights = np.exp((away.min(axis=0) - away) / (4 * SOFT * min(darkness.shape)))
    weights /= weights.sum(axis=0)
    clear = (1 - darkness).clip(0, 1)
    return [(1 - clear**weight).astype(np.float32) for weight in weights]


def as_layer(darkness: Floats) -> Bytes:
    """The darkness [H, W] as RGBA [H, W, 4]: black with alpha, which normal mode and ``multiply``
    show alike."""
    pixels = np.zeros((*darkness.shape, 4), np.uint8)
    pixels[..., 3] = (darkness * 255).round()
    return pixels


def _darkening(picture: Floats, background: Floats, free: NDArray[np.bool_]) -> Floats:
    """1 minus the ratio of the two lights where it is ``free``, negative where the picture is
    brighter, as a robust smooth fit; gone on with beyond [H, W]."""
    side = min(free.shape)
    change = 1 - (luma(picture) + FLOOR) / (luma(background) + FLOOR)
    change = np.where(free, change, 0).astype(np.float32)
    trust = free * np.where(unexplained(picture, background), REDRAWN, 1)
    weight, smooth = trust, change
    for sigma in SMOOTHING:
        total = blurred(weight.astype(np.float32), sigma * side)
        known = total > 1e-3
        if not known.any():
            return np.zeros_like(change)
        mean = blurred((weight * change).astype(np.float32), sigma * side)
        smooth = from_nearest(mean / np.maximum(total, 1e-3), known)
        weight = trust / (1 + np.square((change - smooth) / STRAY)) ** 2
    return smooth.clip(-1, 1).astype(np.float32)


def _unrest(bright: Floats, side: int) -> Floats:
    """How much brighter the picture comes out nearby than the background [H, W]."""
    opened = ndimage.grey_opening(bright, size=2 * max(1, round(0.01 * side)) + 1)
    size = 2 * round(CALM[1] * side) + 1
    return np.asarray(ndimage.maximum_filter(opened, size=size), np.float32)


def _shadow(
    dark: Floats,
    light: Floats,
    unrest: Floats,
    labels: NDArray[np.int32],
    body: NDArray[np.bool_],
) -> Floats:
    """How much of the darkness [H, W] is one subject's shadow, of the parts that are labelled from
    1 on: 1 in its parts, and less where they climb."""
    parts = np.arange(1, labels.max() + 1)
    if not (body.any() and len(parts)):
        return np.zeros(body.shape, np.float32)
    side = min(body.shape)
    rows = np.flatnonzero(body.any(axis=1))
    touching = np.isin(parts, np.unique(labels[_grown(body, TOUCH * side) & (dark > 0)]))
    darkest = np.asarray(ndimage.maximum(dark, labels, parts))
    weight = np.asarray(ndimage.sum(dark, labels, parts)).clip(1e-6)
    down = (np.arange(len(body), dtype=np.float32) - rows[0]) / max(1, rows[-1] - rows[0])
    down = np.broadcast_to(down[:, None], body.shape)
    height = np.asarray(ndimage.sum(dark * down, labels, parts)) / weight
    # Where it is dark above all, for a part may go on up along the subject.
    deep = dark**3
    foot = np.asarray(ndimage.sum(deep * down, labels, parts))
    foot /= np.asarray(ndimage.sum(deep, labels, parts)).clip(1e-9)
    calm = darkest >= CALM[0] * np.asarray(ndimage.sum(dark * unrest, labels, parts)) / weight
    seen = np.asarray(ndimage.maximum(dark * light, labels, parts)) >= LEAST
    sure = touching & calm & seen & (foot >= FOOT) & (darkest >= OVERALL * unrest.max())
    if not sure.any():
        return np.zeros(body.shape, np.float32)
    main = int(np.argmax(sure * weight))
    level = np.abs(height - height[main]) <= LEVEL
    enough = (darkest >= PART[0] * darkest[main]) & (weight >= PART[1] * weight[main])
    climbed = (2 * (foot[main] - down) / LEVEL - 1).clip(0, 1)
    return (np.isin(labels, parts[sure & level & enough]) * (1 - climbed)).astype(np.float32)


def _broad(region: NDArray[np.bool_], side: int) -> Floats:
    """1 where a region is broad, falling softly to 0 where it is a line along an edge [H, W]."""
    iterations = max(1, round(BROAD * side))
    opened = np.asarray(ndimage.binary_opening(region, iterations=iterations), bool)
    return blurred(_grown(opened, UNDER * side).astype(np.float32), SOFT * side)


def _grown(region: NDArray[np.bool_], pixels: float) -> NDArray[np.bool_]:
    return np.asarray(ndimage.binary_dilation(region, iterations=max(1, round(pixels))), bool)
