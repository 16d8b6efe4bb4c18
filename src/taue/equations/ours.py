r"""What the paper leaves open or has for one case only, as equations of ours: one pure function
each, which says what it is for.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from taue.equations.grid import gaussian_blur
from taue.shapes import Cells, Colour, Float, Latents, One, Same


def key_strength(alpha: float, length: float, share: float = 1.0) -> float:
    r"""The strength that colours as much in another latent space, and for another model.

    .. math:: \alpha' = \frac{q \alpha}{q \alpha + (1 - \alpha)\, \lVert C \rVert / \sqrt 2}

    so that the key's share to the noise's, :math:`\alpha' \lVert C \rVert / (1 - \alpha')`, is q
    times that of SDXL's keys, whose length is :math:`\sqrt 2`.

    Whose: ours, for any latent space.

    Args:
        alpha: strength in [0, 1] for a key of that length.
        length: of the key, :math:`\lVert C \rVert`.
        share: q, how much of it a model needs.
    """
    if alpha == 0:
        return 0.0
    return share * alpha / (share * alpha + (1 - alpha) * (length / math.sqrt(2)))


def stable_guidance(scale: float, before: float, after: float, cells: int, limit: float) -> float:
    r"""The guidance w of one step, no more than what the step is short enough for.

    .. math:: w_i = \min\left(w, \frac{c}{1 - \sigma_{i+1} / \sigma_i}\right)

    An Euler step takes the share :math:`h = 1 - \sigma_{i+1} / \sigma_i` of the way to the picture
    that is predicted, and guidance lengthens by w what the prompt wants changed of it. Where w h is
    over 2, what was wanted is overshot by more than it lacked, and the next step has more to undo:
    a brown bell on magenta gets as far from its key as teal. A prediction answers what latents
    show: as long as the mean over an eighth of their sides is noise more than picture,
    :math:`\sigma_i > \sqrt{cells} / 8`, nothing is overshot, and w stays.

    Whose: ours, for few steps.

    Args:
        scale: w as it was asked for.
        before: noise to signal where the step begins; infinite for noise alone.
        after: the same where it ends.
        cells: how many the latents have.
        limit: c, at most 2 if all of an error is answered.
    """
    way = 1 - after / before if before <= math.sqrt(cells) / 8 else 0.0
    return min(scale, limit / way) if way > 0 else scale


def release_step(steps: int, harvest: int, harmony: float) -> int:
    r"""Until which step a planted subject keeps its own look, :math:`k + (1 - h)(N - k)` rounded.

    ``harmony`` h = 1 releases it at the harvest step k (the paper), 0 never.

    Whose: ours, for harmony.
    """
    return harvest + round((1 - harmony) * (steps - harvest))


def border(values: Float[Tensor, "*s h w"]) -> Float[Tensor, "*s cells"]:
    """The outermost cells [..., cells] of [..., h, w], each once.

    Whose: ours, for any key.
    """
    sides = [values[..., 0, :], values[..., -1, :], values[..., 1:-1, 0], values[..., 1:-1, -1]]
    return torch.cat(sides, dim=-1)


def border_colour(latents: One) -> Colour:
    """The key as painted: per channel, the median of the outermost cells [C].

    Whose: ours, for any key.
    """
    return border(latents[0]).median(dim=-1).values


def key_distance(latents: One, key: Colour, sigma: float) -> Cells:
    r"""How far each cell is from the key latent *as painted* [h, w].

    .. math:: \lVert G_\sigma(L - C) \rVert

    The general form of :func:`taue.equations.paper.greenness`: any key, however dull it came out.

    Whose: ours, for any key.
    """
    return gaussian_blur(latents[0] - key.view(-1, 1, 1), sigma).square().sum(dim=0).sqrt()


def extend_edges(latents: Latents, mask: Float[Tensor, "*_ h w"], rings: int = 2) -> Latents:
    """Fill the cells around the mask with the mean of their inside neighbours, ring by ring.

    So that a filter at the object's edge sees more object and no key colour.

    Whose: ours, against key colour on edges.
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


def noise_surplus(sigma_k: float, sigma_0: float, strength: float) -> float:
    r"""How far above the straight line to the seedling a planted region begins.

    .. math:: (\lambda - 1)(\sigma_0 - \sigma_k)

    so that planted latents begin with the noise :math:`\sigma_k + \lambda (\sigma_0 - \sigma_k)`;
    0 for the multiplier :math:`\lambda` = 1. In flow matching :math:`\sigma` is the time t.

    Whose: ours, the paper's lambda made exact.
    """
    return (strength - 1) * (sigma_0 - sigma_k)


def line_end(latents: Same, noise: Same, signal: float, amount: float) -> Same:
    r"""Where latents lead if the noise prediction stays what it is.

    .. math:: \hat x_0 = (x_i - s_i \epsilon) / a_i

    The inverse of :func:`planted`.

    Whose: ours, for any scheduler.
    """
    return (latents - amount * noise) / signal


def planted(denoised: Same, noise: Same, signal: float, amount: float) -> Same:
    r"""A seedling at another noise level, in the scheduler's own space.

    .. math:: x_i = a_i \hat x_0 + s_i \epsilon

    This lies on the straight line that reaches the seedling at step k.

    Whose: ours, for any scheduler.
    """
    return signal * denoised + amount * noise


def disjoint(masks: Sequence[Cells]) -> list[Cells]:
    r"""Later in front: :math:`m_j \leftarrow m_j \prod_{l > j} (1 - m_l)`, with the background
    :math:`m_{bg} = 1 - \sum_j m_j` appended.

    Whose: ours, for several subjects.
    """
    visible: list[Tensor] = []
    free = torch.ones_like(masks[0])
    for mask in reversed(masks):
        visible.append(mask * free)
        free = free * (1 - mask)
    return [*reversed(visible), free]


def resample(
    masks: Float[Tensor, "*K h w"], height: int, width: int
) -> Float[Tensor, "*K {height} {width}"]:
    """Masks [K, h, w] by area on another grid [K, height, width]; what summed to 1 still does.

    Whose: ours, for every layer's grid.
    """
    return F.adaptive_avg_pool2d(masks, (height, width))
