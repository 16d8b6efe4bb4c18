"""Items that are made by hand from rendered sets, whose figures are known."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image

from taue.evaluation.dataset import DataSet, Pair, read_data
from taue.evaluation.items import Cost, Item, two_layers, write_item
from taue.evaluation.runs import ITEMS, RUN, RunAbout
from taue.paddy import scenes

KEY = np.array([20, 230, 20], np.uint8)


def perfect(data: DataSet, pair: Pair) -> Item:
    """The set's own picture, taken apart: a plate that is right but where the object is, and the
    object on a key colour."""
    picture = np.array(Image.open(data.picture(pair)).convert("RGB"))
    colour, kind = pair.foreground.split()[1:]
    box = scenes.Box(*pair.box)
    thing = scenes.render(
        scenes.SceneSpec((scenes.ObjectSpec(kind, colour, box),), None, (0, 0, 0), 0),
        picture.shape[0],
    ).objects[0]
    mask = thing.rgba[..., 3]
    foreground = np.where(mask[..., None] > 0, picture, KEY)
    background = np.where(mask[..., None] > 0, np.uint8(128), picture)
    return Item(
        picture, background, foreground, mask, two_layers(background, foreground, mask),
        cost=Cost(seconds=2.0, unet_evaluations=100),
    )  # fmt: skip


def write_run(
    folder: Path, data_folder: Path, method: str = "taue", *, copies: bool = False, first: int = 99
) -> Path:
    """A run of perfect items, of the first pairs alone if ``first`` says so."""
    data = read_data(data_folder)
    for pair in data.pairs[:first]:
        place = folder / ITEMS / pair.id
        place.mkdir(parents=True)
        write_item(perfect(data, pair), place)
    about = RunAbout(
        method=method, copies=copies, data=str(data_folder), digest=data.digest,
        pictures=len(data.pairs), options={"steps": 8},
    )  # fmt: skip
    (folder / RUN).write_text(json.dumps(about.model_dump()))
    return folder
