"""A subject in the colours that a free composite shows of it: its light broadly, its hues at most.

Grown on a key an object is brighter than at night, the rim of a white cup is pink, and light parts
have the key's complement. The composite has no key, but its object is not quite the same: of its
light what is broad is taken over, and within so many pixels of each place its hues span those that
the object may have there.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from taue.arrays import Array, Region
from taue.coarse import coarse, coarse_region, fine, fine_region
from taue.colour import OPPONENTS, luma
from taue.extent import TRUNCATE, extent
from taue.shown import background_instead, certainly, distance_to, scaled
from taue.stack.mixing import Floats
from taue.straight import from_nearest

BROAD = 0.03
"""Standard deviation of the smoothing of light, in shorter sides."""

WIDE = 0.15
"""The same for a user's own picture."""

FLOOR = 8 / 255
"""Added to colours before they are divided: in the dark a ratio says nothing."""

LIGHT = (0.1, 2.0)
"""Least and most of the light that a user's own picture is multiplied by."""

WITHIN = 6
"""Pixels (at :data:`taue.coarse.SIDE`) within which the scene's hues bound a place's."""

BEYOND = 0.01
"""By so much a hue may leave its bounds."""

OPAQUE = 0.9
"""Alpha above which a pixel is the object's alone."""


def surely(subject: Floats, composite: Array, background: Array, region: Region) -> Region:
    """Where a composite shows a subject and nothing else, bool [H, W].

    Args:
        subject: RGBA [H, W, 4] in [0, 1].
        composite, background: [H, W, 3] in [0, 1].
        region: where the composite shows the subject as :func:`taue.shown.shown` says [H, W].
    """
    sure = region & (subject[..., 3] > OPAQUE)
    sure &= ~background_instead(composite, background, subject[..., :3])
    return certainly(sure)


def scene_lit(subject: Floats, composite: Array, sure: Region, harmony: float) -> Floats:
    """A subject in the scene's light, broadly, as far as ``harmony`` in [0, 1] says; alpha stays.

    Where the scene shows nothing of it nearby it may be of other colours than where it does, which
    what is added to the one would tint: there it is as much lighter or darker as it is elsewhere.

    Args:
        subject: RGBA [H, W, 4] in [0, 1].
        composite: [H, W, 3] in [0, 1].
        sure: see :func:`surely`; on the canvas, or coarse.
    """
    sure = coarse_region(sure)
    if harmony == 0 or not sure.any():
        return subject
    sigma = BROAD * min(sure.shape)
    colours, at, composite = coarse(subject[..., :3]), sure[..., None], coarse(composite)
    weight = _spread(sure.astype(np.float32)[..., None], sure, sigma)[..., 0]
    change = _spread(np.where(at, composite - colours, 0), sure, sigma)
    known = weight > 0.01
    change = from_nearest(change / np.maximum(weight, 1e-3)[..., None], known)
    shows, has = (
        _spread(np.where(at, luma(one)[..., None] + FLOOR, 0), sure, sigma)
        for one in (composite, colours)
    )
    light = from_nearest((shows / np.where(has > 0, has, 1)).clip(*LIGHT), known)
    colours = subject[..., :3]
    change, light, near = (fine(one, colours.shape) for one in (change, light, _near(sure)))
    change = near * change + (1 - near) * colours * (light - 1)
    lit = (colours + np.float32(harmony) * change).clip(0, 1)
    return np.concatenate([lit, subject[..., 3:]], axis=-1).astype(np.float32)


def in_own_hues_beyond(told: Floats, own: Floats, sure: Region) -> Floats:
    """A subject [H, W, 4] as it is told, where a scene shows nothing of it nearby as light as that
    in the hues that it had."""
    near = fine(_near(coarse_region(sure)), own.shape)
    light = (luma(told[..., :3]) + FLOOR) / (luma(own[..., :3]) + FLOOR)
    colours = near * told[..., :3] + (1 - near) * own[..., :3] * light[..., None]
    return np.concatenate([colours.clip(0, 1), told[..., 3:]], axis=-1).astype(np.float32)


