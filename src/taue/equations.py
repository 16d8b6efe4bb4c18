r"""Every equation of TAUE (arXiv 2511.02580) as one pure function, in the order of the paper.

Conventions. ``N`` steps, ``i`` the step's index, ``k`` the harvest step. Latents are
[B, C, h, w] in *scaled* units; masks [h, w] or [B, 1, h, w] on the latent grid, 1 = inside.
:math:`\sigma` is the ratio of noise to signal, so :math:`x_i = \hat x_0 + \sigma_i \epsilon`.
Nothing here knows a model or a scheduler.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor


def inject_key(noise: Tensor, outside: Tensor, key: Tensor, alpha: float) -> Tensor:
    r"""Key-colour injection.

    .. math:: z_{fg} = (1 - M) z + M ((1 - \alpha) z + \alpha C)

    Args:
        noise: unit noise z [B, C, h, w].
        outside: M, 1 where the key colour goes [h, w].
        key: C, one latent colour [C].
        alpha: strength in [0, 1]; 0 leaves the noise as it is.
    """
    coloured = (1 - alpha) * noise + alpha * key.view(1, -1, 1, 1)
    return (1 - outside) * noise + outside * coloured


def layout_probability(
    height: int,
    width: int,
    centre: tuple[float, float],
    size: tuple[float, float],
    sigma: float,
    bounds: tuple[float, float] = (0.0, 1.0),
) -> Tensor:
    r"""Probabilistic layout: how likely a cell belongs to the subject [height, width].

    .. math:: P = \exp\Big(-\frac{1}{2\sigma^2}\Big[\Big(\frac{x-o_x}{w/2}\Big)^2
              + \Big(\frac{y-o_y}{h/2}\Big)^2\Big]\Big)

    scaled to ``bounds`` (p_min, p_max). ``centre`` (x, y) and ``size`` (width, height) are
    fractions of the canvas; cells are sampled at their centres.
    """
    y = (torch.arange(height) + 0.5) / height
    x = (torch.arange(width) + 0.5) / width
    across = ((x - centre[0]) / (size[0] / 2)).square()[None, :]
    down = ((y - centre[1]) / (size[1] / 2)).square()[:, None]
    low, high = bounds
    return low + (high - low) * torch.exp(-(across + down) / (2 * sigma**2))


def layout_mask(probability: Tensor, uniform: Tensor) -> Tensor:
    r"""Where the key colour is injected: :math:`M = [R > P]`, R uniform in [0, 1) per cell."""
    return (uniform > probability).to(probability.dtype)


def harvest_step(steps: int, crop_ratio: float) -> int:
    r"""The step k at which latents are harvested, :math:`k = N - \lfloor N (1 - r) \rfloor`.

    The paper's :math:`t_{crop} = \lfloor T (1 - r_{crop}) \rfloor` counts down; k counts up, and
    at least one step lies before it and one from it on.
    """
    remaining = math.floor(steps * (1 - crop_ratio) + 1e-9)
    return min(max(steps - remaining, 1), steps - 1)


def release_step(steps: int, harvest: int, harmony: float) -> int:
    r"""Until which step a planted subject keeps its own look, :math:`k + (1 - h)(N - k)` rounded.

    ``harmony`` h = 1 releases it at the harvest step k (the paper), 0 never.
    """
    return harvest + round((1 - harmony) * (steps - harvest))


def scale_to_unit(values: Tensor) -> Tensor:
    """Scale to [0, 1] by minimum and maximum; a constant map becomes zeros."""
    low, high = values.min(), values.max()
    return (values - low) / (high - low).clamp(min=1e-12)


def gaussian_blur(values: Tensor, sigma: float) -> Tensor:
    r""":math:`G_\sigma` over the last two dimensions (in cells), the border repeated."""
    if sigma <= 0:
        return values
    radius = max(1, math.ceil(3 * sigma))
    offsets = torch.arange(-radius, radius + 1, dtype=values.dtype, device=values.device)
    kernel = torch.exp(-offsets.square() / (2 * sigma**2))
    kernel = kernel / kernel.sum()
    planes = values.reshape(-1, 1, *values.shape[-2:])
    planes = F.pad(planes, (radius,) * 4, mode="replicate")
    planes = F.conv2d(planes, kernel.view(1, 1, 1, -1))
    planes = F.conv2d(planes, kernel.view(1, 1, -1, 1))
    return planes.reshape(values.shape)


def greenness(latents: Tensor, sigma: float) -> Tensor:
    r"""The paper's map of the key, for green only: :math:`v = G_\sigma(L[1] + L[2])` [h, w]."""
    return gaussian_blur(latents[0, 1] + latents[0, 2], sigma)


def border(values: Tensor) -> Tensor:
    """The outermost cells [..., cells] of [..., h, w], each once."""
    sides = [values[..., 0, :], values[..., -1, :], values[..., 1:-1, 0], values[..., 1:-1, -1]]
    return torch.cat(sides, dim=-1)


