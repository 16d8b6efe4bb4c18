"""ART's published output (arXiv 2502.18364, microsoft/art-msra before it was withdrawn): one folder
for each sample.

    layer_0.png, merged.png     the whole picture as it was drawn
    layer_1.png                 the background
    layer_K.png                 a further layer, K from 2 from the lowest, on grey as it was drawn
    layer_K_rgba.png            the same with its alpha on the whole canvas; 0 and 1 are opaque
    merged_rgba.png             the background with the further layers laid over it
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from PIL import Image

from taue.arrays import Bytes
from taue.errors import TaueError
from taue.evaluation.items import COMPOSITE, Item, read_item
from taue.evaluation.pictures import read_picture

MERGED, STACKED = "merged.png", "merged_rgba.png"
_LAYER = re.compile(r"layer_(\d{1,3})_rgba\.png")


def read_any(folder: Path) -> Item:
    """An item in the package's own format, or a sample in ART's.

    Raises:
        TaueError: if a picture is missing, broken or of another size than the others.
    """
    if (folder / MERGED).exists() and not (folder / COMPOSITE).exists():
        return read_art(folder)
    return read_item(folder)


def read_art(folder: Path) -> Item:
    """A sample as an item whose foreground is all layers but the background, laid over each other.

    Raises:
        TaueError: if the background is missing, or a picture is broken or of another size.
    """
    found = ((_LAYER.fullmatch(path.name), path) for path in folder.iterdir())
    numbered = {int(match[1]): path for match, path in found if match}
    if 1 not in numbered:
        raise TaueError(f"item {str(folder)!r} lacks layer_1_rgba.png, ART's background; add it.")
    names = [numbered[number] for number in sorted(numbered) if number]
    composite = read_picture(folder / MERGED)
    layers = tuple(read_picture(path, "RGBA") for path in names)
    shown = read_picture(folder / STACKED) if (folder / STACKED).exists() else None
    if any(one.shape[:2] != composite.shape[:2] for one in (*layers, shown) if one is not None):
        raise TaueError(f"item {str(folder)!r} has pictures of different sizes; make them alike.")
    background, *further = layers
    if not further:
        return Item(composite, background[..., :3], layers=layers, shown=shown)
    front = _over_each_other(further)
    return Item(
        composite, background[..., :3], front[..., :3], front[..., 3], layers, shown,
        subjects=len(further),
    )  # fmt: skip


def _over_each_other(layers: list[Bytes]) -> Bytes:
    """Layers RGBA as one, straight alpha."""
    whole = Image.fromarray(layers[0])
    for layer in layers[1:]:
        whole = Image.alpha_composite(whole, Image.fromarray(layer))
    return np.asarray(whole)
