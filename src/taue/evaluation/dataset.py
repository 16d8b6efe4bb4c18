"""An evaluation set on disk: pictures, their annotations in COCO's format, and pairs of prompts.

DIR/data.json          what it was made from, and how many were left after every filter
DIR/annotations.json   COCO's format, of the pictures that were kept
DIR/pairs.jsonl        one line for each picture: its prompts, its object's box, a seed
DIR/images/ID.*        the pictures themselves
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from taue.box import Box
from taue.disk.limits import read_bytes
from taue.disk.writing import complete_folder
from taue.errors import TaueError
from taue.evaluation.checked import parsed, read_checked

FORMAT = 1
DATA, ANNOTATIONS, PAIRS, IMAGES = "data.json", "annotations.json", "pairs.jsonl", "images"

PromptText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
Identity = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$")]


class Prompts(BaseModel):
    """What stands in front, what is behind, and both in one sentence."""

    model_config = ConfigDict(frozen=True)

    foreground: PromptText
    background: PromptText
    scene: PromptText


class Pair(Prompts):
    """One line of ``pairs.jsonl``.

    Attributes:
        id: names the item in every run; letters, digits, - and _.
        image: the picture's path inside the set.
        annotation: the id of its main object in ``annotations.json``.
        box: that object's left, top, width and height as fractions of the picture.
        seed: of the item's generation.
    """

    id: Identity
    image: Annotated[str, StringConstraints(pattern=r"^images/[A-Za-z0-9_-]+\.[a-z]+$")]
    annotation: int
    box: tuple[float, float, float, float]
    seed: Annotated[int, Field(ge=0, lt=2**31)]

    @property
    def area(self) -> Box:
        """The box as the rest of the package takes it."""
        return Box(*self.box)


class Count(BaseModel):
    """How many pictures were left after a filter."""

    after: str
    pictures: int


class About(BaseModel):
    """``data.json``."""

    format: Literal[1] = FORMAT
    name: str
    made_with: dict[str, Any]
    counts: list[Count]


@dataclass(frozen=True)
class DataSet:
    """A set as it was read; ``digest`` is the SHA-256 of its pairs, which tells sets apart."""

    folder: Path
    about: About
    pairs: tuple[Pair, ...]
    digest: str

    def picture(self, pair: Pair) -> Path:
        return self.folder / pair.image

    def filled(self) -> dict[str, float]:
        """Of each pair, the share of its main object's box that the object fills: a bench little of
        it, a ball most."""
        told = json.loads(read_bytes(self.folder / ANNOTATIONS))["annotations"]
        shares = {one["id"]: one["area"] / (one["bbox"][2] * one["bbox"][3]) for one in told}
        return {pair.id: shares[pair.annotation] for pair in self.pairs}


def write_data(
    folder: Path, about: About, annotations: dict[str, Any], pairs: Sequence[Pair]
) -> None:
    """Write everything but the pictures, which are in ``images/`` already."""
    lines = "".join(pair.model_dump_json() + "\n" for pair in pairs)
    (folder / PAIRS).write_text(lines, encoding="utf-8", newline="\n")
    (folder / ANNOTATIONS).write_text(json.dumps(annotations) + "\n", encoding="utf-8")
    (folder / DATA).write_text(about.model_dump_json(indent=2) + "\n", encoding="utf-8")


def first_pairs(data: DataSet, count: int, out: Path) -> Path:
    """A set of the first pairs of another, written unless it is there; the set itself if it has no
    more.

    Raises:
        TaueError: if it cannot be written, or is there and of other pairs.
    """
    if count >= len(data.pairs):
        return data.folder
    pairs = data.pairs[:count]
    if out.exists():
        if read_data(out).pairs != pairs:
            raise TaueError(f"data {str(out)!r} has other pairs; remove it.")
        return out
    about = data.about.model_copy(
        update={"counts": [*data.about.counts, Count(after="the first", pictures=count)]}
    )
    with complete_folder(out) as folder:
        (folder / IMAGES).mkdir()
        for pair in pairs:
            shutil.copy(data.picture(pair), folder / pair.image)
        kept = json.loads(read_bytes(data.folder / ANNOTATIONS))
        write_data(folder, about, kept, pairs)
    return out


def read_data(folder: Path) -> DataSet:
    """Read a set; its pictures are looked for, not read.

    Raises:
        TaueError: if the folder is none, or a file is missing or broken.
    """
    if not (folder / DATA).is_file():
        raise TaueError(f"data {str(folder)!r} is no evaluation set; make one with taue eval data.")
    about = read_checked(folder / DATA, About)
    content = read_bytes(folder / PAIRS)
    pairs = tuple(
        parsed(line, Pair, f"file {str(folder / PAIRS)!r}, line {number},")
        for number, line in enumerate(content.splitlines(), 1)
    )
    if not pairs:
        raise TaueError(f"data {str(folder)!r} has no pairs; make it again.")
    if len({pair.id for pair in pairs}) < len(pairs):
        raise TaueError(f"data {str(folder)!r} has an id twice; make it again.")
    for pair in pairs:
        if not (folder / pair.image).is_file():
            raise TaueError(f"data {str(folder)!r} lacks {pair.image}; make it again.")
    return DataSet(folder, about, pairs, hashlib.sha256(content).hexdigest())
