"""Effects that are shadow: what subjects take from the background's light, smoothly.

Only what a smooth darkening of the background explains is taken: a cloud that the model drew
elsewhere, or a window, is nobody's effect. Brightening is not taken: beside an object it is hardly
ever light, but a piece of background that came out another time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from taue.stack.mixing import Floats
from taue.stack.model import Bytes
from taue.straight import from_nearest

LUMA = np.array([0.299, 0.587, 0.114], np.float32)

FLOOR = 8 / 255
"""Added to both lights before they are compared: in the dark a ratio says nothing."""

SMOOTHING = 0.01
"""Standard deviation of the smoothing, in shorter sides."""

SKIN = 0.004
"""Shorter sides around an alpha that may still show the subject itself: a decoder's blur."""

REACH = (0.08, 0.16)
"""Shorter sides from a subject over which its shadow fades to nothing."""

TOUCH = 0.016
"""Shorter sides from a subject within which a shadow must begin."""

UNDER = 0.024
"""Shorter sides by which a shadow goes on beneath the subject's edge."""

SHADOW = (0.03, 0.1)
"""Darkening over which a decoder's unrest becomes a shadow."""

BROAD = 0.01
"""Half the least width of a shadow, in shorter sides: what is narrower runs along an edge that came
out a little elsewhere."""

VISIBLE = 0.04
"""Alpha from which on a pixel may show the subject."""


def shade(picture: Floats, background: Floats, alpha: Floats) -> Floats:
    """How much of the background's light an object takes, [H, W] in [0, 1].

    Zero away from the object, and wherever the darkening does not touch it. Under the object it
    goes on a little way, as contact shadows do.

    Args:
        picture: what shows the object and its shadow, background: what shows neither, each
            [H, W, 3] in [0, 1].
        alpha: of the object [H, W] in [0, 1].
    """
    side = min(alpha.shape)
    visible = alpha > VISIBLE
    if not visible.any() or visible.all():
        return np.zeros_like(alpha, dtype=np.float32)
    dark = _darkening(picture, background, ~_grown(visible, SKIN * side), SMOOTHING * side)
    low, high = SHADOW
    dark = dark * ((dark - low) / (high - low)).clip(0, 1)
    dark = dark * _broad((dark > low) & ~visible, side)
    parts = np.empty(alpha.shape, np.int32)
    ndimage.label(dark > 0, output=parts)
    touching = np.unique(parts[_grown(visible, TOUCH * side)])
    kept = np.isin(parts, touching[touching > 0])
    away: Any = ndimage.distance_transform_edt(~visible)
    depth: Any = ndimage.distance_transform_edt(visible)
    begins, ends = (share * side for share in REACH)
    fade = ((ends - away) / (ends - begins)).clip(0, 1)
    under = (1 - depth / (UNDER * side)).clip(0, 1)
    return (dark * kept * fade * under).astype(np.float32)


def shaded(background: Floats, darkness: Floats) -> Floats:
    """The background [H, W, 3] with its light taken as [H, W] says."""
    return background * (1 - darkness[..., None])


def shared(darkness: Floats, alphas: Sequence[Floats]) -> list[Floats]:
    r"""Darkness divided among subjects without a seam, so that laid over each other the parts are
    the whole: :math:`1 - d = \prod_j (1 - d)^{w_j}`, weights falling with the distance.

    Args:
        darkness: d [H, W] in [0, 1].
        alphas: of the subjects [H, W] in [0, 1]; at least one.
    """
    away = np.stack([_away(alpha) for alpha in alphas])
    weights = np.exp((away.min(axis=0) - away) / (4 * SMOOTHING * min(darkness.shape)))
    weights /= weights.sum(axis=0)
    clear = (1 - darkness).clip(0, 1)
    return [(1 - clear**weight).astype(np.float32) for weight in weights]


def as_layer(darkness: Floats) -> Bytes:
    """The darkness [H, W] as RGBA [H, W, 4]: black with alpha, which normal mode and ``multiply``
    show alike."""
    pixels = np.zeros((*darkness.shape, 4), np.uint8)
    pixels[..., 3] = (darkness * 255).round()
    return pixels


def _darkening(picture: Floats, background: Floats, free: NDArray[Any], sigma: float) -> Floats:
    """1 minus the ratio of the two lights where it is ``free``, smoothed and gone on with beyond,
    [H, W] in [0, 1]."""
    change = 1 - (picture @ LUMA + FLOOR) / (background @ LUMA + FLOOR)
    weight = _blurred(free.astype(np.float32), sigma)
    total = _blurred(np.where(free, change, 0).astype(np.float32), sigma)
    known = weight > 1e-2
    if not known.any():
        return np.zeros_like(weight)
    smooth = from_nearest(total / np.maximum(weight, 1e-2), known)
    return smooth.clip(0, 1).astype(np.float32)


def _broad(region: NDArray[np.bool_], side: int) -> Floats:
    """1 where a region is broad, falling softly to 0 where it is a line along an edge [H, W]."""
    iterations = max(1, round(BROAD * side))
    opened = np.asarray(ndimage.binary_opening(region, iterations=iterations), bool)
    return _blurred(_grown(opened, UNDER * side).astype(np.float32), SMOOTHING * side)


def _blurred(values: Floats, sigma: float) -> Floats:
    return np.asarray(ndimage.gaussian_filter(values, sigma), np.float32)


def _grown(region: NDArray[np.bool_], pixels: float) -> NDArray[np.bool_]:
    return np.asarray(ndimage.binary_dilation(region, iterations=max(1, round(pixels))), bool)


def _away(alpha: Floats) -> Floats:
    """Distance to what may show a subject [H, W]; farther than anything if nothing does."""
    visible = alpha > VISIBLE
    if not visible.any():
        return np.full(alpha.shape, sum(alpha.shape), np.float32)
    return np.asarray(ndimage.distance_transform_edt(~visible), np.float32)
