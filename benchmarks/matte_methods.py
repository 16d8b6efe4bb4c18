"""The methods compared: ours, plain chroma keying, GrabCut, closed form with the trimap alone.

Each takes a picture [H, W, 3] in [0, 1] and a mask on the latent grid [h, w] and gives straight
RGBA [H, W, 4]. All are seeded by the same mask.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from taue import matte
from taue.masks import grow
from taue.stack.mixing import Floats

SOFT = 0.3
"""Distance to the key over which the plain key's alpha rises."""


def ours(picture: Floats, mask: Tensor) -> Floats:
    """``taue.matte``."""
    found = matte.extract(torch.from_numpy(picture).permute(2, 0, 1), mask)
    return found.permute(1, 2, 0).numpy()


def by_chroma(picture: Floats, mask: Tensor) -> Floats:
    """Distance to the median colour of the border, from its noise on; nothing beyond the mask
    grown by a cell; the picture's own colours."""
    cell = picture.shape[0] // mask.shape[0]
    near = enlarged(grow(mask), cell)
    distance = np.linalg.norm(picture - np.median(picture[~near], axis=0), axis=-1)
    noise = np.quantile(distance[~near], 0.95)
    alpha = ((distance - noise) / SOFT).clip(0, 1) * near
    return with_alpha(picture, alpha)


def by_grabcut(picture: Floats, mask: Tensor) -> Floats:
    """GrabCut seeded as Alfie does: sure object is the eroded mask, sure background what is outside
    the dilated one, the rest probable by the mask; binary alpha, the picture's own colours."""
    import cv2

    cv2.setNumThreads(1)
    cell = picture.shape[0] // mask.shape[0]
    seeds = np.where(enlarged(mask, cell), cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    inner = enlarged(1 - grow(1 - mask), cell)
    seeds[inner] = cv2.GC_FGD
    seeds[~enlarged(grow(mask), cell)] = cv2.GC_BGD
    cv2.setRNGSeed(0)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(to_bytes(picture), seeds, (0, 0, 1, 1), *models, 5, cv2.GC_INIT_WITH_MASK)
    return with_alpha(picture, np.isin(seeds, (cv2.GC_FGD, cv2.GC_PR_FGD)))


def by_closed_form(picture: Floats, mask: Tensor) -> Floats:
    """pymatting's closed form and multi-level foreground, the trimap from the mask alone: eroded
    by a cell, dilated by a cell, unknown between."""
    # Installed by hand for this comparison: its compiler is larger than all of ours.
    from pymatting import (  # pyright: ignore[reportMissingImports]
        estimate_alpha_cf,
        estimate_foreground_ml,
    )

    cell = picture.shape[0] // mask.shape[0]
    areas = np.full(picture.shape[:2], 0.5)
    areas[enlarged(1 - grow(1 - mask), cell)] = 1
    areas[~enlarged(grow(mask), cell)] = 0
    if not (areas == 1).any():  # pymatting refuses a trimap without any of the two
        areas[enlarged(mask, cell)] = 1
    exact = picture.astype(np.float64)
    alpha = estimate_alpha_cf(exact, areas)
    return with_alpha(estimate_foreground_ml(exact, alpha), alpha)


METHODS: dict[str, Callable[[Floats, Tensor], Floats]] = {
    "ours": ours,
    "chroma key": by_chroma,
    "GrabCut": by_grabcut,
    "closed form": by_closed_form,
}


def enlarged(mask: Tensor, cell: int) -> NDArray[np.bool_]:
    """A mask of the latent grid at pixel resolution."""
    return np.kron(mask.numpy() > 0.5, np.ones((cell, cell), bool))


def with_alpha(picture: Floats, alpha: NDArray) -> Floats:
    return np.concatenate([picture, alpha[..., None]], axis=-1).astype(np.float32)


def to_bytes(picture: Floats) -> NDArray[np.uint8]:
    return (picture * 255).round().astype(np.uint8)
