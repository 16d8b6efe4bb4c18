r"""What subjects and the ground beneath them must look like for their mixture to be given.

At a pixel :math:`C = T U + \sum_j v_j s_j` with :math:`v_j = \alpha_j \prod_{k>j} (1 - \alpha_k)`
and :math:`T = \prod_j (1 - \alpha_j)`: one equation, many unknowns. Each unknown has a guess; the
equation is met by the least change of the guesses.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def shares(alphas: Floats) -> tuple[Floats, Floats]:
    r"""How much of a pixel each layer shows: :math:`v` [n, ...] and :math:`T` [...].

    Args:
        alphas: [n, ...] in [0, 1], from the lowest layer to the highest.
    """
    # What shines through a layer itself and all above it.
    clear: Floats = np.cumprod((1 - alphas)[::-1], axis=0, dtype=np.float32)[::-1]
    above: Floats = np.concatenate([clear[1:], np.ones_like(clear[:1])])
    return alphas * above, clear[0]


def least_change(guesses: Floats, weights: Floats, target: Floats) -> Floats:
    r"""The colours nearest to the guesses (least squares) whose mixture is the target.

    .. math:: x = g + \frac{w}{\sum w^2} \left(C - \sum w g\right)

    Where that leaves [0, 255], all colours of the pixel are pulled towards the target, channel by
    channel, as far as necessary: :math:`C + \lambda (x - C)` keeps the mixture, as weights sum to
    one.

    Args:
        guesses: [n, pixels, 3] in [0, 255].
        weights: [n, pixels], at least 0, that sum to 1.
        target: [pixels, 3] in [0, 255].

    Returns:
        [n, pixels, 3] in [0, 255].
    """
    weights = weights[..., None]
    missing = target - (weights * guesses).sum(axis=0)
    colours = guesses + weights / np.square(weights).sum(axis=0) * missing
    apart = colours - target
    room = np.where(apart > 0, 255 - target, target)
    pull = np.divide(room, np.abs(apart), out=np.ones_like(apart), where=np.abs(apart) > room)
    return np.clip(target + np.where(weights > 0, pull, 1).min(axis=0) * apart, 0, 255)
