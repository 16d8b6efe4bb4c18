"""TKG-DM (arXiv 2411.15580): a foreground on a key colour by its initial noise, keyed and pasted
on a background that knows nothing of it.

Two latent channels of the noise are shifted until the share of positive values has grown by 11 %;
a Gaussian keeps the noise as it was where the subject goes.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from taue.arrays import Bytes
from taue.box import Box
from taue.equations import border
from taue.evaluation.items import Item, two_layers
from taue.evaluation.methods.base import ComparedMethod, Drawing
from taue.stack.mixing import Floats

CHANNELS = (1, 2)
"""Both up is green in SDXL's latents."""

GROWTH = 0.11
SPREAD = 0.5
"""The Gaussian's standard deviation, the canvas going from -1 to 1."""

SOFT = 0.25
"""Distance in colour, [0, 1] a channel, from the key's own spread to fully opaque."""


def make(drawing: Drawing) -> Item:
    noise = keyed(drawing.noise("foreground"), drawing.pair.area)
    scale = drawing.scene.foreground_guidance_scale
    foreground = drawing.picture(
        drawing.pair.foreground, "foreground", guidance_scale=scale, noise=noise
    )
    background = drawing.picture(drawing.pair.background, "background")
    alpha = keyed_alpha(foreground)
    pasted = alpha[..., None] * foreground + (1 - alpha[..., None]) * background
    composite = (pasted + 0.5).astype(np.uint8)
    mask = (alpha * 255).round().astype(np.uint8)
    return Item(composite, background, foreground, mask, two_layers(background, foreground, mask))


def keyed(noise: Tensor, box: Box) -> Tensor:
    """Noise [1, C, h, w], shifted to the key colour away from the box's middle."""
    height, width = noise.shape[-2:]
    y = torch.linspace(-1, 1, height)[:, None] - (2 * box.centre[1] - 1)
    x = torch.linspace(-1, 1, width)[None, :] - (2 * box.centre[0] - 1)
    kept = torch.exp(-(x**2 + y**2) / (2 * SPREAD**2))
    shifted = noise.clone()
    for channel in CHANNELS:
        plane = noise[:, channel]
        shifted[:, channel] = plane + shift_of(plane, GROWTH) * (1 - kept)
    return shifted


def shift_of(plane: Tensor, growth: float) -> float:
    """What has to be added for the share of positive values to grow by so much, 1 at most."""
    share = min(1.0, float((plane > 0).float().mean()) + growth)
    return -float(plane.flatten().quantile(1 - share))


def keyed_alpha(picture: Bytes) -> Floats:
    """Chroma key: alpha [H, W] by the distance from the colour of the border, which is 0 up to
    what nearly all of the border keeps within."""
    colours = torch.from_numpy(picture.astype(np.float32) / 255).permute(2, 0, 1)
    around = border(colours)
    key = around.median(dim=-1).values
    own = (around - key[:, None]).norm(dim=0).quantile(0.95)
    distance = (colours - key[:, None, None]).norm(dim=0)
    return ((distance - own) / SOFT).clamp(0, 1).numpy()


METHOD = ComparedMethod(
    "tkg", "TKG-DM, arXiv 2411.15580", copies=True, passes=2, make=make, keyed=True
)
