"""How well layers agree with the composite: PSNR and SSIM over a region.

Pictures are float or uint8 arrays [H, W, 3]; uint8 counts as 0..255, floats as 0..1. Regions are
boolean arrays [H, W]. Every figure is None where it has no meaning (an empty region).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from taue.arrays import Region

OPAQUE = 0.9
"""Alpha above this is inside an object: edge pixels hold a share of something else."""

LATENT_CELL = 8
"""Pixels of one latent cell: by so much an object is grown before the outside begins."""

AnyPicture = NDArray[np.uint8] | NDArray[np.floating]


def inside(alpha: NDArray[np.floating]) -> Region:
    """Where an object certainly is: alpha [H, W] in [0, 1] above 0.9."""
    return np.asarray(alpha > OPAQUE)


def outside(alphas: Sequence[NDArray[np.floating]], cell: int = LATENT_CELL) -> Region:
    """Where no object is: outside the union of alphas [H, W], grown by one latent cell.

    Growth is square, as cells are: a pixel is outside if no alpha within ``cell`` pixels in either
    direction is above zero.
    """
    covered = np.any([alpha > 0 for alpha in alphas], axis=0)
    grown = ndimage.maximum_filter(covered, size=2 * cell + 1, mode="constant", cval=0)
    return np.logical_not(np.asarray(grown, dtype=bool))


def psnr(one: AnyPicture, other: AnyPicture, region: Region) -> float | None:
    """Peak signal-to-noise ratio in dB over a region, by torchmetrics, channels together.

    Infinite for equal pictures, None for an empty region.
    """
    first, second = _checked(one, other, region)
    if not region.any():
        return None
    import torch
    from torchmetrics.functional.image import peak_signal_noise_ratio

    one_side, other_side = (torch.from_numpy(x[region]) for x in (first, second))
    return float(peak_signal_noise_ratio(one_side, other_side, data_range=1.0))


def ssim(one: AnyPicture, other: AnyPicture, region: Region) -> float | None:
    """Structural similarity, -1 to 1: torchmetrics' map of the whole picture, mean in the region.

    Gaussian window of 11 pixels, sigma 1.5, so pixels just outside the region have a say near its
    border. None for an empty region.
    """
    first, second = _checked(one, other, region)
    if not region.any():
        return None
    import torch
    from torchmetrics.functional.image import structural_similarity_index_measure

    # In float64 torch's grouped convolution takes 13 times as long, for the seventh digit.
    batch = [torch.from_numpy(x).float().permute(2, 0, 1)[None] for x in (first, second)]
    _, full = structural_similarity_index_measure(
        batch[0], batch[1], data_range=1.0, return_full_image=True
    )
    return float(full[0].mean(dim=0).clamp(-1, 1).numpy()[region].mean())


def _checked(
    one: AnyPicture, other: AnyPicture, region: Region
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Both as float64 in [0, 1]; ValueError if the shapes do not fit together."""
    if one.shape != other.shape or one.ndim != 3 or region.shape != one.shape[:2]:
        raise ValueError(
            f"pictures {one.shape} and {other.shape} and region {region.shape} do not fit together"
        )
    return _unit(one), _unit(other)


def _unit(picture: AnyPicture) -> NDArray[np.float64]:
    scale = 255.0 if picture.dtype == np.uint8 else 1.0
    return picture.astype(np.float64) / scale
