"""``taue rebackground`` and ``taue move``: objects that grew once, in another scene."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from taue.box import Box
from taue.commands.conventions import Device, Dtype, Memory, NewFolder, Overwrite
from taue.commands.growing import grow_result, require_pictures
from taue.commands.options import box_from, require_one_each
from taue.devices import Machine
from taue.errors import TaueError
from taue.scene import Scene
from taue.scene.subject import layer_file_names

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
    background_image: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Your own picture of it, cropped to the canvas and not drawn."
        ),
    ] = None,
    overwrite: Overwrite = False,
    device: Device = "auto",
    dtype: Dtype = "auto",
    memory: Memory = "normal",
) -> None:
    """The same objects before another background, without the foreground stage."""
    old = Scene.load(folder)
    moves: dict[int, Box] = {}
    if box is not None:
        require_one_each("box", box, len(old.subjects))
        moves = {i: Box(*box_from(text)) for i, text in enumerate(box, 1) if text.strip()}
    there = old.before(background, scene, background_image)
    _regrow(folder, there, moves, out, Machine(device, dtype, memory), overwrite=overwrite)


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
    overwrite: Overwrite = False,
    device: Device = "auto",
    dtype: Dtype = "auto",
    memory: Memory = "normal",
) -> None:
    """Move and scale one object; the composite and the background grow anew around it."""
    old = Scene.load(folder)
    moves = {subject_number(old, subject): Box(*box_from(box))}
    _regrow(folder, old, moves, out, Machine(device, dtype, memory), overwrite=overwrite)


def subject_number(scene: Scene, told: str) -> int:
    """A subject's number from its number or name."""
    names = [one.name for one in scene.subjects]
    if told in names:
        return names.index(told) + 1
    if told.isdecimal() and 1 <= int(told) <= len(names):
        return int(told)
    known = ", ".join(layer_file_names(scene.subjects))
    raise TaueError(
        f"subject is {told!r}; give a number from 1 to {len(names)} or a name (there are {known})."
    )


def _regrow(
    folder: Path,
    there: Scene,
    moves: dict[int, Box],
    out: Path,
    machine: Machine,
    *,
    overwrite: bool,
) -> None:
    """Grow a result again before ``there``'s background, its subjects moved from where they are."""
    began = time.perf_counter()
    scene = there.moved(moves)
    require_pictures(scene)
    drawn = [i for i in moves if scene.subjects[i - 1].image is None]
    grown = () if scene.settings.moving == "transplanted" else drawn
    growing = {(i,): [scene.subjects[i - 1].prompt] for i in grown}

    def prepare() -> Grow:
        from taue import run
        from taue.layers import Layers

        layers = Layers.load(folder)
        told = scene.background, scene.scene, moves, scene.background_image
        return lambda pipe, bars: run.regrow(pipe, layers, *told, bars)

    grow_result(scene, prepare, growing, out, machine, began, overwrite=overwrite)
