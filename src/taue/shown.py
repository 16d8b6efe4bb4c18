"""What a composite shows of each subject: where.

The composite redraws its subjects once they are released: larger, in another light, with a leaf
that the foreground's key swallowed. What it shows of them is what nothing of the background
explains.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from taue.arrays import Array, Region
from taue.coarse import SIDE, coarse, coarse_region, fine, fine_region
from taue.colour import BLACK, across, along, luma
from taue.extent import extent

UNEXPLAINED = 30 / 255
"""Distance of a colour from the background's shades from which on it is another thing ..."""

DIM = 0.03
"""A background darker than this counts as so bright where shades of it are looked for."""

DARKEST = 0.45
"""... and the share of the background's light below which it is too dark for a shadow."""

REACH = 24
"""Pixels by which a composite may outgrow a foreground."""

CORE = 2
"""Pixels inside a foreground's alpha from which what the composite shows of it hangs on."""

CERTAIN = 3
"""Pixels inside a region whose colours are the object's alone."""

BLENDED, BESIDE = 4, 8
"""Pixels around a subject within which a composite shows it in place of what is behind it, for it
may have come out larger; and within which that may have some of its colours."""

NEARER = 3
"""So many times nearer to the background than to the object, the composite shows no object."""

MIXED = 3
"""A colour that is less than so many times as far from a shade of the background as from the
object's own is a mixture of the two."""

ALIKE = 1.3
"""So many times more alike to what lies beyond than to its core, a part is no object ..."""

IN_GAPS = 0.8
"""... and in gaps of the foreground, where an object seldom grows, already so many times."""

GAP = 14
"""Pixels that a gap of a foreground is wide at most."""

EMPTY = 0.1
"""Alpha below which a foreground shows its key and nothing else."""

FARTHEST = 2.0
"""More than the distance of any two colours."""

SPARSE = 2
"""Pixels from one colour to the next that others are compared with."""


def shown(composite: Array, background: Array, alphas: Sequence[Array]) -> list[Region]:
    """Where the composite shows each subject, bool [H, W] each.

    That is a subject's own alpha, where no later subject is in front of it or next to what it shows
    of it, for that one may have come out larger; and what hangs on to it and is explained by no
    shade of the background. A pixel that several could claim goes to the one whose alpha is
    nearest.

    Args:
        composite, background: [H, W, 3] in [0, 1].
        alphas: of the foregrounds as cut out [H, W] in [0, 1], later ones in front.
    """
    width = scaled(1, composite)
    strange = unexplained(composite, background)
    other = np.asarray(ndimage.binary_opening(strange, iterations=width), bool)
    solids = [alpha > 0.5 for alpha in alphas]
    distances = [distance_to(solid) for solid in solids]
    # Of equals the one in front, which is the last.
    owner = len(solids) - 1 - np.argmin(distances[::-1], axis=0)
    found: list[Region] = []
    for i, solid in enumerate(solids):
        hidden = behind_others(solids, i)
        visible = solid & ~hidden
        near = distances[i] <= scaled(REACH, composite)
        claimed = visible | (other & near & (owner == i) & ~hidden)
        core = ndimage.binary_erosion(visible, iterations=scaled(CORE, composite))
        seed = core if core.any() else visible
        hanging: Any = ndimage.binary_propagation(seed, mask=claimed)
        found.append(np.asarray(hanging, bool) | visible)
    return found


def in_front(solids: Sequence[Region], number: int) -> Region:
    """Where a subject's later ones are, bool [H, W]; ``number`` from 0."""
    return np.any([np.zeros_like(solids[0]), *solids[number + 1 :]], axis=0)


def behind_others(solids: Sequence[Region], number: int) -> Region:
    """Where later subjects are or may have come out, bool [H, W]; ``number`` from 0."""
    away = _to_front(solids, number)
    return away <= BLENDED * min(away.shape) / SIDE


def clear_of_front(region: Region, solids: Sequence[Region], number: int) -> Region:
    """What of a region [H, W] of a subject is not beside a later one; all of it if nothing is."""
    left = region & (_to_front(solids, number) > BESIDE * min(region.shape) / SIDE)
    return left if left.any() else region


def _to_front(solids: Sequence[Region], number: int) -> NDArray[np.float32]:
    """How far later subjects are [H, W]; infinite if there are none."""
    return distance_to(in_front(solids, number))


