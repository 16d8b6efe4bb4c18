"""Colours on the line between two others: what a mixture of them, or a shade, looks like."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Colours = NDArray[Any]
"""[..., 3] on any scale, or one colour [3]."""

BLACK = np.zeros(3, np.float32)
"""Where the line of a colour's shades begins."""


def along(colours: Colours, start: Colours, end: Colours, least: float) -> NDArray[Any]:
    r"""Where on the line from S to E a colour C is nearest, 0 at S and 1 at E, not bounded [...].

    .. math:: t = \frac{(C - S) \cdot (E - S)}{\lVert E - S \rVert^2}

    Args:
        least: a line shorter than this counts as so long: noise is not to be divided by nothing.
    """
    line = end - start
    length = np.maximum(np.square(line).sum(axis=-1), least**2)
    return ((colours - start) * line).sum(axis=-1) / length


def across(colours: Colours, start: Colours, end: Colours, share: NDArray[Any]) -> NDArray[Any]:
    r"""How far colours are from the line's place t: :math:`\lVert C - S - t (E - S) \rVert` [...].

    Args:
        share: t [...], as :func:`along` gives it, bounded or not.
    """
    return np.linalg.norm(colours - start - share[..., None] * (end - start), axis=-1)
