"""Which networks have to be fetched, and how large they are; nothing is asked of the hub."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from taue import models
from taue.evaluation.methods import layerdiffuse, released
from taue.evaluation.weights import ENDINGS, may_be_on_hub

INCEPTION = "pt_inception-2015-12-05-6726825d.pth"
ALEXNET = "alexnet-owt-7be5be79.pth"
CLIP = "openai/clip-vit-large-patch14"
SDXL = models.NAMED["sdxl"]

SIZES: dict[str, float] = {
    # Parameters times the bytes of each.
    SDXL: 3.468837867 * 4,
    "microsoft/Phi-3-mini-4k-instruct": 3.821079552 * 2,
    CLIP: 0.427616513 * 4,
    # What their publishers say; LPIPS' linear heads, a few KB, come with torchmetrics.
    INCEPTION: 0.096,
    ALEXNET: 0.244,
    # Attention's offsets, of rank 256 for SDXL's every attention, and the decoder, in half
    # precision. Of the offsets of the two stages after it no size is known.
    released.HUB: (0.3716 + 0.1041) * 2,
}
"""Gigabytes of weights, about, by a hub id or a file's name."""

AT_LEAST = frozenset((released.HUB,))
"""Of which not every file's size is known."""

ASKED_BY = {
    "FID": ("--inception", INCEPTION),
    "CLIP-I and CLIP-S": ("--clip", CLIP),
    "LPIPS": ("--alexnet", ALEXNET),
}
"""Columns that need a network: its option, and what is usually given."""

SDXL_FILES = (
    "unet/diffusion_pytorch_model",
    "vae/diffusion_pytorch_model",
    "text_encoder/model",
    "text_encoder_2/model",
)


class State(StrEnum):
    """Where a network is."""

    HERE = "here"
    TO_FETCH = "to fetch"
    MISSING = "missing"
    NOT_NAMED = "not named"


@dataclass(frozen=True)
class Download:
    """A network that is to be used.

    Attributes:
        use: what it is for.
        name: as it was given; None if it was not.
        state: whether it is here, is fetched from the hub, or has to be brought.
        gigabytes: of its weights, about; None if that is not known.
        at_least: whether that is of some of its files alone.
    """

    use: str
    name: str | None
    state: State
    gigabytes: float | None = None
    at_least: bool = False

    @property
    def to_fetch(self) -> float | None:
        """Gigabytes that are fetched from the hub; None if that is not known."""
        return self.gigabytes if self.state is State.TO_FETCH else 0.0

    @property
    def unsure(self) -> bool:
        """Whether more is fetched than is known."""
        return self.state is State.TO_FETCH and (self.gigabytes is None or self.at_least)

    def __str__(self) -> str:
        match self.state:
            case State.NOT_NAMED:
                option, usual = ASKED_BY[self.use]
                size = _told(SIZES[usual])
                return (
                    f'{self.use}: not named, its columns will be "-"; give {option} '
                    f"({usual}, {size})"
                )
            case State.MISSING:
                size = "size unknown" if self.gigabytes is None else _told(self.gigabytes)
                return f"{self.use}: {self.name}, missing ({size}); bring it, or correct the path"
            case State.TO_FETCH:
                if self.gigabytes is None:
                    return f"{self.use}: {self.name}, to fetch, size unknown"
                more = "at least " if self.at_least else ""
                return f"{self.use}: {self.name}, {more}{_told(self.gigabytes)} to fetch"
            case State.HERE:
                return f"{self.use}: {self.name}, here"


def download(use: str, name: str | None, *, half: bool = False) -> Download:
    """Whether a network has to be fetched, and how large it is; a path that exists is here, and so
    is what the hub's cache has.

    Args:
        use: what it is for.
        name: a file, a folder, a hub id or a known model; None if none was given.
        half: whether half-precision weights will do, where the hub has them apart.
    """
    if name is None:
        return Download(use, None, State.NOT_NAMED)
    location = models.NAMED.get(name, name)
    there = os.path.exists(os.path.expanduser(location))  # noqa: PTH110, PTH111 (never raise)
    if there or cached(location, half=half):
        return Download(use, name, State.HERE)
    state = State.TO_FETCH if may_be_on_hub(location) else State.MISSING
    size = SIZES.get(location if state is State.TO_FETCH else Path(location).name)
    if size is not None and half and location in models.HALF_VARIANTS:
        size /= 2
    return Download(use, name, state, size, location in AT_LEAST)


def cached(location: str, *, half: bool = False) -> bool:
    """Whether the hub's cache has a model's weights. Of models but SDXL and LayerDiffuse any file
    of weights is taken for all, so that an interrupted download may go for a whole one."""
    if not may_be_on_hub(location):
        return False
    files = _files(location, half)
    folder = _snapshot(location, files)
    if folder is None:
        return False
    if files:
        return all((folder / file).is_file() for file in files)
    return any(next(folder.rglob(f"*{ending}"), None) for ending in ENDINGS)


def _files(location: str, half: bool) -> Sequence[str]:
    """The files that are wanted, where they are known by name."""
    if location == SDXL:
        variant = f".{models.HALF_VARIANTS[SDXL]}" if half else ""
        return [f"{file}{variant}.safetensors" for file in SDXL_FILES]
    return layerdiffuse.FETCHED if location == released.HUB else ()


def _snapshot(location: str, files: Sequence[str]) -> Path | None:
    """The folder that the cache has of a hub id, if it has one and none of the files is known to
    be missing."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        return Path(snapshot_download(location, allow_patterns=list(files), local_files_only=True))
    except (LocalEntryNotFoundError, OSError, ValueError):
        return None


def _told(gigabytes: float) -> str:
    if gigabytes < 1:
        return f"about {gigabytes * 1000:.0f} MB"
    return f"about {gigabytes:.2f} GB"