def cleared(
    composite: Array,
    background: Array,
    region: Region,
    alpha: Array,
    colours: Array,
    beyond: Region,
) -> Region:
    """What a composite shows of a subject, as :func:`shown` says, without what is background.

    A hole of the foreground stays one unless the composite shows the subject's own colours there.

    Args:
        composite, background: [H, W, 3] in [0, 1].
        region: what it shows, bool [H, W].
        alpha: the foreground's as cut out [H, W] in [0, 1].
        colours: the foreground's, in the composite's light [H, W, 3].
        beyond: where no subject is.
    """
    draft = alpha > 0.5
    ground = background_instead(composite, background, colours)
    left = without_ground(region, ground)
    core, far = certainly(left & draft), away_from(~beyond)
    if not (core.any() and far.any()):
        return left
    own, other = unlikeness(composite, left & ~core, core, far)
    ground |= (own > ALIKE * other) | (gaps(draft) & (own > IN_GAPS * other))
    ground |= holes(alpha) & (own > UNEXPLAINED)
    left = without_ground(region, ground)
    return left & ~fringe(left, ground)


def gaps(draft: Region) -> Region:
    """Holes, notches and what lies between the legs of a foreground, bool [H, W]."""
    return closed(draft, scaled(GAP / 2, draft)) & ~draft


def fringe(region: Region, ground: Region) -> Region:
    """What is ground within the rim of a region, reached from without, bool [H, W]."""
    outside = ~region
    near = np.asarray(ndimage.distance_transform_edt(region)) <= CERTAIN * min(region.shape) / SIDE
    reached: Any = ndimage.binary_propagation(outside, mask=outside | (ground & near))
    return np.asarray(reached, bool) & region


def holes(alpha: Array) -> Region:
    """Where a foreground encloses its key and nothing else, bool [H, W]."""
    return np.asarray(ndimage.binary_fill_holes(alpha > 0.5), bool) & (alpha < EMPTY)


def closed(region: Region, half: int) -> Region:
    """A region [H, W] with all its gaps that are no wider than twice ``half`` pixels."""
    # Beyond the canvas is no object: closing must not take in what lies along its border.
    wide = np.pad(region, half)
    near = np.asarray(ndimage.distance_transform_edt(~wide)) <= half
    shut = np.asarray(ndimage.distance_transform_edt(near)) > half
    return shut[half:-half, half:-half]


def without_ground(region: Region, ground: Region) -> Region:
    """A region [H, W] without what is ground, and without what then hangs on by a line or a spot;
    all of it if nothing would be left."""
    width = scaled(1, region)
    left = region & ~np.asarray(ndimage.binary_opening(ground, iterations=width), bool)
    broad = np.asarray(ndimage.binary_opening(left, iterations=width), bool)
    core = ndimage.binary_erosion(broad, iterations=scaled(CORE, region))
    if not core.any():
        return region
    hanging = ndimage.binary_propagation(core, mask=broad)
    # An opening rounds corners off, and what is within its width of it belongs to it.
    return left & np.asarray(ndimage.binary_dilation(hanging, iterations=width), bool)


def background_instead(composite: Array, background: Array, colours: Array) -> Region:
    """Where the composite has background for a subject's colours, bool [H, W]; all [H, W, 3]."""
    shows, ground, own = box_means(CORE, composite, background, colours)
    off_ground = np.linalg.norm(shows - ground, axis=-1)
    return NEARER * off_ground < np.linalg.norm(shows - own, axis=-1)


def clear_of_shade(region: Region, picture: Array, background: Array, colours: Array) -> Region:
    """What of a region [H, W] of a subject is not beside a place where a picture shows a shade of
    the background, or a mixture with one, and not the subject's colours; all of it if nothing is.

    A shadow at an object's foot, or the night beyond the tip of a star that came out shorter, is
    not far from what a subject might look like there, but nearer to what is behind it.

    Args:
        region: where the subject should be seen, bool [H, W].
        picture, background: [H, W, 3] in [0, 1].
        colours: the subject's, in the picture's light [H, W, 3].
    """
    shows, ground, own = box_means(1, picture, background, colours)
    shade = along(shows, BLACK, ground, DIM).clip(DARKEST, 1)
    off = np.linalg.norm(shows - own, axis=-1)
    rest = across(shows, BLACK, ground, shade)
    # In the dark colours are nearer to each other.
    other = off > UNEXPLAINED * (2 * luma(own)).clip(max=1)
    instead = region & other & (rest < MIXED * off)
    near = ndimage.binary_dilation(instead, iterations=scaled(CERTAIN, picture))
    left = region & ~np.asarray(near, bool)
    return left if left.any() else region


