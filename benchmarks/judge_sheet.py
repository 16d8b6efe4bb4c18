"""A contact sheet of sightings: boxes, names and mask outlines drawn over the pictures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from taue.arrays import Bytes
from taue.paddy.judge.sighting import Sighting

ACROSS, TILE, LABEL = 6, 256, 16
OUTLINE = (255, 230, 0)


def sighting_sheet(pictures: Sequence[Bytes], sightings: Sequence[Sighting]) -> Image.Image:
    """Six pictures uint8 [H, W, 3] a row; above each its background and how sure that is."""
    down = -(-len(pictures) // ACROSS)
    page = Image.new("RGB", (ACROSS * TILE, down * (TILE + LABEL)), "white")
    pen = ImageDraw.Draw(page)
    for index, (picture, sighting) in enumerate(zip(pictures, sightings, strict=True)):
        x, y = index % ACROSS * TILE, index // ACROSS * (TILE + LABEL)
        page.paste(_tile(picture, sighting), (x, y + LABEL))
        said = f"{sighting.background or 'plain ground'} {sighting.background_confidence:.2f}"
        pen.text((x + 2, y + 2), said, "black")
    return page


def _tile(picture: Bytes, sighting: Sighting) -> Image.Image:
    shown = Image.fromarray(seen_outlined(picture, sighting)).resize((TILE, TILE))
    pen = ImageDraw.Draw(shown)
    for thing in sighting.objects:
        left, top, right, bottom = thing.box.pixels(TILE, TILE)
        pen.rectangle((left, top, right - 1, bottom - 1), outline="red")
        text = f"{thing.caption} {thing.confidence:.2f}"
        left = max(0, min(left + 3, TILE - 4 - round(pen.textlength(text))))
        pen.text((left, top + 1), text, "white", stroke_width=1, stroke_fill="black")
    return shown


def seen_outlined(picture: Bytes, sighting: Sighting) -> Bytes:
    """The picture with the edge of the judge's mask in yellow."""
    solid = sighting.mask > 0.5
    edge = np.zeros_like(solid)
    edge[:, 1:] |= solid[:, 1:] != solid[:, :-1]
    edge[1:] |= solid[1:] != solid[:-1]
    marked = picture.copy()
    marked[edge] = OUTLINE
    return marked
