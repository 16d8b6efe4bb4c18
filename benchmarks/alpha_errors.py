"""Errors of alpha after Rhemann et al. 2009 (the measures of alphamatting.com), and of colour."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from taue.arrays import Array

SIGMA = 1.4
"""Of the Gaussian derivatives, pixels."""

STEP = 0.1
"""Between the thresholds of the connectivity error."""

SLIGHT = 0.15
"""Departures from connectivity below this are not seen."""


def errors(found: Array, true: Array) -> dict[str, float]:
    """SAD (pixels), MSE, gradient and connectivity error of alpha [H, W] in [0, 1]."""
    return {
        "sad": float(np.abs(found - true).sum()),
        "mse": float(np.square(found - true).mean()),
        "gradient": gradient_error(found, true),
        "connectivity": connectivity_error(found, true),
    }


def gradient_error(found: Array, true: Array) -> float:
    r""":math:`\sum (\lVert\nabla\alpha\rVert - \lVert\nabla\alpha^*\rVert)^2`."""
    slopes = (ndimage.gaussian_gradient_magnitude(a.astype(float), SIGMA) for a in (found, true))
    return float(np.square(next(slopes) - next(slopes)).sum())


def connectivity_error(found: Array, true: Array) -> float:
    r""":math:`\sum |\varphi(\alpha) - \varphi(\alpha^*)|`, where
    :math:`\varphi = 1 - d [d \ge 0.15]` and d is how far alpha lies above the highest threshold
    at which the pixel still hangs on to the source, the largest part that is opaque in both.
    """
    level = connected_level(found, true)
    return float(np.abs(_phi(found - level) - _phi(true - level)).sum())


def connected_level(found: Array, true: Array) -> Array:
    """The highest of the thresholds 0, 0.1, ... 1 at which a pixel hangs on to the source, where
    a pixel is there if it reaches the threshold in both [H, W]."""
    least = np.minimum(found, true)
    level = np.zeros(found.shape)
    for threshold in np.arange(STEP, 1 + STEP / 2, STEP):
        parts = np.empty(found.shape, np.int32)
        ndimage.label(least >= threshold - 1e-6, output=parts)
        if not parts.any():
            break
        largest = 1 + int(np.bincount(parts.ravel())[1:].argmax())
        level[parts == largest] = threshold
    return level


def _phi(above: Array) -> Array:
    return 1 - above * (above >= SLIGHT)


def colour_error(found: Array, true: Array, alpha: Array) -> float:
    """Mean absolute difference of colour where the true alpha [H, W] is between 0 and 1."""
    edge = (alpha > 0) & (alpha < 1)
    return float(np.abs(found - true)[edge].mean())
