"""The key that is left in an object's colours, taken out.

A decoder blurs hair, and what lies in narrow gaps, into a veil of key and object, which then passes
for an object's own colour. Where purer colours are about, it is seen for what it is.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import ndimage

from taue.arrays import Array
from taue.colour import BLACK, across, along, hue, unmixed
from taue.matte.measures import (
    BESIDE,
    BOUND,
    FULL,
    HARDLY,
    LEAST,
    NEARLY,
    NOISE,
    OPAQUE,
    SHADED,
    SIDE,
    SPOILED,
    TOLD,
    UNVEILED,
    VEILED,
    WINDOW,
)
from taue.matte.pure import Pure, pure_colours, purest, squared_distances
from taue.matte.trimap import narrowed, widened
from taue.ramp import falling
from taue.shapes import Alpha, Mask, Picture


def despilled(
    picture: Picture, key: Picture, colour: Picture, alpha: Alpha, clear: Mask, edge: int, side: int
) -> tuple[Picture, Alpha]:
    """Colour [H, W, 3] and alpha [H, W] without the veil of key: first along the rays from the
    key, then in pockets. For blurred pictures: a sharp one has no veils. What counts as blurred is
    so for the size of its canvas, and with it the veils are wider on a larger one.

    Args:
        picture: I, key: K, colour: F as found so far, each [H, W, 3].
        alpha: as found so far [H, W].
        clear: where there is only key, bool [H, W].
        edge: pixels over which an edge may be soft.
        side: the canvas's larger side, pixels.
    """
    near = ((alpha - NEARLY) / (OPAQUE - NEARLY)).clip(0, 1)
    alpha = np.minimum(alpha + (1 - OPAQUE) * near, 1)
    smooth = ndimage.uniform_filter(picture, WINDOW, axes=(0, 1))
    wide = round(UNVEILED * edge)
    pure = pure_colours(smooth, key, alpha, 2, wide)
    if not len(pure.places):
        return colour, alpha
    colour, alpha = unveiled(smooth, key, colour, alpha, clear, pure, edge, side)
    pure = pure_colours(smooth, key, alpha, wide, wide)
    if not len(pure.places):
        return colour, alpha
    return drained(key, colour, alpha, pure, edge, side)


def unveiled(
    smooth: Picture,
    key: Picture,
    colour: Picture,
    alpha: Alpha,
    clear: Mask,
    pure: Pure,
    edge: int,
    side: int,
) -> tuple[Picture, Alpha]:
    r"""Colour and alpha, where F is a mixture :math:`K + t (P - K)` of the key and a pure colour P.

    With :math:`t < 1` the colour goes over to P, and alpha takes t (less a share that is opaque
    still), so that the two explain the pixel as before.
    """
    soft = alpha < 1
    where = (alpha > 0) & (soft | widened(clear, round(VEILED * edge)))
    raw = smooth - key

    def lines(places: Array) -> Array:
        return purest(pure, places, raw[tuple(places.astype(int).T)], side)

    line = sought(lines, where, side)
    found = along(colour, key, key + line, HARDLY)
    mixture = where * mixed(colour, key, key + line, found)
    veil = (1 - found / FULL).clip(0, 1) * mixture
    spoiled = np.where(
        soft, SPOILED * (1 - found), 3 * np.maximum(1 - found / FULL, NEARLY - found)
    )
    share = (spoiled.clip(0, 1) * mixture)[..., None]
    pushed = colour * (1 - share) + (key + line) * share
    return pushed.astype(np.float32), (alpha * (1 - veil)).astype(np.float32)


def mixed(colour: Picture, key: Picture, pure: Array, share: Array) -> Array:
    """How well a mixture of key and pure colour explains a colour, and its shade does not [H, W]
    in [0, 1].

    Args:
        colour: F, key: K, pure: P, each [H, W, 3].
        share: t, where F lies on the line from K (0) to P (1) [H, W].
    """
    off = across(colour, key, pure, share)
    sine = (off - NOISE) / np.maximum(np.linalg.norm(colour - key, axis=-1), LEAST)
    off_shade = across(colour, BLACK, pure, along(colour, BLACK, pure, LEAST))
    ratio = off / np.maximum(off_shade, LEAST)
    return falling(sine, BESIDE) * falling(ratio, SHADED)


def drained(
    key: Picture, colour: Picture, alpha: Alpha, pure: Pure, edge: int, side: int
) -> tuple[Picture, Alpha]:
    r"""Colour and alpha without key in soft pockets, the gaps that the opaque area closes over.

    There several colours mix with the key, and no ray leads to one of them. But F may hold no more
    of the key's hue than the pure colours around: with a share :math:`\beta` too much of it,

    .. math:: F = (1 - \beta) F' + \beta K, \qquad \alpha' = (1 - \beta) \alpha

    which explains the pixel as before.
    """
    painted = hue(key.mean(axis=(0, 1)))
    pocket = (alpha > 0) & (alpha < 1) & narrowed(widened(alpha > OPAQUE, edge), edge)
    if np.linalg.norm(painted) < HARDLY or not pocket.any():
        return colour, alpha
    painted = painted / np.linalg.norm(painted)
    width, deviations = BOUND
    keyed = pure.colours @ painted

    def bounds(places: Array) -> Array:
        apart = squared_distances(places, pure.places)
        weight = np.exp((apart.min(axis=1, keepdims=True) - apart) / (2 * (width * side) ** 2))
        weight /= weight.sum(axis=1, keepdims=True)
        mean = weight @ keyed
        spread = np.sqrt(np.maximum(weight @ np.square(keyed) - np.square(mean), 0))
        return (mean + deviations * spread)[:, None]

    bound = sought(bounds, pocket, side)[..., 0]
    excess = (colour @ painted - bound) / np.maximum(key @ painted - bound, TOLD)
    beta = np.where(pocket, excess.clip(0, NEARLY), 0)
    return unmixed(colour, key, beta).astype(np.float32), (alpha * (1 - beta)).astype(np.float32)


def sought(values: Callable[[Array], Array], where: Mask, side: int) -> Array:
    """``values`` of places [m, 2] (giving [m, c]) where they are wanted, about ``SIDE`` to a
    side, each standing for its surroundings; elsewhere 0 [H, W, c]."""
    step = max(1, round(side / SIDE))
    height, width = where.shape
    wanted = widened(where, step - 1)[step // 2 :: step, step // 2 :: step]
    found = values((np.argwhere(wanted) * step + step // 2).astype(np.float32))
    grid = np.zeros((*wanted.shape, found.shape[1]), np.float32)
    grid[wanted] = found
    rows = np.minimum(np.arange(height) // step, wanted.shape[0] - 1)
    columns = np.minimum(np.arange(width) // step, wanted.shape[1] - 1)
    return grid[rows][:, columns] * where[..., None]
