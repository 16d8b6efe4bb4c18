"""The paper's columns of one item, each defined here and nowhere else (docs/evaluation.md)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from taue import metrics
from taue.evaluation.lpips import Lpips
from taue.metrics import Region
from taue.stack.model import Bytes

GREY = 0.5
"""What both pictures show outside the region when LPIPS compares them: the middle of the range."""


def foreground_region(alpha: NDArray[np.floating]) -> Region:
    """Where the foreground certainly is [H, W]: alpha above 0.9."""
    return metrics.inside(alpha)


def background_region(alpha: NDArray[np.floating]) -> Region:
    """Where it certainly is not: outside alpha above 0, grown by one latent cell (8 pixels)."""
    return metrics.outside([alpha])


def psnr(layer: Bytes, composite: Bytes, region: Region) -> float | None:
    """In dB, of the region's pixels alone; infinite if they are equal, None without any."""
    return metrics.psnr(layer, composite, region)


def ssim(layer: Bytes, composite: Bytes, region: Region) -> float | None:
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


def similarity(one: NDArray[np.floating], other: NDArray[np.floating]) -> float:
    """The cosine of two embeddings, not scaled: CLIP-I and CLIP-S with CLIP's, ``sim_judge`` with
    the judge's."""
    first, second = one.astype(np.float64), other.astype(np.float64)
    length = float(np.linalg.norm(first) * np.linalg.norm(second))
    return float(first @ second) / length if length else 0.0
