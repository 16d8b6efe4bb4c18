"""How far apart two sets of pictures are, by the judge's features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg


@dataclass(frozen=True)
class Frechet:
    """A distance, and how many pictures it rests on: with few it is too large."""

    distance: float
    first: int
    second: int


def frechet_distance(first: NDArray[np.floating], second: NDArray[np.floating]) -> Frechet:
    r"""Distance of two normal distributions with the samples' means and covariances.

    .. math:: |\mu_1 - \mu_2|^2 + tr(C_1 + C_2 - 2 (C_1 C_2)^{1/2})

    As FID (arXiv 1706.08500), on the judge's features instead of Inception's, so figures are
    comparable only among those of one judge.

    Args:
        first, second: features [N, D] and [M, D], at least two each.

    Raises:
        ValueError: if there are fewer, or D differs.
    """
    if first.ndim != 2 or second.ndim != 2 or first.shape[1] != second.shape[1]:
        raise ValueError(f"features {first.shape} and {second.shape} are not [N, D] and [M, D]")
    if len(first) < 2 or len(second) < 2:
        raise ValueError(f"{len(first)} and {len(second)} pictures are too few; give two at least")
    one, other = first.astype(np.float64), second.astype(np.float64)
    apart = one.mean(axis=0) - other.mean(axis=0)
    c1, c2 = (np.atleast_2d(np.cov(x, rowvar=False)) for x in (one, other))
    # The trace of the root is the sum of the roots of the eigenvalues, which are real and >= 0.
    values = linalg.eigvals(c1 @ c2)
    root = np.sqrt(np.clip(values.real, 0, None)).sum()
    distance = float(apart @ apart + np.trace(c1) + np.trace(c2) - 2 * root)
    return Frechet(max(0.0, distance), len(first), len(second))
