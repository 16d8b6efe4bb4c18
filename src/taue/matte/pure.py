"""Pure colours of an object, into which nothing of the key is mixed."""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt

import numpy as np

from taue.arrays import Array
from taue.matte.measures import ALIKE, LEAST, OPAQUE, PURITY, SHARE, SOFT
from taue.matte.trimap import narrowed
from taue.shapes import Alpha, Picture

SAMPLES = 900
"""Pixels looked at; their number bounds time and memory."""

FEWEST = isqrt(SAMPLES)
"""With fewer pixels that deep in the object, shallower ones will do. The root of so many samples is
how many of them tell something, as with nearest neighbours."""

CHUNK = 4_000
"""Mixtures looked at at once, each beside every sample: this bounds memory."""


@dataclass(frozen=True)
class Pure:
    """Pure pixels: their places [n, 2] and offsets from the key there [n, 3], with the colours
    themselves [n, 3]."""

    places: Array
    offsets: Array
    colours: Array


def pure_colours(smooth: Picture, key: Picture, alpha: Alpha, depth: int, wide: int) -> Pure:
    """What is opaque, ``depth`` pixels or more from what is not, and no mixture of the key with
    another such colour, however far off: a wheel's rim tells what its hub is mixed of. Empty if
    nothing is opaque.

    A veil is narrow: what is ``wide`` pixels from all that is not opaque is pure, whatever its
    colour. On magenta a brown trunk looks like a mixture of the key with the green leaves above it.

    Args:
        smooth: the picture without its noise, key: K, each [H, W, 3].
        alpha: [H, W].
        depth, wide: pixels, at least 1.
    """
    opaque = alpha > OPAQUE
    inner = narrowed(opaque, depth)
    for shallower in (narrowed(opaque, 1), opaque):
        inner = inner if inner.sum() >= FEWEST else shallower
    places = np.argwhere(inner)
    places = np.random.default_rng(0).permutation(places)[:SAMPLES]
    colours = smooth[tuple(places.T)]
    offsets = (colours - key[tuple(places.T)]).astype(np.float32)
    unit = directions(offsets)
    lengths = np.linalg.norm(offsets, axis=-1)
    cosine = unit @ unit.T
    nearer = cosine * lengths[:, None] < SHARE * lengths
    squares = np.maximum(np.square(colours).sum(axis=-1), LEAST)
    off_shade = squares[:, None] - np.square(colours @ colours.T) / squares
    off_shade = np.sqrt(np.maximum(off_shade, 0))
    off_mixture = np.sqrt(np.maximum(1 - np.square(cosine), 0)) * lengths[:, None]
    mixed = nearer & (cosine > 0) & (off_mixture < off_shade / 2)
    kept = (mixed.sum(axis=1) <= 1) | narrowed(opaque, wide)[tuple(places.T)]
    return Pure(places[kept].astype(np.float32), offsets[kept], colours[kept])


def purest(pure: Pure, places: Array, offsets: Array, side: int) -> Array:
    """The pure colour, as an offset from the key, that a mixture is most likely made of [m, 3].

    The mean of all, weighted by nearness, by how little the directions from the key differ, and by
    purity: of all colours on one ray from the key the farthest counts.

    Args:
        places: [m, 2] of the mixtures, offsets: theirs from the key [m, 3].
        side: the canvas's larger side, pixels.
    """
    unit, lengths = directions(pure.offsets), np.linalg.norm(pure.offsets, axis=-1)
    rays = directions(offsets)
    # Of |a - b|^2 what depends on a alone is the same for every colour, and falls out of a mean.
    reach = np.sqrt(2) * SOFT * side
    middle = pure.places.mean(axis=0)
    near, here = (pure.places - middle) / reach, 2 * (places - middle) / reach
    likely = PURITY * np.log(np.maximum(lengths, LEAST)) - np.square(near).sum(axis=-1)
    found = np.empty((len(places), 3), np.float32)
    for start in range(0, len(places), CHUNK):
        now = slice(start, start + CHUNK)
        # In place, for these are most of what cutting out costs.
        weight = rays[now] @ unit.T
        np.square(np.clip(weight, 0, 1, out=weight), out=weight)
        weight /= 2 * ALIKE**2
        weight += here[now] @ near.T
        weight += likely
        weight -= weight.max(axis=1, keepdims=True)
        np.exp(weight, out=weight)
        found[now] = weight @ pure.offsets / weight.sum(axis=1, keepdims=True)
    return found


def directions(offsets: Array) -> Array:
    """Unit vectors [n, 3]; what is next to nothing stays so."""
    return offsets / np.maximum(np.linalg.norm(offsets, axis=-1, keepdims=True), LEAST)


def squared_distances(first: Array, second: Array) -> Array:
    """Between places [m, 2] and [n, 2], [m, n]."""
    rows = first[:, :1] - second[:, 0]
    columns = first[:, 1:] - second[:, 1]
    return rows * rows + columns * columns
