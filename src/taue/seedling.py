"""A seedling: what one stage harvests and another transplants."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from taue.disk.limits import read_bytes
from taue.disk.writing import whole_file
from taue.errors import TaueError
from taue.families import FAMILIES, SDXL, known_titles
from taue.space import Estimate, Level

LARGEST = 2**29
"""Bytes of a file."""

LONGEST_SIDE, LARGEST_VALUE, HIGHEST = 16_384, 1e4, 1e5
"""Cells of a side or channels; a latent's size; a noise level: what a model makes is far below."""

SLACK = 1e-4
"""Maps in [0, 1] may be so far outside by rounding."""


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
    its first scene showed it, if layers were made: it stays in every other scene. ``drawn`` is that
    layer where it had room, of a subject that went into a box too small to draw in (see
    :mod:`taue.small`). ``family`` names the models whose latents these are: those of another family
    say nothing to them.
    """

    denoised: Tensor
    noise: Tensor
    level: Level
    attention: Tensor
    mask: Tensor
    final: Tensor | None = None
    layer: Tensor | None = None
    drawn: Tensor | None = None
    family: str = SDXL

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
            "family": torch.tensor(list(self.family.encode()), dtype=torch.uint8),
        }
        if self.final is not None:
            tensors["final"] = self.final
        for name, picture in (("layer", self.layer), ("drawn", self.drawn)):
            if picture is not None:
                tensors[name] = (picture * 255).round().to(torch.uint8)
        # Copies: the file format refuses tensors that share memory.
        copies = {
            k: v.cpu().clone(memory_format=torch.contiguous_format) for k, v in tensors.items()
        }
        with whole_file(path) as stream:
            stream.write(save(copies))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Seedling:
        """Read what :meth:`save` wrote, or wrote when levels were ratios of noise to signal and
        SDXL the only family.

        Raises:
            TaueError: if the file is missing, broken or no seedling.
        """
        file = Path(path)
        try:
            tensors = load(read_bytes(file, LARGEST))
            _check(tensors)
        except (SafetensorError, ValueError, KeyError) as error:
            reason = str(error).partition("; ")[0] if isinstance(error, TaueError) else str(error)
            raise TaueError(f"seedling {path} cannot be read: {reason.rstrip('.')}.") from error
        layer, drawn = (
            None if (picture := tensors.get(name)) is None else picture.float() / 255
            for name in ("layer", "drawn")
        )
        return cls(
            tensors["denoised"],
            tensors["noise"],
            _level(tensors),
            tensors["attention"],
            tensors["mask"],
            tensors.get("final"),
            layer,
            drawn,
            _family(tensors),
        )

    def require_family(self, family: str, who: str) -> None:
        """Refuse to plant into the latents of another family.

        Args:
            family: of the model that it shall grow in.
            who: what to call it.

        Raises:
            TaueError: if it is another's.
        """
        if self.family != family:
            own, other = FAMILIES[self.family].title, FAMILIES[family].title
            raise TaueError(
                f"{who} grew in a model of {own}, whose latents are not those of {other}; "
                f"use a model of {own}."
            )


def _level(tensors: Mapping[str, Tensor]) -> Level:
    """What the latents were made of; earlier versions kept the ratio alone."""
    if "level" not in tensors:
        return Level(1.0, float(tensors["sigma"]))
    signal, noise = tensors["level"].tolist()
    return Level(signal, noise)


def _family(tensors: Mapping[str, Tensor]) -> str:
    """Whose latents they are; earlier versions knew SDXL's alone."""
    return bytes(tensors["family"].tolist()).decode() if "family" in tensors else SDXL


def _check(tensors: Mapping[str, Tensor]) -> None:
    """ValueError or KeyError if what a file holds can be no seedling."""
    shape = tuple(tensors["denoised"].shape)
    if len(shape) != 4 or shape[0] != 1 or not all(0 < n <= LONGEST_SIDE for n in shape):
        raise ValueError(f"denoised is {list(shape)}; it should be [1, C, h, w]")
    for name, wanted, largest in (
        ("denoised", shape, LARGEST_VALUE),
        ("noise", shape, LARGEST_VALUE),
        ("final", shape, LARGEST_VALUE),
        ("attention", shape[-2:], 1 + SLACK),
        ("mask", shape[-2:], 1 + SLACK),
    ):
        if name == "final" and name not in tensors:
            continue
        found = tensors[name]
        if tuple(found.shape) != wanted or found.dtype != torch.float32:
            raise ValueError(
                f"{name} is {found.dtype} {list(found.shape)}; "
                f"it should be torch.float32 {list(wanted)}"
            )
        least = -SLACK if largest < LARGEST_VALUE else -largest
        if not bool(((found >= least) & (found <= largest)).all()):
            raise ValueError(f"{name} holds values that are not finite or too large")
    name, count = ("level", 2) if "level" in tensors else ("sigma", 1)
    level = tensors[name]
    if level.numel() != count or not level.is_floating_point():
        raise ValueError(
            f"{name} is {level.dtype} {list(level.shape)}; it should be {count} floats"
        )
    if not bool(((level >= 0) & (level <= HIGHEST)).all()):
        raise ValueError(f"{name} is not from 0 to {HIGHEST:g}")
    family = tensors.get("family")
    if family is not None and (family.dtype != torch.uint8 or _family(tensors) not in FAMILIES):
        raise ValueError(f"family is none of {known_titles()}")
    _check_pictures(tensors)


def _check_pictures(tensors: Mapping[str, Tensor]) -> None:
    """ValueError if a picture in a file can be no subject's layer."""
    for name in ("layer", "drawn"):
        one = tensors.get(name)
        if one is not None and (
            one.dtype != torch.uint8 or one.ndim != 3 or one.shape[0] != 4 or not one.numel()
        ):
            raise ValueError(f"{name} is {one.dtype} {list(one.shape)}; it should be [4, H, W]")
