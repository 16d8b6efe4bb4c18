"""A seedling: what one stage harvests and another transplants."""

from __future__ import annotations

import os
from dataclasses import dataclass

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from taue.errors import TaueError
from taue.files.writing import whole_file


@dataclass(frozen=True)
class Seedling:
    """The state of a trajectory at the harvest step, free of any scheduler's conventions.

    ``denoised`` and ``noise`` are [1, 4, h, w] float32 in scaled latents, ``sigma`` their noise
    level: the latents were ``denoised + sigma * noise`` in variance-exploding space. Because the
    three are kept apart, a seedling can be planted at any level of any scheduler.
    ``attention`` ([h, w] in [0, 1]) and ``mask`` ([h, w], 1 = object) say where the subject is;
    a background's seedling has neither of an object: its mask is the outside of all subjects.
    ``final`` [1, 4, h, w] is where the trajectory ended, if it is known: what a subject looks
    like in its own foreground. ``layer`` [4, H, W] in [0, 1], of 8 bits, is the subject cut out as
    its first scene showed it, if layers were made: it stays in every other scene.
    """

    denoised: Tensor
    noise: Tensor
    sigma: float
    attention: Tensor
    mask: Tensor
    final: Tensor | None = None
    layer: Tensor | None = None

    def at(self, sigma: float) -> Tensor:
        """Variance-exploding latents of this seedling at another noise level [1, 4, h, w]."""
        return self.denoised + sigma * self.noise

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write one safetensors file, complete or not at all."""
        tensors = {
            "denoised": self.denoised,
            "noise": self.noise,
            "sigma": torch.tensor(self.sigma, dtype=torch.float64),
            "attention": self.attention,
            "mask": self.mask,
        }
        if self.final is not None:
            tensors["final"] = self.final
        if self.layer is not None:
            tensors["layer"] = (self.layer * 255).round().to(torch.uint8)
        # Copies: the file format refuses tensors that share memory.
        copies = {
            k: v.cpu().clone(memory_format=torch.contiguous_format) for k, v in tensors.items()
        }
        with whole_file(path) as stream:
            stream.write(save(copies))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Seedling:
        """Read what :meth:`save` wrote.

        Raises:
            TaueError: if the file is missing, broken or no seedling.
        """
        try:
            tensors = load_file(path)
            layer = tensors.get("layer")
            return cls(
                tensors["denoised"],
                tensors["noise"],
                float(tensors["sigma"]),
                tensors["attention"],
                tensors["mask"],
                tensors.get("final"),
                None if layer is None else layer.float() / 255,
            )
        except (OSError, SafetensorError, KeyError) as error:
            raise TaueError(f"seedling {path} cannot be read: {error}.") from error
