"""Alpha from the key colour as painted, at pixel resolution (first version).

The object mask says where to look, the colour says what is object: nothing is an enlarged
latent mask.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from taue.masks import grow

INNER_SOFTNESS = 0.18
"""Distance to the key (Euclidean RGB, 0 to 1.73) over which alpha rises from 0 to 1 well inside
the mask, where what resembles the key is rather the object's own colour."""

REACH = 1.0
"""Latent cells around an edge pixel in which the object's full distance to the key is sought."""

FULL = 0.75
"""An edge pixel is opaque at this share of that distance."""

LEAST_SPREAD = 0.05
"""The key is never taken to be flatter than this: decoders ripple at the object's edge."""


def painted_key(picture: Tensor, outside: Tensor) -> Tensor:
    """The key colour as painted: the median colour outside the object [3].

    Args:
        picture: [3, H, W] in [0, 1].
        outside: bool [H, W]; where it is empty the picture's border is taken.
    """
    if not outside.any():
        outside = torch.ones_like(outside)
        outside[4:-4, 4:-4] = False
    return picture[:, outside].median(dim=1).values


def extract(picture: Tensor, mask: Tensor) -> Tensor:
    """The subject as RGBA [4, H, W] in [0, 1], straight alpha, from the raw foreground.

    Args:
        picture: the decoded foreground [3, H, W] in [0, 1].
        mask: the object mask on the latent grid [h, w]; alpha is zero beyond it grown by a cell.
    """
    size = picture.shape[-2:]
    near = _enlarged(grow(mask), size).to(picture.device)
    core = ~_enlarged(grow(1 - mask), size).to(picture.device)
    key = painted_key(picture, ~near)
    distance = (picture - key.view(3, 1, 1)).square().sum(dim=0).sqrt()
    beyond = distance[~near]
    spread = beyond.quantile(0.95).item() if 0 < beyond.numel() < 2**24 else 0.0
    spread = min(max(spread, LEAST_SPREAD), 0.3)
    cell = max(size) / max(mask.shape)
    edge = edge_alpha(distance * near, spread, round(REACH * cell))
    inner = ((distance - spread) / INNER_SOFTNESS).clamp(0, 1)
    alpha = torch.where(core, torch.maximum(edge, inner), edge) * near
    return torch.cat([unmixed(picture, alpha, key), alpha[None]])


def edge_alpha(distance: Tensor, spread: float, reach: int) -> Tensor:
    r"""Alpha where the object's edge mixes with the key [H, W].

    A pixel :math:`I = \alpha F + (1 - \alpha) K` is :math:`\alpha \lVert F - K \rVert` away from
    the key; the object's own distance is the largest within ``reach`` pixels.
    """
    window = 2 * reach + 1
    own = F.max_pool2d(distance[None, None], window, stride=1, padding=reach)[0, 0]
    full = (FULL * own - spread).clamp(min=INNER_SOFTNESS)
    return ((distance - spread) / full).clamp(0, 1)


def _enlarged(mask: Tensor, size: torch.Size) -> Tensor:
    """A mask of the latent grid at pixel resolution, bool [H, W]."""
    return F.interpolate(mask[None, None].float(), size=size, mode="nearest")[0, 0] > 0.5


def unmixed(picture: Tensor, alpha: Tensor, key: Tensor) -> Tensor:
    r"""The object's own colour under a soft edge, :math:`F = (I - (1 - \alpha) K) / \alpha`."""
    key = key.view(3, 1, 1)
    own = (picture - (1 - alpha) * key) / alpha.clamp(min=0.1)
    return torch.where(alpha > 0, own, picture).clamp(0, 1)
