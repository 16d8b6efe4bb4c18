"""What the commands that make results share: load, grow, write, and tell what was made."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from taue.commands.collecting import nothing_collected
from taue.commands.conventions import quiet_libraries, warn_of_machine
from taue.commands.goals import check_folder
from taue.commands.output import console, tell, tell_fields, tell_path, warn
from taue.devices import Machine
from taue.files.made import RESULT
from taue.readable import readable
from taue.scene import Scene
from taue.scene.compatible import require_compatible
from taue.words import prompts_of, strange_words

if TYPE_CHECKING:
    from taue.layers import Layers
    from taue.pipeline import TauePipeline
    from taue.progress import StageProgress
    from taue.watch import StepCallback

    Grow = Callable[[TauePipeline, StepCallback], Layers]

T = TypeVar("T")

Foregrounds = Mapping[tuple[int, ...], Sequence[str]]
"""The prompts of the subjects that grow, by the numbers of each batch."""


def grow_result(
    scene: Scene,
    prepare: Callable[[], Grow],
    foregrounds: Foregrounds,
    out: Path,
    machine: Machine,
    began: float,
    *,
    overwrite: bool = False,
) -> None:
    """Make a result folder and print its paths, what the user should know, and how long it took.

    Args:
        scene: names the model; its seed and steps are told.
        prepare: called once ``out`` and the names are known to be good, before the model is
            loaded; imports and reads what the growing needs.
        foregrounds: the prompts of the subjects that grow, by the numbers of each batch.
        out, machine: the user's options.
        began: when the command began (``time.perf_counter``).
        overwrite: whether an older result gives way.

    Raises:
        TaueError: for a bad option, or whatever model, pipeline or file system decline.
    """
    machine.check()
    strange = strange_words(scene.model, prompts_of(scene))
    check_folder(out, RESULT, overwrite=overwrite)
    grow, loaded = load_prepared(scene, prepare, machine, began)
    layers, paths = grow_one(
        loaded, scene, grow, foregrounds, out, strange, loaded.seconds, overwrite=overwrite
    )
    for warning in [*strange, *layers.warnings]:
        warn(warning)
    tell(f"Made in {time.perf_counter() - began:.1f} s:")
    for path in paths:
        tell_path(path)
    tell_fields(scene=scene_told(layers, out))


@dataclass(frozen=True)
class Loaded:
    """A model on its device.

    Attributes:
        machine: device, dtype and memory, for reports.
        known: what the user was told of them.
        seconds: what it took since the command began.
    """

    pipe: TauePipeline
    machine: Mapping[str, str]
    known: Sequence[str]
    seconds: float


def load_prepared(
    scene: Scene, prepare: Callable[[], T], machine: Machine, began: float
) -> tuple[T, Loaded]:
    """What ``prepare`` gives, and the scene's model; arguments as of :func:`grow_result`."""
    from rich.text import Text

    loading = console().status(Text(f"loading {readable(scene.model, 80)}"))
    with nothing_collected(), quiet_libraries(), loading:
        from taue import run

        prepared = prepare()
        place, kind = machine.chosen()
        pipe = run.load(scene, place, kind, saves_memory=machine.saves_memory)
        pipe.set_progress_bar_config(disable=True)
    known = warn_of_machine(place, kind)
    return prepared, Loaded(pipe, machine.told(place, kind), known, time.perf_counter() - began)


def grow_one(
    loaded: Loaded,
    scene: Scene,
    grow: Grow,
    foregrounds: Foregrounds,
    out: Path,
    strange: Sequence[str],
    load_seconds: float,
    *,
    overwrite: bool,
) -> tuple[Layers, list[Path]]:
    """Grow one result with bars and write its folder; the layers, and the paths of what was made.

    Args:
        loaded: the scene's model.
        grow: makes the layers.
        strange: what the user is told of the prompts' words, for the report.
        load_seconds: what the report says that loading took.
        scene, foregrounds, out, overwrite: as of :func:`grow_result`.
    """
    began = time.perf_counter()
    with _bars(loaded, [scene], foregrounds) as bars, quiet_libraries():
        layers = grow(loaded.pipe, bars)
    seconds = {"load": load_seconds, "generate": time.perf_counter() - began}
    return layers, written(loaded, scene, layers, seconds, out, strange, overwrite=overwrite)


