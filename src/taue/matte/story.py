"""A subject's RGBA from the foreground on its key colour.

The mask on the latent grid says where to look, the colour says what is object: nothing here is an
enlarged latent mask. The story is :func:`cut_out`: key colour, trimap, closed form in the band
around the edge, twice projected onto the line from the key to the object's own colour, and last
the key taken out of what is left of it in the colours.
"""

from __future__ import annotations

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from taue.extent import extent
from taue.matte.closed_form import closed_form_within
from taue.matte.colour import own_colour
from taue.matte.despill import despilled
from taue.matte.haze import without_haze
from taue.matte.hollow import hollowed
from taue.matte.key import painted_key
from taue.matte.line import beside, projected
from taue.matte.measures import HALF, INVISIBLE, LEAST, MOST, NEAR, SPREAD, SURELY, WINDOW
from taue.matte.outline import smoothed
from taue.matte.rim import settled
from taue.matte.sharpness import is_blurred
from taue.matte.trimap import (
    Trimap,
    band_width,
    edge_width,
    largest,
    trimap,
    widened,
)
from taue.shapes import Alpha, Mask, Picture, Rgba
from taue.straight import continued

PROJECTIONS = 2


def extract(picture: Tensor, mask: Tensor) -> Tensor:
    """The subject as RGBA [4, H, W] in [0, 1], straight alpha, from the raw foreground.

    Alpha is 0 beyond two latent cells (or a 16th of the larger side, if that is more) around the
    mask, but for thin parts that hang on to it. The colours go on beyond the object, so that no
    scaling of the layer meets the key.

    Args:
        picture: the decoded foreground [3, H, W] in [0, 1].
        mask: the object mask on the latent grid [h, w], 1 = object. An empty mask gives an empty
            layer; a full one takes the key from the picture's border.
    """
    size = picture.shape[-2:]
    pixels = picture.detach().float().cpu().permute(1, 2, 0).contiguous().numpy()
    cells = torch.nn.functional.interpolate(mask[None, None].float().cpu(), size=size)[0, 0]
    rgba = cut_out(pixels, cells.numpy() > HALF, round(max(size) / max(mask.shape)))
    return torch.from_numpy(rgba).permute(2, 0, 1).contiguous().to(picture.device)


def cut_out(picture: Picture, mask: Mask, cell: int) -> Rgba:
    """The subject as RGBA [H, W, 4] in [0, 1], straight alpha.

    Args:
        picture: [H, W, 3] in [0, 1].
        mask: the object mask, enlarged to the picture, bool [H, W].
        cell: pixels of a latent cell.
    """
    side = max(mask.shape)
    edge = edge_width(cell, side)
    outside = ~widened(mask, NEAR * edge)
    key = painted_key(picture, outside)
    smooth = np.linalg.norm(ndimage.uniform_filter(picture - key, WINDOW, axes=(0, 1)), axis=-1)
    spread = _spread(smooth, outside)
    areas = trimap(smooth, spread, mask, edge)
    if not mask.any() or areas.clear.all():
        return np.concatenate([picture, np.zeros_like(smooth)[..., None]], axis=-1)
    # All that is clear is so already.
    part = extent(~areas.clear, 4 * band_width(mask.shape))
    areas = Trimap(areas.opaque[part], areas.clear[part])
    picture, key = picture[part], key[part]
    veiled = is_blurred(picture, key, side)
    colour, alpha = _separated(picture, key, smooth[part], areas, spread, edge, bounded=veiled)
    if veiled:
        colour, alpha = despilled(picture, key, colour, alpha, areas.clear, edge, side)
        colour, alpha = hollowed(picture, key, colour, alpha, edge)
        colour, alpha = settled(colour, alpha, edge)
    alpha = without_haze(alpha.clip(0, 1), edge)
    colour = continued(colour.clip(0, 1), np.where(alpha < INVISIBLE, 0, alpha))
    sides = [(s.start, n - s.stop) for s, n in zip(part, mask.shape, strict=True)]
    return np.concatenate(
        [np.pad(colour, [*sides, (0, 0)], mode="edge"), np.pad(alpha, sides)[..., None]], axis=-1
    )


def outlined(rgba: Rgba, picture: Picture, mask: Tensor) -> Rgba:
    """A cut-out [H, W, 4] with a smooth outline, if the picture is blurred: a sharp one has no
    frays, and what is thin in it is so in the scene.

    Args:
        rgba: as :func:`extract` gives it, as an array, whatever was done to it since.
        picture: what it was cut from [H, W, 3] in [0, 1].
        mask: the object mask on the latent grid [h, w].
    """
    side = max(picture.shape[:2])
    edge = edge_width(round(side / max(mask.shape)), side)
    colour, alpha = rgba[..., :3], rgba[..., 3]
    key = painted_key(picture, ~widened(alpha > 0, edge))
    if not (alpha > 0).any() or not is_blurred(picture, key, side):
        return rgba
    return np.dstack(smoothed(colour, alpha, edge))


def _separated(
    picture: Picture,
    key: Picture,
    distance: Alpha,
    areas: Trimap,
    spread: float,
    edge: int,
    *,
    bounded: bool,
) -> tuple[Picture, Alpha]:
    """The object's own colour [H, W, 3] and alpha [H, W], this ``bounded`` as ``MOST`` says."""
    share = distance / np.maximum(largest(distance, edge), LEAST)
    alpha = closed_form_within(picture, areas.impose(share), areas.unknown)
    for _ in range(PROJECTIONS):
        colour = own_colour(picture, alpha, key)
        strange = beside(picture, key, colour, 2 * spread)
        mixed = projected(picture, key, colour, spread)
        found = (1 - strange) * mixed + strange * share
        if bounded:
            found = np.minimum(found, MOST * share)
        alpha = areas.impose(found)
    return own_colour(picture, alpha, key), alpha


def _spread(distance: Alpha, outside: Mask) -> float:
    """How far the key as painted is from the fitted one: 95 % of it, within sane bounds."""
    beyond = distance[outside]
    found = float(np.quantile(beyond, SURELY)) if beyond.size else 0.0
    return min(max(found, SPREAD[0]), SPREAD[1])
