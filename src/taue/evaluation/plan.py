"""What a whole comparison will take, before anything is fetched or drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from taue import devices, models
from taue.evaluation.checked import read_checked
from taue.evaluation.sizes import Download
from taue.families import FAMILIES
from taue.metrics import LATENT_CELL
from taue.readable import counted

SDXL_SIDE = 1024
SDXL_CHANNELS, SDXL_BLOCKS = [320, 640, 1280], [1, 2, 10]
"""SDXL's UNet as its configuration tells it: channels, and transformer blocks, of each level."""

BYTES_OF_A_PIXEL = 25
"""Of an item at most, before PNG makes it smaller: four pictures RGB, a mask, three layers RGBA."""

GIGA = 1e9

H100_SECONDS = 0.032
"""Of one UNet evaluation of SDXL at its own size in bfloat16 on one NVIDIA H100:
docs/full-size.json."""


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
        sdxl: whether the model has SDXL's UNet, of which it is known how long it takes.
        copies: gigabytes of the data's own copies of its pictures; None if that is not known.
    """

    pairs: int
    pixels: int
    evaluations: Mapping[str, int]
    downloads: Sequence[Download]
    ablation_pairs: int = 0
    ablation_evaluations: int = 0
    ablation_runs: int = 0
    sdxl: bool = False
    copies: float | None = None

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
        return sum(one.to_fetch or 0 for one in self.downloads)

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
        told += [f"everything: {self.total_evaluations} UNet evaluations", self._disk_line()]
        return [*told, self._hours_line(seconds, gpus)]

    def _disk_line(self) -> str:
        copies = "unknown" if self.copies is None else f"{self.copies:.2f} GB"
        unsure = sum(one.unsure for one in self.downloads)
        more = f", and what is not known of {counted(unsure, 'network')}" if unsure else ""
        return (
            f"disk: {self.disk:.1f} GB of drawn pictures at most, the data's copies {copies}, "
            f"about {self.to_fetch:.1f} GB to fetch{more}"
        )

    def _hours_line(self, seconds: float | None, gpus: int) -> str:
        if seconds is not None:
            return f"hours: {self.hours(seconds, gpus):.1f} of drawing"
        if not self.sdxl:
            return "hours: unknown; measure one evaluation and give --evaluation-seconds"
        own = self.hours(H100_SECONDS * self.pixels / SDXL_SIDE**2, gpus)
        which = "one H100" if gpus == 1 else f"{gpus} H100s"
        return (
            f"hours: about {own:.1f} of drawing on {which} (docs/full-size.json); "
            "give --evaluation-seconds for another machine"
        )


def copied(pictures: Sequence[Path], few: int) -> float | None:
    """Gigabytes of a data set's copies of pictures, and of the first few that the ablation has in a
    set of its own; None if one of them is not there."""
    try:
        sizes = [path.stat().st_size for path in pictures]
    except OSError:
        return None
    return (sum(sizes) + (sum(sizes[:few]) if few < len(sizes) else 0)) / GIGA


def fetched_in_half(device: str, dtype: str) -> bool:
    """Whether the model is loaded in float16, a variant of its own where a model has one: half the
    download. A device that this machine lacks is taken at its word."""
    if dtype != devices.AUTO:
        return dtype == "float16"
    kind = devices.choose(device, dtype)[0].type if device == devices.AUTO else device
    return kind != "cpu"


def own_side(model: str) -> int:
    """Pixels of a side that a model draws by itself, as its configuration says; SDXL's if that is
    not here, or does not say.

    Raises:
        TaueError: if there is no such model.
    """
    config = _network(model)
    return SDXL_SIDE if config is None else (config.sample_size * LATENT_CELL)


def has_sdxl_unet(model: str) -> bool:
    """Whether a model's UNet is of SDXL's size, as far as its configuration is here.

    Raises:
        TaueError: if there is no such model.
    """
    if models.resolve(model).location == models.NAMED["sdxl"]:
        return True
    config = _network(model)
    return config is not None and (
        (config.block_out_channels, config.transformer_layers_per_block)
        == (SDXL_CHANNELS, SDXL_BLOCKS)
    )


class _Network(BaseModel):
    """Transformers have no channels; FLUX.1's does not say its side, which is SDXL's."""

    sample_size: int = SDXL_SIDE // LATENT_CELL
    block_out_channels: Any = None
    transformer_layers_per_block: Any = None


def _network(model: str) -> _Network | None:
    """The configuration of what denoises, from a folder or the hub's cache."""
    from huggingface_hub import try_to_load_from_cache

    source = models.resolve(model)
    for network in sorted({one.network for one in FAMILIES.values()}):
        name = f"{network}/config.json"
        if source.kind is models.Kind.folder:
            config: Any = Path(source.location) / name
        elif source.kind is models.Kind.hub:
            config = try_to_load_from_cache(source.location, name)
        else:
            return None
        if isinstance(config, str | Path) and Path(config).is_file():
            return read_checked(Path(config), _Network)
    return None
