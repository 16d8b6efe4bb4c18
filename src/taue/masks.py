"""Where the object is, on the latent grid: from the denoised estimate and the attention."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from taue import equations
from taue.settings import Settings
from taue.space import Estimate


@dataclass(frozen=True)
class FoundObject:
    """``mask`` [h, w], 1 = object; ``presence`` [h, w] in [0, 1] crosses one half where the mask
    ends; ``separated`` is False if the key colour told nothing apart and both are the attention's
    alone."""

    mask: Tensor
    presence: Tensor
    separated: bool


CELLS = 32
"""Latent cells along the shorter side at which widths count cells; they scale."""

REACH = 5
"""Cells around an object in which its light and shadow may fall."""

FEWEST_CELLS = 4
"""An object is never judged by fewer cells: one alone may be noise."""

LEAST_CONTRAST = 2.0
"""Pure noise reaches 1.7 times the key's own spread, objects on a painted key 7 times and more."""

STRANGE = 3.0
"""A border cell so many times as far from the key as half of them are is no key: without an object
there, hardly one is."""

UNEVEN = 2.0
"""The key's own spread is at most so many times the distance that half of the border keeps within:
painted keys reach 1.8 times, pure noise 1.5 times."""


def find_harvested(
    source: Estimate, attention: Tensor, settings: Settings, *, solid: bool = True
) -> FoundObject:
    """The object mask m of what a foreground left, by the value that the settings choose.

    Args:
        source: estimate and noise, and how much of either the latents held.
        attention: A_fg [h, w].
        settings: the method's.
        solid: as of :func:`find_object`.
    """
    if settings.mask_value == "greenness":
        return find_not_green(source, attention, settings, solid=solid)
    return find_object(source.denoised, attention, settings, solid=solid)


def find_not_green(
    source: Estimate, attention: Tensor, settings: Settings, *, solid: bool = True
) -> FoundObject:
    """The paper's: the noisy latents' greenness against one absolute threshold.

    Where it finds nothing the mask is empty, and presence the attention's, so that there is a
    place.
    """
    level = source.level
    noisy = level.mix(source.denoised, source.noise)
    unit = equations.unit_variance(noisy, level.signal, level.noise).cpu()
    value = equations.greenness(unit, settings.mask_blur * min(unit.shape[-2:]) / CELLS)
    mask = _combined(value, settings.greenness_threshold, attention.cpu(), settings, solid=solid)
    found = bool(mask.any())
    return FoundObject(mask, mask if found else attention.cpu(), separated=found)


def find_object(
    denoised: Tensor, attention: Tensor, settings: Settings, *, solid: bool = True
) -> FoundObject:
    """The object mask m from a foreground's denoised estimate [1, C, h, w] and A_fg [h, w].

    With ``solid`` holes are closed, for an estimate can have some that the object has not; what
    is finished shows its own.

    The value is the distance to the key latent as painted, and the threshold calibrates itself:
    ``background_threshold`` of the way from the key's own spread to the object (98 % of the
    canvas). A fixed threshold fails whenever the key comes out dull.
    """
    distance = painted_distance(denoised, settings.mask_blur).cpu()
    spread = painted_spread(distance)
    farthest = distance.flatten().topk(max(FEWEST_CELLS, distance.numel() // 100)).values
    object_ = farthest.mean().item()
    threshold = spread + settings.background_threshold * (object_ - spread)
    captured = attention > settings.attention_threshold
    mask = _combined(-distance, -threshold, attention, settings, solid=solid)
    if object_ < LEAST_CONTRAST * spread or not mask.any():
        return FoundObject(captured.to(distance.dtype), attention, separated=False)
    presence = (0.5 * (distance - spread) / (threshold - spread)).clamp(0, 1)
    return FoundObject(mask, presence * grow(mask), separated=True)


def _combined(
    value: Tensor, threshold: float, attention: Tensor, settings: Settings, *, solid: bool
) -> Tensor:
    """Where a value [h, w] is below its threshold, and attention agrees by the rule that the
    settings choose."""
    tau_a = settings.attention_threshold
    if settings.mask_rule == "intersection":
        return equations.object_mask(value, threshold, attention, tau_a)
    return parts_captured(value < threshold, attention > tau_a, solid=solid).to(value.dtype)


def painted_distance(denoised: Tensor, blur: float) -> Tensor:
    """How far each cell of an estimate [1, C, h, w] is from the key as painted [h, w].

    The border's median is drawn towards an object that lies along much of it, so the key is the
    median once more, of those border cells alone that are not strange to the first. With no
    object there the two are the same.

    Args:
        denoised: the estimate.
        blur: standard deviation of the distance's Gaussian, cells.
    """
    first = equations.border_colour(denoised)
    away = equations.border(equations.key_distance(denoised, first, blur))
    painted = equations.border(denoised[0])[:, away <= STRANGE * away.median()]
    return equations.key_distance(denoised, painted.median(dim=-1).values, blur)


def painted_spread(distance: Tensor) -> float:
    """The key's own spread, of distances [h, w] to it: 75 % of the border, but no more than the
    nearer half allows, since an object may lie along the other."""
    ring = equations.border(distance)
    return min(ring.quantile(0.75).item(), UNEVEN * ring.median().item())


def parts_captured(coloured: Tensor, captured: Tensor, *, solid: bool = True) -> Tensor:
    """Those connected parts of a mask that touch another mask (bool [h, w]), holes closed if
    ``solid``.

    Attention can be a ring (bright rim, dark middle), so it chooses parts and cuts none.
    """
    filled = ndimage.binary_fill_holes(coloured.numpy()) if solid else coloured.numpy()
    parts = np.empty(tuple(coloured.shape), np.int32)
    ndimage.label(filled, output=parts)
    chosen = np.unique(parts[captured.numpy()])
    return torch.from_numpy(np.isin(parts, chosen[chosen > 0]))


def cells(count: int, size: tuple[int, int]) -> int:
    """A width at ``CELLS`` cells a side on another latent grid (rows, columns), at least 1."""
    return max(1, round(count * min(size) / CELLS))


def grow(mask: Tensor, cells: int = 1) -> Tensor:
    """The mask [h, w] with every cell's eight neighbours, ``cells`` times."""
    grown = mask[None, None]
    for _ in range(cells):
        grown = torch.nn.functional.max_pool2d(grown, 3, stride=1, padding=1)
    return grown[0, 0]
