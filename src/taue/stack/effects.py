"""The effects: what the composite shows and neither the background nor the subjects explain."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from taue.arrays import Bytes
from taue.stack.mixing import Floats
from taue.stack.model import Layer

TOLERANCE = 1.0
"""Levels of 255 by which a mixture may miss its target before it is rounded. A reader that is less
than a level off the exact mixture (by rounding after each layer, say) then shows a picture that is
one level off at most."""


SMOOTHING = 0.01
"""Standard deviation, in shorter sides of the picture, with which darkening is looked for."""


def least_effects(target: Floats, under: Bytes) -> Bytes:
    r"""Effects RGBA [..., 4] of the smallest alpha that turn ``under`` into ``target``.

    A colour :math:`e \in [0, 255]^3` with :math:`\lvert (1 - \alpha) b + \alpha e - t \rvert \leq`
    ``TOLERANCE`` exists from :math:`\alpha = \max_c (\lvert t_c - b_c \rvert - 1) / r_c` on, where
    the room :math:`r_c` is :math:`255 - b_c` upwards and :math:`b_c` downwards. Alpha is rounded
    up to 8 bits, and is 0 where the background itself is near enough.

    Args:
        target: what is to be seen, float [..., 3] in [0, 255].
        under: the background, uint8 [..., 3].
    """
    base = under.astype(np.float32)
    change = target - base
    room = np.where(change > 0, 255 - base, base)
    excess = np.maximum(np.abs(change) - TOLERANCE, 0)
    least = np.divide(excess, room, out=np.zeros_like(excess), where=excess > 0).max(axis=-1)
    alpha = np.ceil(least * 255 - np.float32(1e-3)).clip(0, 255)[..., None]
    colour = base + np.divide(255 * change, alpha, out=np.zeros_like(change), where=alpha > 0)
    colour = np.where(alpha > 0, colour.clip(0, 255).round(), 0)
    return np.concatenate([colour, alpha], axis=-1).astype(np.uint8)


def nearest_subject(alphas: Sequence[Bytes]) -> NDArray[np.intp]:
    """The index of the subject that is nearest to each pixel [H, W]; the upper one of equals.

    Distance is to where a subject's alpha (uint8 [H, W]) is at least half its own largest.
    """
    nearest = np.zeros(alphas[0].shape, np.intp)
    if len(alphas) == 1:
        return nearest
    shortest = np.full(alphas[0].shape, np.inf, np.float32)
    for index, alpha in enumerate(alphas):
        if not alpha.any():
            continue
        outside = alpha < max(1, int(alpha.max()) // 2)
        distance = np.asarray(ndimage.distance_transform_edt(outside), dtype=np.float32)
        nearer = distance <= shortest
        nearest[nearer], shortest[nearer] = index, distance[nearer]
    return nearest


def coverage(layers: Sequence[Layer]) -> float:
    """The effects' mean alpha over the canvas, summed over the layers; in [0, 1] where these have
    no pixel in common."""
    effects = [layer.pixels[..., 3] for layer in layers if layer.role == "effects"]
    return float(sum(alpha.mean() for alpha in effects) / 255)


def darkened(layers: Sequence[Layer], share: float = 0.1) -> NDArray[np.bool_]:
    """Where effects take away more than ``share`` of the background's light [H, W].

    Light is the sum of the channels as they are stored. Both pictures are smoothed before they are
    compared, by ``SMOOTHING`` of the shorter side: shadows are larger than a decoder's noise.
    """
    background = next(layer.pixels[..., :3] for layer in layers if layer.role == "background")
    light = background.sum(axis=-1, dtype=np.float32)
    changed = light.copy()
    for layer in layers:
        if layer.role == "effects":
            alpha = layer.pixels[..., 3] / np.float32(255)
            changed += (layer.pixels[..., :3].sum(axis=-1, dtype=np.float32) - changed) * alpha
    sigma = SMOOTHING * min(light.shape)
    before, after = (ndimage.gaussian_filter(picture, sigma) for picture in (light, changed))
    return np.asarray(after < (1 - share) * before)
