"""A seedling: what one stage harvests and another transplants."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from taue.errors import TaueError
from taue.space import Estimate, Level


@dataclass(frozen=True)
class Seedling:
    """The state of a trajectory at the harvest step, free of any scheduler's conventions.

    ``denoised`` and ``noise`` are [1, C, h, w] float32 in scaled latents, ``level`` how much of
    either the latents held: ``level.mix(denoised, noise)``. Because the three are kept apart, a
    seedling can be planted at any level of any scheduler.
    ``attention`` ([h, w] in [0, 1]) and ``mask`` ([h, w], 1 = object) say where the subject is;
    a background's seedling has neither of an object: its mask is the outside of all subjects.
    ``final`` [1, C, h, w] is where the trajectory ended, if it is known: what a subject looks
    like in its own foreground. ``layer`` [4, H, W] in [0, 1], of 8 bits, is the subject cut out as
    its first scene showed it, if layers were made: it stays in every other scene.
    """

    denoised: Tensor
    noise: Tensor
    level: Level
    attention: Tensor
    mask: Tensor
    final: Tensor | None = None
    layer: Tensor | None = None

    @property
    def sigma(self) -> float:
        """Noise to signal where it was harvested."""
        return self.level.ratio

    @property
    def estimate(self) -> Estimate:
        """What was harvested, apart from what it shows."""
        return Estimate(self.denoised, self.noise, self.level)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write one safetensors file, complete or not at all."""
        tensors = {
            "denoised": self.denoised,
            "noise": self.noise,
            "level": torch.tensor([self.level.signal, self.level.noise], dtype=torch.float64),
            "attention": self.attention,
            "mask": self.mask,
        }
        if self.final is not None:
            tensors["final"] = self.final
        if self.layer is not None:
            tensors["layer"] = (self.layer * 255).round().to(torch.uint8)
        path = Path(path)
        unfinished = path.with_name(path.name + ".unfinished")
        # Copies: the file format refuses tensors that share memory.
        copies = {
            k: v.cpu().clone(memory_format=torch.contiguous_format) for k, v in tensors.items()
        }
        unfinished.write_bytes(save(copies))
        os.replace(unfinished, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Seedling:
        """Read what :meth:`save` wrote, or wrote when levels were ratios of noise to signal.

        Raises:
            TaueError: if the file is missing, broken or no seedling.
        """
        try:
            tensors = load_file(path)
            layer = tensors.get("layer")
            return cls(
                tensors["denoised"],
                tensors["noise"],
                _level(tensors),
                tensors["attention"],
                tensors["mask"],
                tensors.get("final"),
                None if layer is None else layer.float() / 255,
            )
        except (OSError, SafetensorError, KeyError, ValueError) as error:
            raise TaueError(f"seedling {path} cannot be read: {error}.") from error


def _level(tensors: dict[str, Tensor]) -> Level:
    if "level" not in tensors:
        return Level(1.0, float(tensors["sigma"]))
    signal, noise = tensors["level"].tolist()
    return Level(signal, noise)