def unlikeness(composite: Array, region: Region, *others: Region) -> list[NDArray[np.float32]]:
    """How far a region's colours are from those of each of the others, the most alike of them
    nearby; 0 where the region is not, infinite where there is none [H, W] each.

    A pixel's colour is compared with the composite's own around it, for a background that is drawn
    again behind the subject is not always the same.

    Args:
        composite: [H, W, 3] in [0, 1].
        region: what to look at.
        others: where the subject is for certain, say, and where it is not.
    """
    (colours,) = box_means(1, coarse(composite))
    small = _telling(region)
    return [
        np.where(region, _fine_or_none(most_alike(colours, coarse_region(one), small), region), 0)
        for one in others
    ]


def _telling(region: Region) -> Region:
    """The coarse pixels [h, w] from between which is told what is in a region [H, W]."""
    small = coarse(region.astype(np.float32)) > 0
    if small.shape == region.shape:
        return region
    return np.asarray(ndimage.binary_dilation(small, np.ones((3, 3), bool)), bool)


def _fine_or_none(distances: Array, region: Region) -> Array:
    """Distances of colours [h, w] on a region's canvas [H, W]; infinite where they are."""
    none = np.isinf(distances)
    found = fine(np.where(none, FARTHEST, distances), region.shape)
    return np.where(fine_region(none, region.shape), np.inf, found).astype(np.float32)


def most_alike(colours: Array, known: Region, region: Region) -> Array:
    """The least distance of colour from a region's pixels to the known ones within ``REACH`` of
    each [H, W]; whatever it is where the region is not."""
    reach, step = scaled(REACH, colours), scaled(SPARSE, colours)
    least = np.full(region.shape, np.inf, colours.dtype)
    if not region.any():
        return least
    # All places of a window around the region at once, shifted, the canvas's border repeated: that
    # is several times as fast as to gather each pixel's own.
    window = extent(region)
    top, left = (side.start for side in window)
    channels = [np.ascontiguousarray(channel) for channel in np.moveaxis(colours, -1, 0)]
    here = [channel[window] for channel in channels]
    height, width = here[0].shape
    planes = [np.pad(channel, reach, mode="edge") for channel in channels]
    there = np.pad(known, reach, mode="edge")
    nearest = least[window]
    apart, squared = np.empty_like(nearest), np.empty_like(nearest)
    for down in range(-reach, reach + 1, step):
        for right in range(-reach, reach + 1, step):
            if down**2 + right**2 > reach**2:
                continue
            y, x = top + reach + down, left + reach + right
            shifted = slice(y, y + height), slice(x, x + width)
            squared.fill(0)
            for plane, own in zip(planes, here, strict=True):
                np.subtract(plane[shifted], own, out=apart)
                squared += np.square(apart, out=apart)
            np.minimum(nearest, squared, out=nearest, where=there[shifted])
    np.sqrt(nearest, out=nearest)
    return least


def unexplained(composite: Array, background: Array) -> Region:
    r"""Where the composite C is no shade of the background B, bool [H, W]: with
    :math:`s = \langle C, B\rangle / \lVert B \rVert^2` at most 1, where
    :math:`\lVert C - s B \rVert` is large or s is too small for a shadow. Both [H, W, 3]."""
    shows, ground = box_means(1, composite, background)
    left = along(shows, BLACK, ground, DIM)
    rest = across(shows, BLACK, ground, left.clip(0, 1))
    changed = np.linalg.norm(shows - ground, axis=-1) > UNEXPLAINED
    return (rest > UNEXPLAINED) | ((left < DARKEST) & changed)


def certainly(region: Region) -> Region:
    """A region [H, W] without its rim of ``CERTAIN`` pixels, the canvas's border included."""
    return np.asarray(ndimage.binary_erosion(region, iterations=scaled(CERTAIN, region)), bool)


def away_from(region: Region) -> Region:
    """What is not next to a region [H, W], for an edge is neither the one nor the other."""
    return ~np.asarray(ndimage.binary_dilation(region, iterations=scaled(CERTAIN, region)), bool)


def box_means(half: float, *pictures: Array) -> list[Array]:
    """Pictures [H, W, C] of one size without their noise: each pixel the mean of those within so
    many at ``SIDE``."""
    size = 2 * scaled(half, pictures[0]) + 1
    return [ndimage.uniform_filter(one, size, axes=(0, 1)) for one in pictures]


def scaled(pixels: float, picture: NDArray[Any]) -> int:
    """A width at ``SIDE`` pixels a side in the picture's own pixels, at least 1."""
    return max(1, round(pixels * min(picture.shape[:2]) / SIDE))


def distance_to(solid: Region) -> NDArray[np.float32]:
    """To the nearest pixel of a region [H, W]; infinite if it is empty."""
    if not solid.any():
        return np.full(solid.shape, np.inf, np.float32)
    return np.asarray(ndimage.distance_transform_edt(~solid), np.float32)
