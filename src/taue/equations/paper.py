r"""The equations of the paper (TAUE, arXiv 2511.02580), in its order, one pure function each.

Each says of which of its stages it is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from taue.equations.grid import gaussian_blur, scale_to_unit
from taue.shapes import Broadcast, Cells, Colour, Float, Latents, One, Same


def inject_key(noise: Latents, outside: Cells, key: Colour, alpha: float) -> Latents:
    r"""Key-colour injection.

    .. math:: z_{fg} = (1 - M) z + M ((1 - \alpha) z + \alpha C)

    Whose: the paper's, stage 1.

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
) -> Float[Tensor, "{height} {width}"]:
    r"""Probabilistic layout: how likely a cell belongs to the subject [height, width].

    .. math:: P = \exp\Big(-\frac{1}{2\sigma^2}\Big[\Big(\frac{x-o_x}{w/2}\Big)^2
              + \Big(\frac{y-o_y}{h/2}\Big)^2\Big]\Big)

    scaled to ``bounds`` (p_min, p_max). ``centre`` (x, y) and ``size`` (width, height) are
    fractions of the canvas; cells are sampled at their centres.

    Whose: the paper's, stage 1.
    """
    y = (torch.arange(height) + 0.5) / height
    x = (torch.arange(width) + 0.5) / width
    across = ((x - centre[0]) / (size[0] / 2)).square()[None, :]
    down = ((y - centre[1]) / (size[1] / 2)).square()[:, None]
    low, high = bounds
    return low + (high - low) * torch.exp(-(across + down) / (2 * sigma**2))


def layout_mask(probability: Cells, uniform: Cells) -> Cells:
    r"""Where the key colour is injected: :math:`M = [R > P]`, R uniform in [0, 1) per cell.

    Whose: the paper's, stage 1.
    """
    return (uniform > probability).to(probability.dtype)


def guidance(unconditional: Same, conditional: Same, scale: float) -> Same:
    r"""Classifier-free guidance, :math:`\epsilon_u + s (\epsilon_c - \epsilon_u)`.

    Whose: the paper's, all stages.
    """
    return unconditional + scale * (conditional - unconditional)


def token_attention(
    probabilities: Float[Tensor, "*B queries tokens"], tokens: Sequence[int]
) -> Float[Tensor, "*B queries"]:
    r"""How much each query attends to a prompt's own tokens T, in one layer at one step.

    .. math:: \bar A_{l,i} = \frac{1}{|T|} \sum_{j \in T} \mathrm{softmax}(Q K^\top / \sqrt d)_j

    Whose: the paper's, stage 1.

    Args:
        probabilities: the softmax, its mean over heads [B, queries, tokens].
        tokens: positions of the prompt's own tokens.
    """
    return probabilities[..., list(tokens)].float().mean(dim=-1)


def attention_map(maps: Sequence[Cells]) -> Cells:
    r"""The subject's attention map before the harvest step k, of maps [h, w] of one grid.

    .. math:: A_{fg} = \mathrm{unit}\Big(\sum_{i < k} \sum_l \bar A_{l,i}\Big)

    scaled to [0, 1] (:func:`scale_to_unit`), so that a sum is a mean.

    Whose: the paper's, stage 1.
    """
    return scale_to_unit(torch.stack(list(maps)).sum(dim=0))


def harvest_step(steps: int, crop_ratio: float) -> int:
    r"""The step k at which latents are harvested, :math:`k = N - \lfloor N (1 - r) \rfloor`.

    The paper's :math:`t_{crop} = \lfloor T (1 - r_{crop}) \rfloor` counts down; k counts up, and
    at least one step lies before it and one from it on.

    Whose: the paper's, stage 1.
    """
    remaining = math.floor(steps * (1 - crop_ratio) + 1e-9)
    return min(max(steps - remaining, 1), steps - 1)


def greenness(latents: One, sigma: float) -> Cells:
    r"""The paper's map of the key, for green only: :math:`v = G_\sigma(L[1] + L[2])` [h, w].

    Whose: the paper's, stage 1.
    """
    return gaussian_blur(latents[0, 1] + latents[0, 2], sigma)


def object_mask(
    value: Cells, threshold: float, attention: Cells, attention_threshold: float
) -> Cells:
    r"""The paper's object mask, :math:`m = [v < \tau_{bg}] \wedge [A_{fg} > \tau_A]` [h, w].

    Whose: the paper's, stage 1.
    """
    return ((value < threshold) & (attention > attention_threshold)).to(value.dtype)


