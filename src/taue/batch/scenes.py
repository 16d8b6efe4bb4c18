"""Scenes files: JSON lines, each a scene or a template that stands for many."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from taue import models
from taue.batch.templates import MOST_SCENES, filled_in
from taue.disk.limits import full_path
from taue.disk.streams import STANDARD
from taue.errors import TaueError
from taue.loras import resolve_lora
from taue.scene import Scene
from taue.scene.picture import OwnPicture
from taue.scene.read import LARGEST

Hear = Callable[[Scene], object]


def _nobody(scene: Scene) -> None:
    """Hears no scene."""


@dataclass(frozen=True)
class Told:
    """A scene and the number of the line that tells it, from 1."""

    line: int
    scene: Scene


def read_scenes(path: Path, hear: Hear = _nobody) -> Iterator[Told]:
    """The scenes of a file, or of standard input if it is ``-``, in order.

    Empty lines are passed over. Models that are folders or files and own pictures are named in
    full, so that a scene means the same wherever it is made. ``hear`` is called with each.

    Raises:
        TaueError: with the line's number, the field and what to give instead.
    """
    count = 0
    for number, line in _lines(path):
        try:
            for data in filled_in(_parsed(line)):
                scene = _located(Scene.from_data(data, folder=_folder(path)))
                hear(scene)
                yield Told(number, scene)
                count += 1
        except TaueError as error:
            raise TaueError(f"line {number} of {_called(path)}: {error}") from error
        if count > MOST_SCENES:
            raise TaueError(f"{_called(path)} has more than {MOST_SCENES} scenes; part it.")
    if not count:
        raise TaueError(f"{_called(path)} has no scene; write one as JSON on each line.")


def problems(path: Path, most: int, hear: Hear = _nobody) -> tuple[int, list[str]]:
    """How many scenes a file has, and what is wrong with its lines, ``most`` of them at most;
    ``hear`` is called with each scene.

    Raises:
        TaueError: if it cannot be read.
    """
    count, wrong = 0, list[str]()
    for number, line in _lines(path):
        try:
            for data in filled_in(_parsed(line)):
                hear(_located(Scene.from_data(data, folder=_folder(path))))
                count += 1
        except TaueError as error:
            wrong.append(f"line {number} of {_called(path)}: {error}")
            if len(wrong) == most:
                break
    return count, wrong


def _called(path: Path) -> str:
    return "standard input" if str(path) == STANDARD else str(path)


def _folder(path: Path) -> Path:
    """Where the pictures that a file names begin."""
    return Path() if str(path) == STANDARD else full_path(path).parent


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    if str(path) == STANDARD:
        yield from _numbered(sys.stdin.buffer, path)
        return
    file = full_path(path)
    if not file.is_file():
        raise TaueError(f"{path} is missing or no file; name a file with a scene on each line.")
    try:
        with file.open("rb") as stream:
            yield from _numbered(stream, path)
    except OSError as error:
        raise TaueError(f"{path} cannot be read ({error.strerror}); name another file.") from error


def _numbered(stream: Any, path: Path) -> Iterator[tuple[int, bytes]]:
    number = 0
    while line := stream.readline(LARGEST + 1):
        number += 1
        if len(line) > LARGEST:
            raise TaueError(
                f"line {number} of {_called(path)} is longer than a scene can be, {LARGEST} bytes."
            )
        if line.strip():
            yield number, line


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        data = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise TaueError("is not UTF-8; save the file as UTF-8.") from error
    except json.JSONDecodeError as error:
        raise TaueError(f"is no JSON ({error.msg} at column {error.colno}); mend it.") from error
    except (RecursionError, ValueError) as error:
        raise TaueError("is no JSON that can be read; mend it.") from error
    if not isinstance(data, dict):
        raise TaueError('is no scene; give an object such as {"background": ..., "subjects": ...}.')
    return data


def _full(picture: OwnPicture) -> OwnPicture:
    """A picture by its whole path.

    Raises:
        TaueError: if there is none.
    """
    path = Path(picture.path).resolve()
    if not path.is_file():
        raise TaueError(f"picture {picture.path!r} is missing or no file; check its path.")
    return OwnPicture(str(path))


@lru_cache
def _source(model: str) -> models.Source:
    """Where a model is; looked for once, not for every scene."""
    return models.resolve(model)


@lru_cache
def _require_scheduler(name: str) -> None:
    """Make sure that there is such a scheduler; looked for once, for that imports diffusers."""
    from taue.schedulers import scheduler_class

    scheduler_class(name)


def _located(scene: Scene) -> Scene:
    """The scene with its model and LoRAs found, and files named in full."""
    full = {name: _full(one) for name, one in scene.own_pictures.items()}
    scene = scene.with_pictures(full) if full else scene
    source = _source(scene.model)
    for one in scene.loras:
        resolve_lora(one.name)
    if scene.scheduler is not None:
        _require_scheduler(scene.scheduler)
    if scene.model in models.NAMED or source.kind is models.Kind.hub:
        return scene
    if scene.revision is not None:
        raise TaueError(
            f"revision is {scene.revision!r}, but model {scene.model} is not from the hub; leave "
            "the revision out."
        )
    return scene.model_copy(update={"model": str(Path(source.location).resolve())})
