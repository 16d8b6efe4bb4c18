"""LayerDiffuse's decoder of transparency (arXiv 2402.17113): a picture and its latents in, colours
and alpha out.

The network is the released one, smaller than the paper's: seven resolutions of residual blocks,
attention at the three smallest, the latents added where it has reached their resolution. Named as
in ``vae_transparent_decoder.safetensors``, so that this loads as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from diffusers.models.unets.unet_2d_blocks import (
    AttnDownBlock2D,
    AttnUpBlock2D,
    DownBlock2D,
    UNetMidBlock2D,
    UpBlock2D,
)
from torch import Tensor, nn

WIDTHS = (32, 32, 64, 128, 256, 512, 512)
"""Channels at each resolution, the picture's first."""

LATENT_LEVEL = 3
"""The resolution that is the latents': an eighth."""

ATTENDING = 3
HEAD, GROUPS, LAYERS = 8, 4, 2
MULTIPLE = 2 ** (len(WIDTHS) - 1)
"""What the sides of a picture must be a multiple of, in pixels."""


class TransparentDecoder(nn.Module):
    """Alpha first, then three colours, from RGB and latents.

    Args:
        widths: channels at each of the seven resolutions, multiples of 4.
    """

    def __init__(self, widths: Sequence[int] = WIDTHS) -> None:
        super().__init__()
        levels = range(len(widths))
        self.conv_in = nn.Conv2d(3, widths[0], 3, padding=1)
        self.latent_conv_in = nn.Conv2d(4, widths[LATENT_LEVEL - 1], 1)
        self.down_blocks = nn.ModuleList(_down(widths, level) for level in levels)
        self.mid_block = UNetMidBlock2D(widths[-1], attention_head_dim=HEAD, **_shared())
        self.up_blocks = nn.ModuleList(_up(widths, level) for level in reversed(levels))
        self.conv_norm_out = nn.GroupNorm(GROUPS, widths[0], eps=1e-5)
        self.conv_out = nn.Conv2d(widths[0], 4, 3, padding=1)

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor]) -> TransparentDecoder:
        """The network of these tensors, as wide as they are.

        Raises:
            KeyError, RuntimeError: if they are another network's.
        """
        widths = [
            tensors[f"down_blocks.{level}.resnets.0.conv1.weight"].shape[0]
            for level in range(len(WIDTHS))
        ]
        network = cls(widths)
        network.load_state_dict(dict(tensors))
        return network.eval()

    def forward(self, picture: Tensor, latents: Tensor) -> Tensor:
        """[B, 4, H, W], not clamped, of [B, 3, H, W] in [0, 1] and [B, 4, H/8, W/8]."""
        x = self.conv_in(picture)
        kept = [x]
        for level, block in enumerate(self.down_blocks):
            if level == LATENT_LEVEL:
                x = x + self.latent_conv_in(latents)
            x, states = block(x, None)
            kept += states
        x = self.mid_block(x, None)
        for block in self.up_blocks:
            x = block(x, tuple(kept[-LAYERS - 1 :]), None)
            del kept[-LAYERS - 1 :]
        return self.conv_out(nn.functional.silu(self.conv_norm_out(x)))

    @torch.no_grad()
    def rgba(self, picture: Tensor, latents: Tensor) -> Tensor:
        """Colours and alpha [B, 4, H, W] in [0, 1]: the median of what it says of the picture
        turned and mirrored in all eight ways."""
        told: list[Tensor] = []
        for mirrored in (False, True):
            for turns in range(4):
                seen = (_turned(one, mirrored, turns) for one in (picture, latents))
                said = self(*seen).clamp(0, 1)
                back = torch.rot90(said, -turns, (2, 3))
                told.append(back.flip(3) if mirrored else back)
        middle = torch.stack(told).median(dim=0).values
        return torch.cat([middle[:, 1:], middle[:, :1]], dim=1)


def _turned(values: Tensor, mirrored: bool, turns: int) -> Tensor:
    return torch.rot90(values.flip(3) if mirrored else values, turns, (2, 3))


def _shared() -> dict[str, Any]:
    """What all blocks have in common: there is no time to know."""
    return {"temb_channels": None, "resnet_eps": 1e-5, "resnet_groups": GROUPS}


def _down(widths: Sequence[int], level: int) -> nn.Module:
    ends = widths[max(level - 1, 0)], widths[level]
    last = level == len(widths) - 1
    if level < len(widths) - ATTENDING:
        return DownBlock2D(*ends, num_layers=LAYERS, add_downsample=not last, **_shared())
    how: Any = None if last else "conv"
    return AttnDownBlock2D(
        *ends, num_layers=LAYERS, attention_head_dim=HEAD, downsample_type=how, **_shared()
    )


def _up(widths: Sequence[int], level: int) -> nn.Module:
    below = widths[min(level + 1, len(widths) - 1)]
    ends: dict[str, Any] = {
        "in_channels": widths[max(level - 1, 0)],
        "prev_output_channel": below,
        "out_channels": widths[level],
        "num_layers": LAYERS + 1,
    }
    if level < len(widths) - ATTENDING:
        return UpBlock2D(**ends, add_upsample=level > 0, **_shared())
    return AttnUpBlock2D(**ends, attention_head_dim=HEAD, **_shared())
