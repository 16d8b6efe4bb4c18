"""The key colour as painted: not flat, so a low polynomial over the canvas, fitted robustly."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from taue.matte.measures import LEAST, PIXELS, STEPS
from taue.shapes import Mask, Picture

FEWEST = 64
"""With fewer pixels outside the object, the canvas's border is the key."""

SHRINKAGE = LEAST
"""Ridge on every term but the constant, per sample: keeps the extrapolation below the object tame
where the outside is on one side of it only."""


def painted_key(picture: Picture, outside: Mask) -> Picture:
    r"""The key colour :math:`K(x, y)` [H, W, 3]: quadratic in x and y, by channel.

    Iteratively reweighted least squares with Tukey's biweight, begun at the median colour: what
    is no key (a part of the object that the mask missed) soon weighs nothing.

    Args:
        picture: [H, W, 3] in [0, 1].
        outside: bool [H, W], where no object is; the border of the canvas if next to empty.
    """
    where = outside if outside.sum() >= FEWEST else border_pixels(outside.shape)
    places = np.flatnonzero(where)
    places = places[:: len(places) // PIXELS + 1]
    terms = basis(*where.shape)
    sampled = terms.reshape(-1, terms.shape[-1])[places]
    colours = picture.reshape(-1, 3)[places].astype(np.float64)
    ridge = SHRINKAGE * len(places) * np.diag([0.0] + [1.0] * (terms.shape[-1] - 1))
    fitted = np.zeros((terms.shape[-1], 3))
    fitted[0] = np.median(colours, axis=0)
    for _ in range(STEPS):
        weights = biweight(np.linalg.norm(colours - sampled @ fitted, axis=1))
        weighted = sampled * weights[:, None]
        fitted = np.linalg.solve(weighted.T @ sampled + ridge, weighted.T @ colours)
    return (terms @ fitted).clip(0, 1).astype(np.float32)


def basis(height: int, width: int) -> NDArray[np.float64]:
    """1, x, y, x^2, xy, y^2 over the canvas, x and y in [-1, 1] [H, W, 6]."""
    y, x = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1)


def biweight(residuals: NDArray[np.float64]) -> NDArray[np.float64]:
    """Tukey's biweight in [0, 1]: 1 at 0, 0 from six median residuals on (Cleveland 1979)."""
    reach = max(6 * float(np.median(residuals)), LEAST)
    return np.square(np.clip(1 - np.square(residuals / reach), 0, 1))


def border_pixels(shape: tuple[int, ...], width: int = 4) -> Mask:
    """The outermost pixels of a canvas, bool [H, W]."""
    ring = np.ones(shape, bool)
    ring[width:-width, width:-width] = False
    return ring