LAPLACIAN = ((0.0, 1.0, 0.0), (1.0, -4.0, 1.0), (0.0, 1.0, 0.0))


def high_pass(latents: Latents, kappa: float) -> Latents:
    r"""Laplacian sharpening, :math:`f(L) = L - \kappa \nabla^2 L / 4`, the border repeated.

    Whose: the paper's, stage 2.
    """
    channels = latents.shape[1]
    kernel = latents.new_tensor(LAPLACIAN).expand(channels, 1, 3, 3)
    padded = F.pad(latents, (1, 1, 1, 1), mode="replicate")
    return latents - kappa * F.conv2d(padded, kernel, groups=channels) / 4


def unit_variance(latents: Same, signal: float, noise: float) -> Same:
    r"""Latents of any scheduler as they are where signal and noise square to one.

    .. math:: u_i = x_i / \sqrt{a_i^2 + s_i^2}

    Whose: the paper's, stage 1: the space of its noisy latents, :math:`z_T \sim N(0, 1)`.
    """
    return latents / math.hypot(signal, noise)


def unit_space(latents: Same, signal: float, start: float, scale: float) -> Same:
    r"""Latents beside initial noise: in the one space in which that is of unit variance.

    .. math:: u = \frac{a_0}{a_k} \frac{x_k}{S}

    A picture counts here as much as it does in the latents before the first step, so that what is
    planted leads back to itself. (Of unit variance at its own level, :func:`unit_variance`, it
    would count :math:`\sqrt{(1 + \sigma_0^2) / (1 + \sigma_k^2)}` times as much.)

    Whose: the paper's, stages 2 and 3.

    Args:
        latents: of the harvest step, the scheduler's.
        signal: how much of a picture they hold, a_k.
        start: how much of one latents hold before the first step, a_0.
        scale: what the scheduler multiplies unit noise by to start from, S.
    """
    return latents * (start / (signal * scale))


def transplanted_noise(filtered: Same, noise: Same, strength: float) -> Same:
    r"""What takes the place of initial noise, :math:`f(L) + \lambda n_{crop}`, in its space
    (:func:`unit_space`).

    Whose: the paper's, stages 2 and 3.
    """
    return filtered + strength * noise


def transplant(region: Broadcast, planted: Same, latents: Same) -> Same:
    r"""Noise transplant, :math:`z_{all} = m\,(f(L) + \lambda n_{crop}) + (1 - m)\,z`.

    Whose: the paper's, stages 2 and 3.
    """
    return region * planted + (1 - region) * latents


def blend_noise(region: Broadcast, planted: Same, predicted: Same) -> Same:
    r"""Two-phase noise blending: before the crop step the prediction inside the region is the
    seedling's, :math:`\epsilon = m\,\epsilon_{crop} + (1 - m)\,\epsilon_\theta`; then it is free.

    Where models answer with a velocity, it is the velocity on the seedling's line.

    Whose: the paper's, stages 2 and 3.
    """
    return region * planted + (1 - region) * predicted


def blend_attention(
    weights: Float[Tensor, "K *b queries"], attended: Sequence[Float[Tensor, "B heads queries D"]]
) -> Float[Tensor, "B heads queries D"]:
    r"""Attention blending, :math:`A_{mix} = \sum_j m_j A_j` over the query positions.

    Whose: the paper's, stage 2.

    Args:
        weights: [K, queries], or [K, B, queries] if samples differ; summing to 1 over K.
        attended: K tensors [B, heads, queries, D], one for each region's prompt.
    """
    parts = [w[..., None, :, None] * a for w, a in zip(weights, attended, strict=True)]
    return torch.stack(parts).sum(dim=0)


def shift(values: Same, rows: int, columns: int) -> Same:
    r"""Moved on the latent grid by whole cells, :math:`L'_{y, x} = L_{y - r, x - c}`; beyond the
    canvas the border repeats.

    Whose: the paper's, moving.

    Args:
        values: [..., h, w].
        rows: downwards.
        columns: to the right.
    """
    height, width = values.shape[-2:]
    y = (torch.arange(height, device=values.device) - rows).clamp(0, height - 1)
    x = (torch.arange(width, device=values.device) - columns).clamp(0, width - 1)
    return values[..., y[:, None], x]