def _near(sure: Region) -> Array:
    """1 up to ``WITHIN`` pixels from a region, 0 twice as far from it [H, W, 1]."""
    return (2 - distance_to(sure) / scaled(WITHIN, sure)).clip(0, 1)[..., None]


def _spread(values: Array, where: Region, sigma: float) -> Array:
    """Values [H, W, C] that are 0 but in a region, smoothed: which is 0 but around the region, and
    so is worked out there alone."""
    window = extent(where, int(TRUNCATE * sigma + 0.5))
    spread = np.zeros_like(values)
    spread[window] = ndimage.gaussian_filter(values[window], (sigma, sigma, 0), truncate=TRUNCATE)
    return spread


def broadly_lit(subject: Floats, composite: Array, sure: Region, harmony: float) -> Floats:
    """A user's own picture in the scene's light, as far as ``harmony`` in [0, 1] says: multiplied
    by what changes slowly over all of it, so that it stays what it is; alpha stays.

    The composite draws it otherwise in places, as it has never seen it, so that only averages of
    the two can be compared. Arguments as of :func:`scene_lit`.
    """
    sure = coarse_region(sure)
    if harmony == 0 or not sure.any():
        return subject
    sigma = WIDE * min(sure.shape)
    known = sure[..., None]
    shows, has = (
        ndimage.gaussian_filter(np.where(known, picture + FLOOR, 0), (sigma, sigma, 0))
        for picture in (coarse(composite), coarse(subject[..., :3]))
    )
    near = np.asarray((has > 0).all(axis=-1), bool)
    light = from_nearest((shows / np.where(has > 0, has, 1)).clip(*LIGHT), near)
    light = fine(light, subject.shape)
    colours = subject[..., :3] * (1 + np.float32(harmony) * (light - 1))
    return np.concatenate([colours.clip(0, 1), subject[..., 3:]], axis=-1).astype(np.float32)


def scene_hued(
    subject: Floats, composite: Array, sure: Region, harmony: float, *, keyed: bool = True
) -> Floats:
    """A subject with its hues brought within the scene's, as far as ``harmony`` in [0, 1] says;
    lightness (the mean of the channels) and alpha stay.

    Args:
        subject: RGBA [H, W, 4] in [0, 1].
        composite: [H, W, 3] in [0, 1].
        sure: see :func:`surely`.
        keyed: whether it may have a key's tint everywhere; one that had its hues bounded already
            keeps them where this scene shows nothing of it nearby.
    """
    sure = coarse_region(sure)
    if harmony == 0 or not sure.any():
        return subject
    colours, composite = subject[..., :3], coarse(composite)
    quiet = 0.7 * scaled(1, composite)
    shows = ndimage.gaussian_filter(composite, (quiet, quiet, 0))
    change = np.zeros_like(colours)
    for hue in OPPONENTS:
        least, most = (fine(bound, colours.shape) for bound in _bounds(shows @ hue, sure))
        has = colours @ hue
        held = np.clip(has, least - BEYOND, most + BEYOND)
        change += (held - has)[..., None] * hue
    if not keyed:
        far = distance_to(sure) > scaled(WITHIN, sure)
        change[fine_region(far, colours.shape)] = 0
    colours = (colours + np.float32(harmony) * change).clip(0, 1)
    return np.concatenate([colours, subject[..., 3:]], axis=-1).astype(np.float32)


def _bounds(values: Array, known: Region) -> tuple[Array, Array]:
    """Least and most of the known values around each place [H, W]; where there are none, those of
    the nearest place that has some."""
    within = scaled(WITHIN, values)
    size = 2 * within + 1
    least = ndimage.minimum_filter(np.where(known, values, np.inf), size)
    most = ndimage.maximum_filter(np.where(known, values, -np.inf), size)
    has = np.isfinite(least)
    least, most = (
        ndimage.gaussian_filter(from_nearest(bound, has), within / 2) for bound in (least, most)
    )
    return least, most
