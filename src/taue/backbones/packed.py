"""An autoencoder whose latents are packed by fours and normalised by its own statistics."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from taue.backbones.autoencoder import Autoencoder


class PackedAutoencoder(Autoencoder):
    """FLUX.2's: a latent cell is four of the VAE's in the channels of one, less the running mean of
    its batch norm and over its deviation. Arguments as of
    :class:`taue.backbones.autoencoder.Autoencoder`."""

    packed = 2

    def _unscaled(self, latents: Tensor) -> Tensor:
        mean, std = self._running(latents)
        return F.pixel_shuffle(latents * std + mean, self.packed)

    def _scaled(self, raw: Tensor) -> Tensor:
        mean, std = self._running(raw)
        return (F.pixel_unshuffle(raw, self.packed) - mean) / std

    def _running(self, like: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of a packed cell [1, C, 1, 1]."""
        norm = self.vae.bn
        std = torch.sqrt(norm.running_var + self.vae.config.batch_norm_eps)
        mean, std = (one.view(1, -1, 1, 1).to(like) for one in (norm.running_mean, std))
        return mean, std
