"""What a whole comparison will take, before anything is fetched or drawn."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel

from taue import models
from taue.evaluation.checked import read_checked
from taue.families import FAMILIES
from taue.metrics import LATENT_CELL

SDXL_SIDE = 1024
BYTES_OF_A_PIXEL = 25
"""Of an item at most, before PNG makes it smaller: four pictures RGB, a mask, three layers RGBA."""

GIGA = 1e9
SIZES: dict[str, float] = {
    "sdxl": 3_468_837_867 * 2 / GIGA,
    "microsoft/Phi-3-mini-4k-instruct": 3_821_079_552 * 2 / GIGA,
    "openai/clip-vit-base-patch32": 151_277_313 * 4 / GIGA,
}
"""Gigabytes of weights: parameters times the bytes of each."""


@dataclass(frozen=True)
class Download:
    """A network, what it is for and its size: 0 if it is here, None if that is not known."""

    use: str
    name: str
    gigabytes: float | None


@dataclass(frozen=True)
class Plan:
    """What is to be drawn.

    Attributes:
        pairs: of the set.
        pixels: of a canvas.
        evaluations: of the UNet for one item, by method.
        downloads: what has to be fetched.
        ablation_pairs: of the ablation, if there are so many.
        ablation_evaluations: of the UNet for one pair by all of its runs.
        ablation_runs: how many runs it has.
    """

    pairs: int
    pixels: int
    evaluations: Mapping[str, int]
    downloads: Sequence[Download]
    ablation_pairs: int = 0
    ablation_evaluations: int = 0
    ablation_runs: int = 0

    @property
    def few(self) -> int:
        """Pairs of the ablation."""
        return min(self.pairs, self.ablation_pairs)

    @property
    def total_evaluations(self) -> int:
        own = self.pairs * sum(self.evaluations.values())
        return own + self.few * self.ablation_evaluations

    @property
    def disk(self) -> float:
        """Gigabytes that the runs take at most."""
        items = self.pairs * len(self.evaluations) + self.few * self.ablation_runs
        return items * self.pixels * BYTES_OF_A_PIXEL / GIGA

    def hours(self, seconds: float, gpus: int = 1) -> float:
        """Of drawing, at so many seconds for one UNet evaluation, by so many processes."""
        return self.total_evaluations * seconds / 3600 / gpus

    def lines(self, seconds: float | None, gpus: int = 1) -> list[str]:
        """The plan for people."""
        told = [f"pairs: {self.pairs}"]
        for one in self.downloads:
            size = "size unknown" if one.gigabytes is None else f"{one.gigabytes:.2f} GB to fetch"
            told.append(f"{one.use}: {one.name}, {size if one.gigabytes != 0 else 'here'}")
        for method, count in self.evaluations.items():
            told.append(f"{method}: {count} UNet evaluations an item, {self.pairs * count} in all")
        if self.few:
            told.append(
                f"ablation: {self.ablation_runs} runs, {self.few} pairs each, "
                f"{self.few * self.ablation_evaluations} UNet evaluations in all"
            )
        told += [
            f"everything: {self.total_evaluations} UNet evaluations",
            f"disk: {self.disk:.1f} GB at most",
        ]
        if seconds is None:
            told.append("hours: unknown; measure one evaluation and give --evaluation-seconds")
        else:
            told.append(f"hours: {self.hours(seconds, gpus):.1f}")
        return told


def download(use: str, name: str, *, here: bool | None = None) -> Download:
    """Whether a network has to be fetched, and how large it is; a path that exists is here."""
    if here is None:
        here = os.path.exists(os.path.expanduser(name))  # noqa: PTH110, PTH111 (never raise)
    return Download(use, name, 0 if here else SIZES.get(name))


def own_side(model: str) -> int:
    """Pixels of a side that a model draws by itself, as its folder says; SDXL's if it is none.

    Raises:
        TaueError: if there is no such model.
    """
    source = models.resolve(model)
    if source.kind is not models.Kind.folder:
        return SDXL_SIDE
    for network in sorted({one.network for one in FAMILIES.values()}):
        config = Path(source.location) / network / "config.json"
        if config.is_file():
            return read_checked(config, _Network).sample_size * LATENT_CELL
    return SDXL_SIDE


class _Network(BaseModel):
    sample_size: int
