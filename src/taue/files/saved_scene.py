"""Whether the scene file of a result folder and its report tell one story."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from taue.errors import TaueError
from taue.scene import Method, Scene
from taue.scene.method import CALLED
from taue.scene.read import FILE
from taue.subject import BOXES

SIDES = ("x", "y", "width", "height")


def require_one_story(folder: Path, settings: Mapping[str, Any]) -> None:
    """Make sure that a result folder's scene file, if there is one, says what its report says.

    Args:
        folder: of the result.
        settings: of the report; what it does not tell is not compared.

    Raises:
        TaueError: if the scene file is none, or the two disagree.
    """
    if not (folder / FILE).exists():
        return
    for field, value, called, table in _pairs(Scene.load(folder), settings):
        if called in table and _said(table[called]) != _said(value):
            raise TaueError(
                f"folder {str(folder)!r} has a {FILE} and a report.json that disagree about "
                f"{field}; make the result again."
            )


def _pairs(
    scene: Scene, settings: Mapping[str, Any]
) -> Iterator[tuple[str, Any, str, Mapping[str, Any]]]:
    """Each field of the scene: its name, its value, its name in the report, and where there."""
    for name in ("background", "scene", "first_background", "first_scene", "negative_prompt"):
        yield name, getattr(scene, name), name, settings
    for name in ("model", "seed"):
        yield name, getattr(scene, name), name, settings
    for name, called in CALLED.items():
        yield name, getattr(scene, name), called, settings
    for name in ("width", "height"):
        yield f"canvas.{name}", getattr(scene.canvas, name), name, settings
    for name in Method.model_fields:
        yield f"method.{name}", getattr(scene.method, name), name, settings
    told = settings.get("subjects")
    if not isinstance(told, list) or not all(isinstance(one, Mapping) for one in told):
        return
    yield "the number of subjects", len(scene.subjects), "count", {"count": len(told)}
    for i, (one, other) in enumerate(zip(scene.subjects, told, strict=True), 1):
        of = f"of subject {i}"
        for name in ("prompt", "name", "negative_prompt", "crop_ratio"):
            yield f"the {name} {of}", getattr(one, name), name, other
        box = None if one.box is None else _edges(one.box)
        yield f"the box {of}", box, "box", other
        for name in BOXES:
            boxes = other.get(name, ())
            listed = list(boxes) if isinstance(boxes, (list, tuple)) else boxes
            told_boxes = {name: listed} if name in other else {}
            yield f"the {name} {of}", [_edges(box) for box in getattr(one, name)], name, told_boxes


def _said(value: Any) -> Any:
    """The value; an empty text says nothing."""
    return None if value == "" else value


def _edges(box: tuple[float, ...]) -> dict[str, float]:
    return dict(zip(SIDES, box, strict=True))
