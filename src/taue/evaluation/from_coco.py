"""From MS-COCO's files to an evaluation set."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from taue.disk.writing import complete_folder
from taue.errors import TaueError
from taue.evaluation.coco import (
    Instances,
    MainObject,
    Thresholds,
    kept_annotations,
    picture_path,
)
from taue.evaluation.dataset import IMAGES, About, Count, Pair, Prompts, write_data
from taue.evaluation.pictures import picture_size


@dataclass(frozen=True)
class CocoSource:
    """What a set is made from, and how it says so."""

    instances: Instances
    images: Path
    thresholds: Thresholds
    made_with: dict[str, str | int | None]


def check_pictures(found: Sequence[MainObject], images: Path) -> None:
    """Whether all pictures are there and of the size that their annotations are for.

    Raises:
        TaueError: naming the first that is not.
    """
    paths = [picture_path(images, one.image) for one in found]
    missing = [path for path in paths if not path.is_file()]
    if missing:
        raise TaueError(
            f"images {str(images)!r} lacks {len(missing)} of {len(paths)} pictures, "
            f"the first of them {missing[0].name}; give the folder that the annotations are of."
        )
    for one, path in zip(found, paths, strict=True):
        if picture_size(path) != (one.image.width, one.image.height):
            raise TaueError(
                f"image {path.name} has not the size {one.image.width} x {one.image.height} of "
                "its annotation; give the pictures that the annotations are of."
            )


def write_coco(
    out: Path,
    source: CocoSource,
    found: Sequence[tuple[MainObject, Prompts]],
    counts: Sequence[Count],
    seed: int,
) -> None:
    """Write the set.

    Args:
        out: a folder that does not exist yet.
        source: what it is made from.
        found: the main objects, one for each picture, with their prompts; at least one.
        counts: what every filter left.
        seed: items' seeds are this and their annotation's id.

    Raises:
        TaueError: if ``out`` cannot be written.
    """
    pairs: list[Pair] = []
    kept: list[MainObject] = []
    with complete_folder(out) as folder:
        (folder / IMAGES).mkdir()
        for one, prompts in found:
            path = picture_path(source.images, one.image)
            name = f"{one.image.id:012d}{path.suffix.lower()}"
            shutil.copyfile(path, folder / IMAGES / name)
            kept.append(
                MainObject(
                    one.image.model_copy(update={"file_name": name}), one.annotation, one.category
                )
            )
            box = one.box
            pairs.append(
                Pair(
                    id=f"{one.image.id:012d}",
                    image=f"{IMAGES}/{name}",
                    annotation=one.annotation.id,
                    box=(box.x, box.y, box.width, box.height),
                    seed=(seed + one.annotation.id) % 2**31,
                    **prompts.model_dump(),
                )
            )
        about = About(
            name="coco",
            made_with={**source.made_with, **asdict(source.thresholds)},
            counts=list(counts),
        )
        write_data(folder, about, kept_annotations(source.instances, kept), pairs)
