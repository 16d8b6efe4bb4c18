"""Colours: their light, their hue, and the line between two of them, on which mixtures lie."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Colours = NDArray[Any]
"""[..., 3] on any scale, or one colour [3]."""

BLACK = np.zeros(3, np.float32)
"""Where the line of a colour's shades begins."""

LUMA = (0.299, 0.587, 0.114)
"""What each channel has of a colour's light, as eyes see it (BT.601)."""

OPPONENTS = (
    np.array([1, -2, 1], np.float32) / np.float32(6**0.5),
    np.array([1, 0, -1], np.float32) / np.float32(2**0.5),
)
"""Hues [3]: green to magenta, on which the automatic keys lie, and blue to yellow; orthonormal,
and grey has nothing of either."""


def luma(colours: Colours) -> NDArray[Any]:
    """How light colours are to the eye, on their own scale [...]."""
    return colours @ np.asarray(LUMA, colours.dtype)


def hue(colour: Colours) -> NDArray[Any]:
    """What makes colours [..., 3] no greys: their channels around their mean."""
    return colour - colour.mean(axis=-1, keepdims=True)


def chroma(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Cb and Cr of BT.601 [H, W, 2] around 0, in 1/255, of a picture uint8 [H, W, 3]."""
    values = np.asarray(Image.fromarray(np.ascontiguousarray(picture)).convert("YCbCr"))
    return values[..., 1:].astype(np.float32) - 128


def unmixed(colours: Colours, other: Colours, share: NDArray[Any]) -> NDArray[Any]:
    r"""What a mixture is without another colour's share of it, 0 to below 1 [...], within [0, 1].

    .. math:: F' = \frac{F - \beta K}{1 - \beta}, \qquad F = (1 - \beta) F' + \beta K
    """
    share = share[..., None]
    return ((colours - share * other) / (1 - share)).clip(0, 1)


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
