"""The paper's columns of one item, each defined here and nowhere else (docs/evaluation.md)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from taue import metrics
from taue.arrays import Bytes, Region
from taue.evaluation.lpips import Lpips

BESIDE = (3, 8)
"""Pixels from an outline, on either side, with which its sharpness is compared."""

GREY = 0.5
"""What both pictures show outside the region when LPIPS compares them: the middle of the range."""


def foreground_region(alpha: NDArray[np.floating]) -> Region:
    """Where the foreground certainly is [H, W]: alpha above 0.9."""
    return metrics.inside(alpha)


def background_region(alpha: NDArray[np.floating]) -> Region:
    """Where it certainly is not: outside alpha above 0, grown by one latent cell (8 pixels)."""
    return metrics.outside([alpha])


def region_psnr(layer: Bytes, composite: Bytes, region: Region) -> float | None:
    """In dB, of the region's pixels alone; infinite if they are equal, None without any."""
    return metrics.psnr(layer, composite, region)


def region_ssim(layer: Bytes, composite: Bytes, region: Region) -> float | None:
    """The mean of the whole pictures' map in the region; None without any."""
    return metrics.ssim(layer, composite, region)


def lpips(network: Lpips, layer: Bytes, composite: Bytes, region: Region) -> float | None:
    """The mean of the map in the region, of pictures that are grey outside it; None without any."""
    if not region.any():
        return None
    one, other = (
        np.where(region[..., None], picture.astype(np.float32) / 255, np.float32(GREY))
        for picture in (layer, composite)
    )
    return float(network.distances(one, other)[region].mean())


def edge(picture: Bytes, alpha: NDArray[np.floating]) -> float | None:
    """How much of the change around the mask's outline is on it: 1 if the object's edge is sharp
    and there, one half if there is no more change than beside it; None without an outline.

    The mean gradient within a pixel of the outline, as a share of the sum of that and of the mean
    between ``BESIDE`` pixels from it.
    """
    solid = alpha > 0.5
    if not solid.any() or solid.all():
        return None
    inner, outer = (np.asarray(ndimage.distance_transform_edt(side)) for side in (solid, ~solid))
    away = np.where(solid, inner, outer)
    values = picture.astype(np.float32)
    down, across = (np.asarray(ndimage.sobel(values, axis=axis)) for axis in (0, 1))
    rise = np.hypot(down, across).max(axis=-1)
    near, far = BESIDE
    on, beside = rise[away <= 1], rise[(away >= near) & (away <= far)]
    if not beside.size:
        return None
    total = float(on.mean() + beside.mean())
    return float(on.mean()) / total if total else 0.5


def similarity(one: NDArray[np.floating], other: NDArray[np.floating]) -> float:
    """The cosine of two embeddings, not scaled: CLIP-I and CLIP-S with CLIP's, ``sim_judge`` with
    the judge's."""
    first, second = one.astype(np.float64), other.astype(np.float64)
    length = float(np.linalg.norm(first) * np.linalg.norm(second))
    return float(first @ second) / length if length else 0.0
