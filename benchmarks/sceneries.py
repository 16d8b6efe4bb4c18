"""Seeded scenes of paddy's vocabulary for the applications, and what is asked of their pictures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageDraw

from taue import Layers, TauePipeline
from taue.paddy import scenes
from taue.paddy.judge import Sighting

SEED, TILE = 20_511, 128


@dataclass(frozen=True)
class Scenery:
    """Objects (colour, kind) of different colours and kinds before a background."""

    objects: tuple[tuple[str, str], ...]
    background: str
    seed: int

    @property
    def prompts(self) -> list[str]:
        return [scenes.object_caption(*one) for one in self.objects]

    @property
    def whole(self) -> str:
        return scenes.whole_captions(self.prompts, self.background)[0]


def sceneries(count: int, objects: int) -> list[Scenery]:
    """Seeded; backgrounds come up equally, pairs are those that training saw."""
    rng = np.random.default_rng((SEED, objects))
    grounds = tuple(scenes.BACKGROUNDS)
    made: list[Scenery] = []
    for i in range(count):
        spec = scenes.sample_spec(rng, objects=objects)
        pairs = tuple((o.colour, o.kind) for o in spec.objects)
        made.append(Scenery(pairs, grounds[i % len(grounds)], SEED + i))
    return made


def scenery_layers(pipe: TauePipeline, scenery: Scenery, **options: Any) -> Layers:
    """Its layers, with the defaults of the method."""
    return pipe(
        scenery.prompts,
        scenery.background,
        generator=torch.Generator().manual_seed(scenery.seed),
        **options,
    )


def all_there(asked: Sequence[tuple[str, str]], seen: Sighting) -> bool:
    """Every object asked for is seen in its own colour and kind."""
    return set(asked) <= {(o.colour, o.kind) for o in seen.objects}


SheetRow = tuple[str, list[Image.Image]]
"""A label and pictures."""


def thumbnail(picture: Image.Image, tile: int = TILE) -> Image.Image:
    """A small copy for a sheet, what is transparent on grey."""
    if picture.mode == "RGBA":
        ground = Image.new("RGBA", picture.size, (128, 128, 128, 255))
        picture = Image.alpha_composite(ground, picture)
    return picture.convert("RGB").resize((tile, tile), Image.Resampling.LANCZOS)


def sheet(path: Path, columns: Sequence[str], rows: Sequence[SheetRow], tile: int = TILE) -> None:
    """A row of pictures for each scene under the names of the columns."""
    page = Image.new("RGB", (len(columns) * (tile + 4), 16 + len(rows) * (tile + 18)), "white")
    draw = ImageDraw.Draw(page)
    for j, name in enumerate(columns):
        draw.text((j * (tile + 4) + 2, 2), name, "grey")
    for i, (label, pictures) in enumerate(rows):
        top = 16 + i * (tile + 18)
        draw.text((2, top + 2), label, "black")
        for j, picture in enumerate(pictures):
            page.paste(thumbnail(picture, tile), (j * (tile + 4), top + 16))
    page.save(path, optimize=True)


def write_figures(path: Path, told: dict[str, Any], each: Any) -> None:
    """Print the sums and write them with every scene's figures."""
    print(json.dumps(told, indent=1))
    path.write_text(json.dumps({"summary": told, "each": each}, indent=1) + "\n")
