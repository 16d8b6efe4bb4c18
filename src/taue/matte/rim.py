"""The last pixels of an object in a blurred picture: no specks beyond it, and colours of its own.

Beside an edge a decoder ripples: faint spots of alpha a little off the object, single pixels that
differ from all their neighbours, and an outline darker, paler or of another hue than the object is.
All of it is seen as soon as the layer lies on another ground.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import ndimage

from taue.arrays import Array
from taue.matte.measures import (
    BEND,
    DEEP,
    HANGING,
    INVISIBLE,
    LEAST,
    NOTHING,
    PIXEL,
    RIPPLE,
    SMALLEST,
    SOLID,
    STEEP,
    WINDOW,
)
from taue.matte.trimap import largest
from taue.ramp import falling
from taue.shapes import Alpha, Mask, Picture
from taue.straight import from_nearest


def settled(colour: Picture, alpha: Alpha, edge: int) -> tuple[Picture, Alpha]:
    """Colour [H, W, 3] and alpha [H, W] in [0, 1] of a blurred picture with a clean rim.

    Args:
        colour: the object's own as found so far, straight.
        alpha: as found so far.
        edge: pixels over which an edge may be soft.
    """
    crisp = without_specks(1 - falling(alpha, (NOTHING, 1)), edge)
    alpha = (alpha + steepness(alpha, edge) * (crisp - alpha)).astype(np.float32)
    return own_rim(colour, alpha, edge), alpha


def steepness(alpha: Alpha, edge: int) -> Array:
    """How far the object's edge nearest to each place is steep, as ``STEEP`` says [H, W] in
    [0, 1]."""
    slope = ndimage.gaussian_gradient_magnitude(alpha, PIXEL * edge) * edge
    steep = 1 - falling(largest(slope, edge), STEEP)
    solid = alpha >= SOLID
    return from_nearest(steep, solid) if solid.any() else steep


def without_specks(alpha: Alpha, edge: int) -> Array:
    """Alpha [H, W] that fades off the object, and none of parts too small to be any."""
    every = np.ones((WINDOW, WINDOW), bool)
    object_ = np.asarray(
        ndimage.binary_propagation(alpha >= SOLID, mask=alpha >= HANGING, structure=every), bool
    )
    labelled: Any = ndimage.label(object_, every)
    parts, count = labelled
    if count > 1:
        sizes = np.bincount(parts.ravel())
        sizes[0] = 0
        object_ = (sizes >= min(SMALLEST * edge**2, sizes.max()))[parts]
    if not object_.any():
        return alpha
    away = np.asarray(ndimage.distance_transform_edt(~object_)) / edge
    return (alpha * falling(away, RIPPLE)).astype(np.float32)


def own_rim(colour: Picture, alpha: Alpha, edge: int) -> Array:
    """Colours [H, W, 3] that go on from inside over the rim, the nearer to the outline the more."""
    depth = np.asarray(ndimage.distance_transform_edt(alpha >= SOLID), np.float32)
    deep = max(1.0, DEEP * edge)
    source = inner(alpha, depth, deep)
    if not source.any():
        return colour
    mean = nearby_mean(colour, source, BEND * edge)
    share = falling(depth, (deep / 2, deep)) * ~source
    return (colour + share[..., None] * (mean - colour)).astype(np.float32)


def nearby_mean(colour: Picture, source: Mask, sigma: float) -> Array:
    """Means of a source's colours [H, W, 3], weighted by nearness (standard deviation in pixels);
    far from all of it the nearest of them."""
    weight = ndimage.gaussian_filter(source.astype(np.float32), sigma)
    mean = ndimage.gaussian_filter(np.where(source[..., None], colour, 0), (sigma, sigma, 0))
    return from_nearest(mean / np.maximum(weight, LEAST)[..., None], weight > INVISIBLE)


def inner(alpha: Alpha, depth: Array, deep: float) -> Mask:
    """Pixels whose colours are the object's own, bool [H, W]: those so deep, and in thin parts the
    deepest."""
    size = 2 * round(deep) + 1
    ridge = (depth > 0) & (depth >= ndimage.maximum_filter(depth, size))
    return np.asarray((depth >= deep) | ridge, bool) & (alpha >= SOLID)
