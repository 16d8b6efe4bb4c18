"""What the index has of a result: one row, from its scene and from what its maker measured."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from taue import __version__
from taue.batch.plan import Task


def row_of(task: Task, place: str, files: Iterable[str]) -> dict[str, Any]:
    """The part of a row that is known without its maker."""
    scene = task.read()
    return {
        "id": task.id,
        "line": task.line,
        "place": place,
        "files": sorted(files),
        "caption": scene.whole,
        "background": scene.background,
        "subjects": [
            {
                "prompt": one.prompt,
                "name": one.name or "",
                "box": None if one.box is None else _sides(one.box),
            }
            for one in scene.subjects
        ],
        "seed": scene.seed,
        "steps": scene.steps,
        "model": scene.model,
        "model_digest": task.model,
        "taue": __version__,
        "scene": task.scene,
    }


def _sides(box: Any) -> list[float]:
    return [float(side) for side in (box.x, box.y, box.width, box.height)]
