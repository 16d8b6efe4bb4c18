r"""Closed-form matting (Levin, Lischinski and Weiss 2008) on the unknown band alone.

pymatting has the same, behind a compiler that takes 42 s of a core at the first import and 210 MB.
On a band a few pixels wide numpy and a sparse direct solver do as well (docs/decisions/0005).
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy import ndimage, sparse
from scipy.sparse.linalg import splu

from taue.arrays import Array
from taue.matte.measures import HARDLY, LEAST, PIXELS, WINDOW
from taue.shapes import Alpha, Mask, Picture

TRUST = LEAST / HARDLY
"""Of the first guess against the Laplacian, whose diagonal is up to 8: next to nothing beside a
tenth of it, and more than what only keeps a system from being singular."""

EPSILON = LEAST * HARDLY
"""Regularisation of the colour line, squared colour: a painted key's noise is about a hundredth."""

LARGE = PIXELS
"""A larger band of unknown pixels is halved in size first."""


def matting_laplacian(picture: Picture, wanted: Mask, epsilon: float) -> sparse.csr_matrix:
    r"""The matting Laplacian of all windows that hold a wanted pixel [H W, H W].

    .. math:: L_{ij} = \sum_{k \ni i, j} \delta_{ij} - \frac{1}{9} \Big(1 + (I_i - \mu_k)^T
              \big(\Sigma_k + \tfrac{\epsilon}{9} E\big)^{-1} (I_j - \mu_k)\Big)

    (Equation 12 of the paper.) Alpha that is linear in the colours of a window costs nothing.

    Args:
        picture: [H, W, 3].
        wanted: bool [H, W].
        epsilon: regularisation of the colour line, squared colour.
    """
    height, width = wanted.shape
    numbers = np.arange(height * width).reshape(height, width)
    count = WINDOW**2
    windows = sliding_window_view(numbers, (WINDOW, WINDOW)).reshape(-1, count)
    windows = windows[wanted.ravel()[windows].any(axis=1)]
    colours = picture.reshape(-1, 3).astype(np.float64)[windows]  # [k, 9, 3]
    centred = colours - colours.mean(axis=1, keepdims=True)
    covariance = centred.transpose(0, 2, 1) @ centred / count
    inverse = np.linalg.inv(covariance + epsilon / count * np.eye(3))
    affinity = (1 + centred @ inverse @ centred.transpose(0, 2, 1)) / count  # [k, 9, 9]
    values = np.eye(count) - affinity
    rows = np.repeat(windows, count, axis=1).ravel()
    columns = np.tile(windows, (1, count)).ravel()
    return sparse.csr_matrix((values.ravel(), (rows, columns)), shape=(numbers.size,) * 2)


def closed_form(
    picture: Picture, guess: Alpha, unknown: Mask, epsilon: float = EPSILON, trust: float = TRUST
) -> Alpha:
    r"""Alpha in the unknown band, where the rest is known [H, W] in [0, 1].

    Minimises :math:`\alpha^T L \alpha + t \sum_i (\alpha_i - a_i)^2` over the unknown pixels.

    Args:
        picture: [H, W, 3].
        guess: a, alpha where it is known and a first guess where it is not [H, W].
        unknown: bool [H, W].
        epsilon: as for :func:`matting_laplacian`.
        trust: t, how much the guess binds; positive, so that the system is never singular.
    """
    alpha = guess.copy()
    if not unknown.any():
        return alpha
    rows = matting_laplacian(picture, unknown, epsilon)[np.flatnonzero(unknown)]
    free, fixed = np.flatnonzero(unknown), np.flatnonzero(~unknown)
    first = guess.ravel().astype(np.float64)
    system = (rows[:, free] + trust * sparse.eye_array(free.size)).tocsc()
    pulled = trust * first[free] - rows[:, fixed] @ first[fixed]
    # The system is symmetric and positive: without a search for pivots its factors stay sparse,
    # which is 30 times as fast where the band is a whole picture.
    factors = splu(
        system,
        permc_spec="MMD_AT_PLUS_A",
        diag_pivot_thresh=0.0,
        options={"SymmetricMode": True},
    )
    alpha[unknown] = factors.solve(pulled).clip(0, 1)
    return alpha


def closed_form_within(picture: Picture, guess: Alpha, unknown: Mask) -> Alpha:
    """:func:`closed_form`, at half the size as often as the band is too large; what follows is at
    the full size again, so that nothing fine is lost [H, W]."""
    if unknown.sum() <= LARGE:
        return closed_form(picture, guess, unknown)
    height, width = unknown.shape
    even = [(0, height % 2), (0, width % 2)]

    def halved(values: Array) -> Array:
        padded = np.pad(values, [*even, *[(0, 0)] * (values.ndim - 2)], mode="edge")
        return padded.reshape(padded.shape[0] // 2, 2, padded.shape[1] // 2, 2, -1).mean((1, 3))

    band = halved(unknown.astype(np.float32))[..., 0] > 0
    small = closed_form_within(halved(picture), halved(guess)[..., 0], band)
    large = np.asarray(ndimage.zoom(small, 2, order=1, grid_mode=True, mode="nearest"))
    return np.where(unknown, large[:height, :width], guess).astype(np.float32)