def grow_batch(loaded: Loaded, scenes: Sequence[Scene]) -> list[Layers | Exception]:
    """Grow several results as one batch with bars, each from nothing; each one's layers, or its
    error if it failed alone."""
    from taue import run

    told = [list(foregrounds_of(scene).items()) for scene in scenes]
    foregrounds = {
        tuple(n for numbers, _ in own for n in numbers): [p for _, prompts in own for p in prompts]
        for own in zip_longest(*told, fillvalue=((), ()))
    }
    with _bars(loaded, scenes, foregrounds) as bars, quiet_libraries():
        return run.make_several(loaded.pipe, scenes, callback_on_step_end=bars)


def _bars(loaded: Loaded, scenes: Sequence[Scene], foregrounds: Foregrounds) -> StageProgress:
    """Of scenes that grow as one batch."""
    from taue.memory import needed
    from taue.progress import StageProgress

    first, further = scenes[0], list[tuple[str, tuple[int, ...]]]()
    if first.settings.layering == "first":
        drawn = tuple(i for one in scenes for i, s in enumerate(one.subjects, 1) if s.image is None)
        further = [*([("refine", drawn)] if drawn else []), ("heal", ())]
    whole = ("composite",) if first.background_image else ("composite", "background")
    backbone = loaded.pipe.backbone(first.canvas.height, first.canvas.width)
    in_turn = loaded.pipe.saves_memory
    if in_turn:  # each subject has bars of its own
        foregrounds = {
            (number,): [prompt]
            for numbers, prompts in foregrounds.items()
            for number, prompt in zip(numbers, prompts, strict=True)
        }
        further = [
            (stage, own)
            for stage, numbers in further
            for own in ([(number,) for number in numbers] or [()])
        ]
    takes = needed(backbone, *(one.on_canvas(*backbone.size) for one in scenes), in_turn=in_turn)
    return StageProgress(console(), foregrounds, first.steps, further, takes, whole, first.effort)


def written(
    loaded: Loaded,
    scene: Scene,
    layers: Layers,
    seconds: dict[str, float],
    out: Path,
    strange: Sequence[str],
    *,
    overwrite: bool,
) -> list[Path]:
    """A result's folder, written; its paths."""
    from taue.results.folder import write_result
    from taue.results.report import make_report

    seconds["total"] = sum(seconds.values())
    warnings = [*loaded.known, *strange, *layers.warnings]
    settings = {"model": scene.model, "seed": scene.seed, **loaded.machine}
    report = make_report(layers, settings, warnings, seconds)
    return write_result(layers, report, out, overwrite=overwrite)


def scene_told(layers: Layers, out: Path) -> dict[str, Any]:
    """The scene that was made, for scripts; users' own pictures are where the result has them."""
    made = layers.made_scene
    there = Scene.load(out) if made.own_pictures else made
    return there.model_dump(mode="json", exclude_none=True)


def require_pictures(scene: Scene) -> None:
    """Read users' own pictures, which may be of any kind, before anything else takes its time.

    Raises:
        TaueError: if one cannot be used, or not with the rest.
    """
    require_compatible(scene)
    wholes = (scene.background_image, scene.first_background_image)
    inits = (one and one.image for one in (scene.init, scene.first_init))
    for one in (*wholes, *inits):
        if one is not None:
            one.whole()
    for subject in scene.subjects:
        if subject.image is not None:
            subject.image.cut_out()


def foregrounds_of(scene: Scene) -> Foregrounds:
    """What grows if all of a scene does."""
    return {b: [scene.subjects[number - 1].prompt for number in b] for b in scene.batches}
