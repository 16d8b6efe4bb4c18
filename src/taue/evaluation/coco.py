"""MS-COCO's annotations, and the filters that leave pictures of one main object."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from taue.box import Box
from taue.errors import TaueError
from taue.evaluation.checked import read_checked
from taue.evaluation.dataset import Count

Side = Annotated[int, Field(gt=0)]


class AsCoco(BaseModel):
    """Fields that the evaluation does not know are kept, so that a set's file is COCO's still."""

    model_config = ConfigDict(extra="allow", frozen=True)


class CocoImage(AsCoco):
    id: Annotated[int, Field(ge=0)]
    file_name: Annotated[str, StringConstraints(min_length=1)]
    width: Side
    height: Side


class CocoAnnotation(AsCoco):
    """An object: ``bbox`` is left, top, width and height in pixels, ``area`` square pixels."""

    id: Annotated[int, Field(ge=0)]
    image_id: int
    category_id: int
    bbox: tuple[float, float, float, float]
    area: Annotated[float, Field(ge=0)]
    iscrowd: Annotated[int, Field(ge=0, le=1)] = 0


class CocoCategory(AsCoco):
    id: int
    name: Annotated[str, StringConstraints(min_length=1)]


class Instances(BaseModel):
    """The file of objects, such as ``instances_val2017.json``."""

    images: list[CocoImage]
    annotations: list[CocoAnnotation]
    categories: list[CocoCategory]


class CocoCaption(BaseModel):
    image_id: int
    caption: str


class Captions(BaseModel):
    """The file of captions, such as ``captions_val2017.json``."""

    annotations: list[CocoCaption]


@dataclass(frozen=True)
class Thresholds:
    """What counts as small, and as one main object. The paper publishes neither.

    Attributes:
        smallest: the least share of the picture that the main object takes.
        second: the most that the second largest object may take, as a share of the main one.
    """

    smallest: float = 0.05
    second: float = 0.25

    def __post_init__(self) -> None:
        for name, option in (("smallest", "min-area"), ("second", "max-second")):
            if not 0 <= getattr(self, name) <= 1:
                raise TaueError(f"{option} is {getattr(self, name)}; give a share from 0 to 1.")


@dataclass(frozen=True)
class MainObject:
    """A picture, its main object and what that is called."""

    image: CocoImage
    annotation: CocoAnnotation
    category: str

    @property
    def box(self) -> Box:
        """Its box as fractions of the picture, cut where it leaves the picture.

        Raises:
            TaueError: if nothing of it is inside.
        """
        left, top, width, height = self.annotation.bbox
        sides = self.image.width, self.image.height
        start = [min(max(v, 0), side) / side for v, side in zip((left, top), sides, strict=True)]
        end = [
            min(max(v, 0), side) / side
            for v, side in zip((left + width, top + height), sides, strict=True)
        ]
        try:
            return Box(start[0], start[1], end[0] - start[0], end[1] - start[1])
        except TaueError as error:
            raise TaueError(
                f"annotation {self.annotation.id} has the bbox {list(self.annotation.bbox)}, "
                "which is not inside its picture; correct it."
            ) from error


def read_instances(path: Path) -> Instances:
    """Read and check the file of objects.

    Raises:
        TaueError: if it is missing or broken, or refers to what is not in it.
    """
    read = read_checked(path, Instances)
    images, categories = {i.id for i in read.images}, {c.id for c in read.categories}
    for one in read.annotations:
        for field, there in (("image_id", images), ("category_id", categories)):
            if getattr(one, field) not in there:
                raise TaueError(
                    f"annotations {str(path)!r} have an annotation {one.id} whose {field} "
                    f"{getattr(one, field)} is nowhere; correct it."
                )
    return read


def main_objects(
    instances: Instances, thresholds: Thresholds
) -> tuple[list[MainObject], list[Count]]:
    """Pictures of one main object, in the order of their ids, and what every filter left.

    A picture stays if none of its annotations is a crowd, its largest object takes ``smallest`` of
    it at least, and its second largest takes ``second`` of the largest at most.
    """
    objects: dict[int, list[CocoAnnotation]] = {}
    for one in instances.annotations:
        objects.setdefault(one.image_id, []).append(one)
    for some in objects.values():
        some.sort(key=lambda one: (-one.area, one.id))
    names = {category.id: category.name for category in instances.categories}
    left = sorted((i for i in instances.images if i.id in objects), key=lambda image: image.id)
    counts = [
        Count(after="all", pictures=len(instances.images)),
        Count(after="with objects", pictures=len(left)),
    ]

    def small(image: CocoImage) -> bool:
        return objects[image.id][0].area < thresholds.smallest * image.width * image.height

    def several(image: CocoImage) -> bool:
        largest, *others = objects[image.id]
        return bool(others) and others[0].area > thresholds.second * largest.area

    for name, refused in (
        ("no crowd", lambda image: any(one.iscrowd for one in objects[image.id])),
        ("not small", small),
        ("one main object", several),
    ):
        left = [image for image in left if not refused(image)]
        counts.append(Count(after=name, pictures=len(left)))
    found = [(image, objects[image.id][0]) for image in left]
    return [MainObject(image, one, names[one.category_id]) for image, one in found], counts


def captions_by_image(path: Path) -> dict[int, str]:
    """The first caption of every picture.

    Raises:
        TaueError: if the file is missing or broken.
    """
    first: dict[int, str] = {}
    for one in read_checked(path, Captions).annotations:
        if one.caption.strip():
            first.setdefault(one.image_id, " ".join(one.caption.split()))
    return first


def picture_path(folder: Path, image: CocoImage) -> Path:
    """Where a picture is; a name that leads out of the folder is refused.

    Raises:
        TaueError: if it does.
    """
    name = PurePosixPath(image.file_name)
    if name.is_absolute() or ".." in name.parts:
        raise TaueError(f"image {image.id} is called {image.file_name!r}; give a plain file name.")
    return folder / name


def kept_annotations(instances: Instances, found: Sequence[MainObject]) -> dict[str, Any]:
    """COCO's file of the main objects alone; pictures are called as in the set's ``images``."""
    return {
        "images": [one.image.model_dump(mode="json") for one in found],
        "annotations": [one.annotation.model_dump(mode="json") for one in found],
        "categories": [one.model_dump(mode="json") for one in instances.categories],
    }
