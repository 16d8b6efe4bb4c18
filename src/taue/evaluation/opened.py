"""What a designer sees when a layered file is opened, in figures.

All are fractions unless said otherwise; the judge's mask is where it sees the object.

iou        of the subject's alpha > 0.5 and the judge's mask; 0 if it sees none
left       pixels, of the judge's mask eroded by 2, on which an effects layer has alpha > 0.3: the
           object is in the effects
bites      pixels of the judge's mask eroded by 1 that a closing by 5 and filled holes add to alpha
           > 0.5, of the alpha's own pixels
far        pixels of the canvas, more than 24 from object and alpha, on which composite and
           background differ by more than 12/255, those left out that a smooth darkening explains:
           the background drawn twice
structure  mean of |ratio - its blur| where composite and background differ by more than 12/255, 3
           pixels and more away from the object, in /255; ratio (composite + 8) / (background + 8),
           blur of sigma 2 over pixels away from the object alone
coverage   mean alpha of the effects layers
cutout_db  PSNR of the subject layer's own colours against the composite, weighted by its alpha
rawcut_db  the same of subject-*.png
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from taue.arrays import Region
from taue.colour import luma
from taue.paddy.judge.regions import iou

DARKER = 0.1
"""The share of the ground's light that a shadow takes at least."""

SMOOTHING = 2.0
"""Pixels over which light is compared: shadows are broader than a decoder's unrest."""


def figures(
    composite: NDArray[Any],
    background: NDArray[Any],
    subject: NDArray[Any],
    cut: NDArray[Any],
    effect: NDArray[Any],
    mask: Region,
) -> dict[str, float]:
    """The figures above.

    Args:
        composite, background: [H, W, 3] in 0..255, subject, cut: RGBA [H, W, 4] likewise.
        effect: the effects' largest alpha [H, W] in [0, 1].
        mask: the judge's, bool [H, W].
    """
    shows, behind = composite.astype(float), background.astype(float)
    alpha = subject[..., 3] / 255
    solid = alpha > 0.5
    thing = mask | solid
    closed = ndimage.binary_closing(np.pad(solid, 8), iterations=5)
    closed = np.asarray(ndimage.binary_fill_holes(closed))[8:-8, 8:-8]
    bitten = closed & ~solid & np.asarray(ndimage.binary_erosion(mask), bool)
    away = ~np.asarray(ndimage.binary_dilation(thing, iterations=3), bool)
    changed = (np.abs(shows - behind).max(axis=-1) > 12) & away
    ratio = (shows + 8) / (behind + 8)
    weight = np.maximum(ndimage.gaussian_filter(away.astype(float), 2), 1e-6)[..., None]
    smooth = ndimage.gaussian_filter(ratio * away[..., None], (2, 2, 0)) / weight
    darkened = smooth.clip(0, 1) * (behind + 8) - 8
    explained = np.abs(shows - darkened).max(axis=-1) <= 12
    far = ~np.asarray(ndimage.binary_dilation(thing, iterations=24), bool) & ~explained
    left = (effect > 0.3) & np.asarray(ndimage.binary_erosion(mask, iterations=2), bool)
    return {
        "iou": iou(solid, mask) or 0.0,
        "left": float(left.sum() / max(1, mask.sum())),
        "bites": float(bitten.sum() / max(1, solid.sum())),
        "far": float((changed & far).mean()),
        "structure": float(255 * np.abs(ratio - smooth)[changed].mean()) if changed.any() else 0.0,
        "coverage": float(effect.mean()),
        "cutout_db": weighted_psnr(subject[..., :3], composite, alpha),
        "rawcut_db": weighted_psnr(cut[..., :3], composite, cut[..., 3] / 255),
    }


def weighted_psnr(one: NDArray[Any], other: NDArray[Any], weight: NDArray[np.floating]) -> float:
    """Of two pictures [H, W, 3] in 0..255, weighted by [H, W], in dB; 90 at most."""
    error = ((one.astype(float) - other.astype(float)) / 255) ** 2 * weight[..., None]
    return float(-10 * np.log10(error.sum() / max(3 * weight.sum(), 1e-9) + 1e-9))


def shadow_figures(
    healed: NDArray[Any],
    background: NDArray[Any],
    alpha: NDArray[np.floating],
    effect: NDArray[Any],
) -> dict[str, float | None]:
    """How far the effects are the shadow that the model drew; None where it drew none.

    That is the ground that the healed picture shows darker by ``DARKER`` and that touches the
    object. ``shadow_held`` is the share of it that the effects darken as much, ``shadow_iou`` their
    intersection over union: patches of darkness that hold it by being large fail that.

    Args:
        healed, background: [H, W, 3] in 0..255.
        alpha: the object's, effect: the effects', each [H, W] in [0, 1].
    """
    free = alpha < 0.02
    before, after = (_light(picture, free) for picture in (background, healed))
    dark = (after < (1 - DARKER) * before) & free
    parts = np.empty(dark.shape, np.int32)
    ndimage.label(dark | ~free, output=parts)
    touching = np.unique(parts[~free])
    dark &= np.isin(parts, touching[touching > 0])
    if dark.sum() < 30:
        return {"shadow_held": None, "shadow_iou": None}
    laid = _light(background * (1 - effect)[..., None], free)
    darkened = (laid < (1 - DARKER) * before) & free
    return {
        "shadow_held": float((darkened & dark).sum() / dark.sum()),
        "shadow_iou": iou(darkened, dark),
    }


def pasted(alpha: NDArray[np.floating]) -> NDArray[np.floating]:
    """The control: one and the same soft ellipse under every object, as wide as that [H, W]."""
    rows, columns = np.flatnonzero((alpha > 0.5).any(1)), np.flatnonzero((alpha > 0.5).any(0))
    if not rows.size:
        return np.zeros(alpha.shape)
    y, x = np.indices(alpha.shape)
    half = max(1.0, (columns[-1] - columns[0]) / 2)
    across = (x - (columns[0] + columns[-1]) / 2) / half
    down = (y - rows[-1]) / max(1.0, 0.25 * half)
    return 0.5 * np.exp(-2 * (across**2 + down**2)) * (alpha < 0.5)


def _light(picture: NDArray[Any], free: Region) -> NDArray[np.floating]:
    """A picture's light, smoothed over free pixels alone, so that no object's rim passes for its
    shadow [H, W]."""
    shown = luma(picture.astype(float))
    weight = np.maximum(ndimage.gaussian_filter(free.astype(float), SMOOTHING), 1e-6)
    return np.asarray(ndimage.gaussian_filter(np.where(free, shown, 0), SMOOTHING)) / weight
