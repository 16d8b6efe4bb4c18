"""From latents to pictures and back, as a pipeline of diffusers does it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from typing import Any, ClassVar, Self

import torch
from torch import Tensor

from taue.finite import require_finite
from taue.painted_key import KEYS
from taue.window import Window

FLAT = 16
"""Latent cells along a side of the flat picture that a key colour is read from."""

FLOAT = 4
"""Bytes: the autoencoder's activations may be float32 whatever the model is."""

AT_ONCE = 4
"""Activations of a layer's size that are held together: input, output, residual, a copy."""


class Autoencoder:
    """A VAE, and how its latents are scaled for the denoiser.

    Args:
        vae: of any class that diffusers' pipelines take.
        cell: pixels along a side of a latent cell.
        device: where it computes.
        upcasts: whether it is used in float32 where its configuration has ``force_upcast``, for
            half precision overflows there.
        shifts: whether its configuration's ``shift_factor`` counts.

    Attributes:
        packed: the VAE's own cells along a side of a latent cell.
    """

    packed: ClassVar[int] = 1

    def __init__(
        self,
        vae: Any,
        cell: int,
        device: torch.device,
        *,
        upcasts: bool = False,
        shifts: bool = False,
    ) -> None:
        self.vae, self.cell, self.device = vae, cell, device
        self.upcasts, self.shifts = upcasts, shifts

    @torch.no_grad()
    def decode(self, latents: Tensor) -> Tensor:
        """Scaled latents [B, C, h, w] to pictures [B, 3, H, W] in [0, 1], float32."""
        with self._in_use() as (vae, dtype):
            raw = self._unscaled(self._given(latents, dtype))
            picture = vae.decode(raw, return_dict=False)[0]
        require_finite(picture, "the decoded picture")
        return (picture.float() / 2 + 0.5).clamp(0, 1).contiguous()

    @torch.no_grad()
    def encode(self, pictures: Tensor) -> Tensor:
        """Pictures [B, 3, H, W] in [0, 1] to scaled latents [B, C, h, w], float32: the most likely
        ones. One by one: at SDXL's size each takes more memory than a denoising step of eight."""
        with self._in_use() as (vae, dtype):
            given = self._given(pictures * 2 - 1, dtype)
            raw = torch.cat([_certain(vae.encode(one)) for one in given.split(1)])
        return self._scaled(raw.float()).contiguous()

    def key(self, rgb: tuple[float, float, float]) -> Tensor:
        """The median cell of a flat picture's latents [C]: the outer ones know of its border."""
        side = FLAT * self.cell
        flat = torch.tensor(rgb, dtype=torch.float32).view(1, 3, 1, 1).expand(-1, -1, side, side)
        return self.encode(flat)[0].flatten(1).median(dim=1).values.cpu()

    def keys(self) -> Mapping[str, tuple[float, ...]]:
        """The key colours, by name, each one cell of latents [C]."""
        return {name: tuple(self.key(rgb).tolist()) for name, rgb in KEYS.items()}

    def needed(self, pixels: int) -> int:
        """Bytes that a picture of so many pixels takes on its way, about."""
        return AT_ONCE * max(self.vae.config.block_out_channels[:2]) * pixels * FLOAT

    @contextmanager
    def _in_use(self) -> Iterator[tuple[Any, torch.dtype]]:
        """The VAE and the precision to use it in."""
        vae = self.vae
        upcast = self.upcasts and vae.dtype == torch.float16 and vae.config.force_upcast
        if upcast:
            vae.to(dtype=torch.float32)
        try:
            yield vae, torch.float32 if upcast else vae.dtype
        finally:
            if upcast:
                vae.to(dtype=torch.float16)

    def _given(self, values: Tensor, dtype: torch.dtype) -> Tensor:
        """Values on the device; on a CPU in single precision with a pixel's channels side by side,
        which its wide convolutions go through in two thirds of the time."""
        there = values.to(self.device, dtype)
        if there.device.type != "cpu" or dtype != torch.float32:
            return there
        return there.contiguous(memory_format=torch.channels_last)

    def _unscaled(self, latents: Tensor) -> Tensor:
        factor, statistics = self.vae.config.scaling_factor, self._statistics(latents)
        if statistics is None:
            # As diffusers does it, to the last digit of half precision.
            raw = latents / factor
            return raw + self._shift if self.shifts else raw
        mean, std = statistics
        return latents * (std / factor) + mean

    def _scaled(self, raw: Tensor) -> Tensor:
        factor, statistics = self.vae.config.scaling_factor, self._statistics(raw)
        if statistics is None:
            return (raw - self._shift if self.shifts else raw) * factor
        mean, std = statistics
        return (raw - mean) / (std / factor)

    @property
    def _shift(self) -> float:
        return self.vae.config.shift_factor or 0.0

    def _statistics(self, like: Tensor) -> tuple[Tensor, Tensor] | None:
        """Mean and standard deviation of the VAE's own latents [1, C, 1, 1], where it has them and
        the pipelines heed them: those that know no shift."""
        config = self.vae.config
        mean, std = getattr(config, "latents_mean", None), getattr(config, "latents_std", None)
        if self.shifts or mean is None or std is None:
            return None
        shape = (1, -1, 1, 1)
        return torch.tensor(mean).view(shape).to(like), torch.tensor(std).view(shape).to(like)


def _certain(encoded: Any) -> Tensor:
    """The most likely latents; a tiny autoencoder knows no distribution."""
    return encoded.latents if hasattr(encoded, "latents") else encoded.latent_dist.mode()


class WithAutoencoder:
    """What a backbone of any family does with its autoencoder and nothing else."""

    _vae: Autoencoder
    size: tuple[int, int]
    shape: tuple[int, int, int, int]
    has_green = False

    @property
    def has_checker(self) -> bool:
        return False

    def windowed(self, window: Window) -> Self:
        part, cell = copy(self), self._vae.cell
        part.shape = (*self.shape[:2], window.height, window.width)
        part.size = window.height * cell, window.width * cell
        return part

    def decode(self, latents: Tensor) -> Tensor:
        return self._vae.decode(latents)

    def encode(self, pictures: Tensor) -> Tensor:
        return self._vae.encode(pictures)

    def key(self, rgb: tuple[float, float, float]) -> Tensor:
        return self._vae.key(rgb)

    def marked(self, pictures: Tensor) -> Tensor:
        return pictures

    def objections(self, pictures: Tensor) -> list[bool]:
        return [False] * len(pictures)

    def decoding_bytes(self) -> int:
        return self._vae.needed(self.size[0] * self.size[1])
