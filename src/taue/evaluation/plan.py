"""What a whole comparison will take, before anything is fetched or drawn."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import try_to_load_from_cache
from pydantic import BaseModel

from taue import models
from taue.evaluation.checked import read_checked
from taue.evaluation.weights import HUB_ID
from taue.families import FAMILIES
from taue.metrics import LATENT_CELL

SDXL_SIDE = 1024
BYTES_OF_A_PIXEL = 25
"""Of an item at most, before PNG makes it smaller: four pictures RGB, a mask, three layers RGBA."""

GIGA = 1e9
SIZES: dict[str, float] = {
    "sdxl": 3_468_837_867 * 2 / GIGA,
    "microsoft/Phi-3-mini-4k-instruct": 3_821_079_552 * 2 / GIGA,
    "openai/clip-vit-large-patch14": 427_616_513 * 4 / GIGA,
}
"""Gigabytes of weights: parameters times the bytes of each."""

IN_FLOAT32 = {"sdxl": 2.0}
"""By how much more is fetched in single precision: half is a variant of these."""

H100_SECONDS = 0.032
"""Of one UNet evaluation of SDXL at its own size on one NVIDIA H100: docs/full-size.json."""

ASKED_BY = {"FID": "--inception", "CLIP-I and CLIP-S": "--clip", "LPIPS": "--alexnet"}
"""Columns that need a network, and its option."""

INDEXES = ("model_index.json", "config.json")
"""Files of which the hub's cache has one of any model that was fetched."""


@dataclass(frozen=True)
class Download:
    """A network, what it is for and its size: 0 if it is here, None if that is not known.

    ``name`` is None where none is named, and then nothing is fetched; ``missing`` says that it is a
    path at which there is nothing.
    """

    use: str
    name: str | None
    gigabytes: float | None
    missing: bool = False

    def __str__(self) -> str:
        if self.name is None:
            return f'{self.use}: not named, so "-"; give {ASKED_BY[self.use]}'
        if self.missing:
            return f"{self.use}: {self.name}, missing"
        if self.gigabytes is None:
            return f"{self.use}: {self.name}, to fetch, size unknown"
        return f"{self.use}: {self.name}, " + (
            "here" if self.gigabytes == 0 else f"{self.gigabytes:.2f} GB to fetch"
        )


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
        sdxl: whether the model is SDXL, of which it is known how long it takes.
    """

    pairs: int
    pixels: int
    evaluations: Mapping[str, int]
    downloads: Sequence[Download]
    ablation_pairs: int = 0
    ablation_evaluations: int = 0
    ablation_runs: int = 0
    sdxl: bool = False

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
        """Gigabytes that the runs' pictures take at most."""
        items = self.pairs * len(self.evaluations) + self.few * self.ablation_runs
        return items * self.pixels * BYTES_OF_A_PIXEL / GIGA

    @property
    def to_fetch(self) -> float:
        """Gigabytes, of what is known."""
        return sum(one.gigabytes or 0 for one in self.downloads)

    def hours(self, seconds: float, gpus: int = 1) -> float:
        """Of drawing, at so many seconds for one UNet evaluation, by so many processes."""
        return self.total_evaluations * seconds / 3600 / gpus

    def lines(self, seconds: float | None, gpus: int = 1) -> list[str]:
        """The plan for people."""
        told = [f"pairs: {self.pairs}", *map(str, self.downloads)]
        for method, count in self.evaluations.items():
            told.append(f"{method}: {count} UNet evaluations an item, {self.pairs * count} in all")
        if self.few:
            told.append(
                f"ablation: {self.ablation_runs} runs, {self.few} pairs each, "
                f"{self.few * self.ablation_evaluations} UNet evaluations in all"
            )
        told += [
            f"everything: {self.total_evaluations} UNet evaluations",
            f"disk: {self.disk:.1f} GB of pictures at most, {self.to_fetch:.1f} GB to fetch",
        ]
        if seconds is not None:
            told.append(f"hours: {self.hours(seconds, gpus):.1f}")
        elif self.sdxl:
            own = H100_SECONDS * self.pixels / SDXL_SIDE**2
            told.append(
                f"hours: about {self.hours(own, gpus):.1f} of drawing, if all GPUs are NVIDIA H100 "
                "(docs/full-size.json); of others --evaluation-seconds tells"
            )
        else:
            told.append("hours: unknown; measure one evaluation and give --evaluation-seconds")
        return told


def download(
    use: str, name: str | None, *, here: bool | None = None, dtype: str = "auto"
) -> Download:
    """Whether a network has to be fetched, and how large it is; a path that exists is here, and so
    is what the hub's cache has."""
    if name is None:
        return Download(use, None, 0)
    if here is None:
        here = os.path.exists(os.path.expanduser(name))  # noqa: PTH110, PTH111 (never raise)
        here = here or cached(name)
    if here:
        return Download(use, name, 0)
    known = name in SIZES or name in models.NAMED or HUB_ID.fullmatch(name) is not None
    size = SIZES.get(name)
    if size is not None and dtype == "float32":
        size *= IN_FLOAT32.get(name, 1.0)
    return Download(use, name, size, missing=not known)


def cached(name: str) -> bool:
    """Whether the hub's cache has a model, without asking the hub."""
    location = models.NAMED.get(name, name)
    if HUB_ID.fullmatch(location) is None:
        return False
    return any(isinstance(try_to_load_from_cache(location, file), str) for file in INDEXES)


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
