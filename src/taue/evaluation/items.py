"""What a method, ours or any other program, leaves of one pair: a folder of pictures.

    composite.png      the whole scene
    background.png     without the foreground
    foreground.png     RGBA, whose alpha is its mask; or RGB as it was drawn, with mask.png beside
    mask.png           grey, white = foreground; or with alpha, which then is the mask. Without a
                       foreground.png it is what is known of the foreground
    layers/*.png       RGBA, the lowest first in the order of their names, where a layered file has
                       more than the background and the foreground
    shown.png          what those add up to, if it is another picture than composite.png
    item.json          seconds and unet_evaluations, where known

Only ``composite.png`` must be there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import BaseModel

from taue.arrays import Bytes
from taue.disk.png import write_png
from taue.errors import TaueError
from taue.evaluation.checked import read_checked
from taue.evaluation.columns import Needs
from taue.evaluation.pictures import read_picture

COMPOSITE, BACKGROUND, FOREGROUND, MASK = (
    f"{name}.png" for name in ("composite", "background", "foreground", "mask")
)
SHOWN, LAYERS, COST = "shown.png", "layers", "item.json"


class Cost(BaseModel):
    """What an item cost, and what its user was warned of."""

    seconds: float | None = None
    unet_evaluations: int | None = None
    warnings: list[str] = []


@dataclass(frozen=True)
class Item:
    """Pictures uint8 [H, W, 3], ``mask`` uint8 [H, W], ``layers`` uint8 [H, W, 4] from the lowest.

    ``foreground`` is as it was drawn: what is outside the mask is no part of it. ``layers`` add up
    to ``shown``; the topmost ``subjects`` of them are subjects. None and empty are what a method
    does not make.
    """

    composite: Bytes
    background: Bytes | None = None
    foreground: Bytes | None = None
    mask: Bytes | None = None
    layers: tuple[Bytes, ...] = ()
    shown: Bytes | None = None
    cost: Cost = field(default_factory=Cost)
    subjects: int = 1

    @property
    def alpha(self) -> NDArray[np.float32] | None:
        """The mask in [0, 1]."""
        return None if self.mask is None else self.mask.astype(np.float32) / np.float32(255)

    @property
    def parts(self) -> set[Needs]:
        """Which parts that columns need are there."""
        known = {
            Needs.MASK: self.mask is not None,
            Needs.FOREGROUND: self.foreground is not None,
            Needs.BACKGROUND: self.background is not None,
            Needs.GROUND: self.background is not None or bool(self.layers),
            Needs.STACK: bool(self.layers),
        }
        there = {need for need, is_there in known.items() if is_there}
        return there | {Needs.LAYERS} if there else there


def two_layers(background: Bytes, foreground: Bytes, mask: Bytes) -> tuple[Bytes, Bytes]:
    """A background and a foreground as a stack of two."""
    opaque = np.full((*mask.shape, 1), 255, np.uint8)
    return np.concatenate([background, opaque], -1), np.dstack([foreground, mask])


def write_item(item: Item, folder: Path) -> None:
    """Fill a folder that exists."""
    pictures = {
        COMPOSITE: item.composite,
        BACKGROUND: item.background,
        FOREGROUND: item.foreground,
        MASK: item.mask,
        SHOWN: item.shown,
    }
    for name, picture in pictures.items():
        if picture is not None:
            write_png(Image.fromarray(picture), folder / name)
    if item.layers:
        (folder / LAYERS).mkdir()
    for place, layer in enumerate(item.layers):
        write_png(Image.fromarray(layer), folder / LAYERS / f"{place}.png")
    (folder / COST).write_text(item.cost.model_dump_json(indent=2) + "\n", encoding="utf-8")


def read_item(folder: Path) -> Item:
    """Read a folder.

    Raises:
        TaueError: if a picture is missing, broken or of another size than the composite.
    """
    composite = read_picture(folder / COMPOSITE)
    background = read_picture(folder / BACKGROUND) if (folder / BACKGROUND).exists() else None
    foreground, mask = _foreground(folder)
    names = sorted((folder / LAYERS).glob("*.png")) if (folder / LAYERS).is_dir() else []
    layers = tuple(read_picture(path, "RGBA") for path in names)
    shown = read_picture(folder / SHOWN) if (folder / SHOWN).exists() else None
    if not layers and background is not None and foreground is not None and mask is not None:
        _same_size(folder, composite, background, foreground, mask)
        layers = two_layers(background, foreground, mask)
    cost = read_checked(folder / COST, Cost) if (folder / COST).exists() else Cost()
    some = [background, foreground, mask, shown, *layers]
    _same_size(folder, composite, *(picture for picture in some if picture is not None))
    return Item(composite, background, foreground, mask, layers, shown, cost)


def _foreground(folder: Path) -> tuple[Bytes | None, Bytes | None]:
    """The foreground's colours and its mask; a mask may stand alone."""
    mask = _mask(folder / MASK) if (folder / MASK).exists() else None
    if not (folder / FOREGROUND).exists():
        return None, mask
    rgba = read_picture(folder / FOREGROUND, "RGBA")
    if mask is not None:
        return rgba[..., :3], mask
    if (rgba[..., 3] == 255).all():
        raise TaueError(f"item {str(folder)!r} has an opaque foreground.png; add a mask.png.")
    return rgba[..., :3], rgba[..., 3]


def _mask(path: Path) -> Bytes:
    """A mask [H, W]: the file's alpha if it has one that says anything, else its grey."""
    alpha = read_picture(path, "RGBA")[..., 3]
    return read_picture(path, "L") if (alpha == 255).all() else alpha


def _same_size(folder: Path, composite: Bytes, *others: Bytes) -> None:
    if any(other.shape[:2] != composite.shape[:2] for other in others):
        raise TaueError(f"item {str(folder)!r} has pictures of different sizes; make them alike.")
