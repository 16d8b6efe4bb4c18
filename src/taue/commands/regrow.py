"""``taue rebackground`` and ``taue move``: objects that grew once, in another scene."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from taue.box import Box
from taue.commands.conventions import Device, Dtype, NewFolder
from taue.commands.growing import grow_result
from taue.commands.options import box_from, require_one_each
from taue.errors import TaueError
from taue.scene import Scene
from taue.subject import layer_file_names

if TYPE_CHECKING:
    from taue.commands.growing import Grow

Result = Annotated[Path, typer.Argument(help="What taue generate made.")]


def rebackground(
    folder: Result,
    *,
    background: Annotated[str, typer.Option(help="What is behind now.")],
    out: NewFolder,
    scene: Annotated[
        str | None,
        typer.Option(help="The whole scene's prompt; subjects and background joined if absent."),
    ] = None,
    box: Annotated[
        list[str] | None,
        typer.Option(
            metavar="X,Y,W,H",
            help="Where subjects go, once for each in order; an empty one stays where it is.",
        ),
    ] = None,
    device: Device = "auto",
    dtype: Dtype = "auto",
) -> None:
    """The same objects before another background, without the foreground stage."""
    old = Scene.load(folder)
    moves: dict[int, list[float]] = {}
    if box is not None:
        require_one_each("box", box, len(old.subjects))
        moves = {i: box_from(text) for i, text in enumerate(box, 1) if text.strip()}
    changes: dict[str, Any] = {"background": background, "scene": scene}
    if old.first_background is None and (background, scene) != (old.background, old.scene):
        changes |= {"first_background": old.background, "first_scene": old.scene}
    _regrow(folder, old, moves, changes, out, device, dtype)


def move(
    folder: Result,
    *,
    subject: Annotated[str, typer.Option(help="Which: its number from 1, or its name.")],
    box: Annotated[
        str,
        typer.Option(
            metavar="X,Y,W,H",
            help="Where it goes: left, top, width and height as fractions of the canvas.",
        ),
    ],
    out: NewFolder,
    device: Device = "auto",
    dtype: Dtype = "auto",
) -> None:
    """Move and scale one object; the composite and the background grow anew around it."""
    old = Scene.load(folder)
    _regrow(folder, old, {_number(old, subject): box_from(box)}, {}, out, device, dtype)


def _number(scene: Scene, told: str) -> int:
    """A subject's number from its number or name."""
    names = [one.name for one in scene.subjects]
    if told in names:
        return names.index(told) + 1
    if told.isdecimal() and 1 <= int(told) <= len(names):
        return int(told)
    known = ", ".join(layer_file_names([one.subject() for one in scene.subjects]))
    raise TaueError(
        f"subject is {told!r}; give a number from 1 to {len(names)} or a name (there are {known})."
    )


def _regrow(
    folder: Path,
    old: Scene,
    moves: dict[int, list[float]],
    changes: dict[str, Any],
    out: Path,
    device: str,
    dtype: str,
) -> None:
    began = time.perf_counter()
    subjects = [
        one.model_copy(update={"moves": (*one.moves, tuple(moves[i]))}) if i in moves else one
        for i, one in enumerate(old.subjects, 1)
    ]
    data = old.model_copy(update={**changes, "subjects": tuple(subjects)})
    scene = Scene.from_data(data.model_dump(exclude_none=True))
    grown = () if scene.arguments()["settings"].moving == "transplanted" else moves
    growing = {(i,): [old.subjects[i - 1].prompt] for i in grown}
    boxes = {i: Box(*edges) for i, edges in moves.items()}

    def prepare() -> Grow:
        from taue import run
        from taue.layers import Layers

        layers = Layers.load(folder)
        return lambda pipe, bars: (run.regrow(pipe, scene, layers, boxes, bars), scene)

    grow_result(scene, prepare, growing, out, device, dtype, began)