def border_colour(latents: Tensor) -> Tensor:
    """The key as painted: per channel, the median of the outermost cells [C]."""
    return border(latents[0]).median(dim=-1).values


def key_distance(latents: Tensor, key: Tensor, sigma: float) -> Tensor:
    r"""How far each cell is from the key latent *as painted* [h, w].

    .. math:: \lVert G_\sigma(L - C) \rVert

    The general form of :func:`greenness`: any key, however dull it came out.
    """
    return gaussian_blur(latents[0] - key.view(-1, 1, 1), sigma).square().sum(dim=0).sqrt()


def object_mask(
    value: Tensor, threshold: float, attention: Tensor, attention_threshold: float
) -> Tensor:
    r"""The paper's object mask, :math:`m = [v < \tau_{bg}] \wedge [A_{fg} > \tau_A]` [h, w]."""
    return ((value < threshold) & (attention > attention_threshold)).to(value.dtype)


LAPLACIAN = ((0.0, -1.0, 0.0), (-1.0, 4.0, -1.0), (0.0, -1.0, 0.0))


def high_pass(latents: Tensor, kappa: float) -> Tensor:
    r"""Laplacian sharpening, :math:`f(L) = L + \kappa \nabla^2 * L / 4`, the border repeated."""
    channels = latents.shape[1]
    kernel = latents.new_tensor(LAPLACIAN).expand(channels, 1, 3, 3)
    padded = F.pad(latents, (1, 1, 1, 1), mode="replicate")
    return latents + kappa * F.conv2d(padded, kernel, groups=channels) / 4


def extend_edges(latents: Tensor, mask: Tensor, rings: int = 2) -> Tensor:
    """Fill the cells around the mask with the mean of their inside neighbours, ring by ring.

    So that a filter at the object's edge sees more object and no key colour.
    """
    filled, known = latents * mask, mask.expand(1, 1, *mask.shape[-2:]).to(latents.dtype)
    box = latents.new_ones(1, 1, 3, 3)
    for _ in range(rings):
        count = F.conv2d(known, box, padding=1)
        total = F.conv2d(
            filled * known, box.expand(latents.shape[1], 1, 3, 3), padding=1,
            groups=latents.shape[1],
        )  # fmt: skip
        filled = torch.where(known > 0, filled, total / count.clamp(min=1))
        known = torch.maximum(known, (count > 0).to(known.dtype))
    return torch.where(known > 0, filled, latents)


def planted_start(
    denoised: Tensor, noise: Tensor, sigma_k: float, sigma_0: float, strength: float = 1.0
) -> Tensor:
    r"""A seedling taken back to the start, in variance-exploding space.

    .. math:: f(\hat x_0) + \sigma_k \epsilon + \lambda (\sigma_0 - \sigma_k) \epsilon

    With the multiplier :math:`\lambda` = 1 this lies on the straight line that reaches the
    seedling at step k.
    """
    return denoised + (sigma_k + strength * (sigma_0 - sigma_k)) * noise


def transplant(region: Tensor, planted: Tensor, latents: Tensor) -> Tensor:
    r"""Noise transplant, :math:`z_{all} = m\,(f(L) + \lambda n_{crop}) + (1 - m)\,z`."""
    return region * planted + (1 - region) * latents


def blend_noise(region: Tensor, planted: Tensor, predicted: Tensor) -> Tensor:
    r"""Two-phase noise blending: before the crop step the prediction inside the region is the
    seedling's, :math:`\epsilon = m\,\epsilon_{crop} + (1 - m)\,\epsilon_\theta`; then it is free.
    """
    return region * planted + (1 - region) * predicted


def blend_attention(weights: Tensor, attended: Sequence[Tensor]) -> Tensor:
    r"""Attention blending, :math:`A_{mix} = \sum_j m_j A_j` over the query positions.

    Args:
        weights: [K, queries], summing to 1 over K.
        attended: K tensors [B, heads, queries, D], one for each region's prompt.
    """
    parts = [w.view(1, 1, -1, 1) * a for w, a in zip(weights, attended, strict=True)]
    return torch.stack(parts).sum(dim=0)


def disjoint(masks: Sequence[Tensor]) -> list[Tensor]:
    r"""Later in front: :math:`m_j \leftarrow m_j \prod_{l > j} (1 - m_l)`, with the background
    :math:`m_{bg} = 1 - \sum_j m_j` appended.
    """
    visible: list[Tensor] = []
    free = torch.ones_like(masks[0])
    for mask in reversed(masks):
        visible.append(mask * free)
        free = free * (1 - mask)
    return [*reversed(visible), free]


def resample(masks: Tensor, height: int, width: int) -> Tensor:
    """Masks [K, h, w] by area on another grid [K, height, width]; what summed to 1 still does."""
    return F.adaptive_avg_pool2d(masks, (height, width))
