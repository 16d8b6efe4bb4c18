"""Several results by one command: seeds in a row, several scenes, one model that is loaded once."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taue.bounds import MOST_RESULTS
from taue.commands.goals import check_folder
from taue.commands.growing import Loaded, grow_batch, load_prepared, scene_told, written
from taue.commands.output import console, tell, tell_fields, tell_path, warn
from taue.devices import Machine
from taue.disk.paths import expanded
from taue.disk.unfinished import sweep
from taue.errors import TaueError
from taue.files.made import SERIES, SHEET
from taue.scene import Scene
from taue.scene.fields import LARGEST_SEED
from taue.words import prompts_of, strange_words
from taue.work.jobs import DONE, Job, Outcome
from taue.work.place import place_blamed

if TYPE_CHECKING:
    from taue.layers import Layers

ONE_MODEL = {"model": "model", "revision": "revision", "loras": "lora"}
"""Fields in which the scenes of one command agree, and the options that make them."""


def require_count(count: int | None, scenes: int) -> None:
    """Make sure that a number of results for each scene can be made.

    Raises:
        TaueError: if not.
    """
    most = MOST_RESULTS // scenes
    if count is not None and not 1 <= count <= max(1, most):
        of = f" for {scenes} scenes" if scenes > 1 else ""
        raise TaueError(f"count is {count}; give a whole number from 1 to {max(1, most)}{of}.")
    if not most:
        raise TaueError(f"there are {scenes} scenes; give at most {MOST_RESULTS} to one command.")


def series(scenes: Sequence[Scene], count: int) -> list[Scene]:
    """Each scene by ``count`` seeds in a row from its own, in order.

    Raises:
        TaueError: if the scenes are not of one model, or a seed would be too large.
    """
    for number, scene in enumerate(scenes, 1):
        for field, option in ONE_MODEL.items():
            if getattr(scene, field) != getattr(scenes[0], field):
                raise TaueError(
                    f"{field} of scene {number} is not that of scene 1, and one command loads one "
                    f"model; give --{option} for all, or make them by commands of their own."
                )
        if scene.seed + count - 1 > LARGEST_SEED:
            raise TaueError(
                f"seed is {scene.seed} and count {count}, which ends above the largest seed, "
                f"{LARGEST_SEED}; begin with a smaller one."
            )
    return [
        scene.model_copy(update={"seed": scene.seed + i}) for scene in scenes for i in range(count)
    ]


@dataclass(frozen=True)
class SeriesJob(Job):
    """A result: its scene, and what the user is told of its words."""

    scene: Scene
    strange: Sequence[str]

    @property
    def batch(self) -> tuple[object, ...]:
        """Those in which it is equal to its neighbours can be one batch with them."""
        canvas = self.scene.canvas
        return canvas.height, canvas.width, self.scene.settings, self.scene.scheduler


class SeriesFolder:
    """A folder of results by their numbers, which are this command's alone; see
    :class:`taue.work.place.Place`.

    Attributes:
        made: layers and paths of the results, by their ids.
        errors: of those that failed.
    """

    def __init__(self, out: Path, loaded: Loaded, *, overwrite: bool) -> None:
        self.out, self.loaded, self.overwrite = out, loaded, overwrite
        self.made: dict[str, tuple[Layers, list[Path]]] = {}
        self.errors: dict[str, Exception] = {}

    def claimed(self, key: str) -> AbstractContextManager[bool]:
        return nullcontext(True)

    def there(self, key: str) -> bool:
        return False  # an older one gives way, or was refused before

    def begin(self, job: SeriesJob, together: int) -> SeriesJob:
        return job

    def failed(self, job: SeriesJob, error: Exception, told: str, *, final: bool) -> None:
        self.errors[job.id] = error

    def keep(
        self, job: SeriesJob, made: Layers, seconds: float, together: int
    ) -> Outcome[SeriesJob]:
        taken = {"load": self.loaded.seconds if job.line == 1 else 0.0, "generate": seconds}
        with place_blamed(self._unwritten):
            paths = written(
                self.loaded, job.scene, made, taken, self.out / job.id, job.strange,
                overwrite=self.overwrite,
            )  # fmt: skip
        self.made[job.id] = made, paths
        return Outcome(job, DONE, seconds=seconds)

    def _unwritten(self, reason: str) -> str:
        return f"out {str(self.out)!r} cannot be written ({reason}); choose another folder."


def grow_series(
    scenes: Sequence[Scene],
    out: Path,
    machine: Machine,
    began: float,
    batch_size: int | None = None,
    *,
    overwrite: bool,
) -> None:
    """Make ``out/0001``, ``out/0002``, ..., each whole at once, then a sheet to choose from.

    Args:
        scenes: of one model.
        out, machine, began, overwrite: as of :func:`taue.commands.growing.grow_result`; an
            older result gives way when the new one of its number is complete.
        batch_size: how many grow as one batch at most; the device's own if None.

    Raises:
        Exception: the first error of those that failed, once all others are made.
        TaueError: as there. What was finished before stays.
    """
    machine.check()
    strange = [strange_words(scene.model, prompts_of(scene)) for scene in scenes]
    _check_folder(out, len(scenes), overwrite=overwrite)
    _, loaded = load_prepared(scenes[0], lambda: None, machine, began)

    from taue import run
    from taue.disk.png import write_png
    from taue.results.sheet import choice_sheet, choice_tile
    from taue.work.worker import Worker

    for scene in {scene.model_copy(update={"seed": 0}).dumps(): scene for scene in scenes}.values():
        run.check(loaded.pipe, scene)
    size = batch_size or loaded.pipe.default_batch
    place = SeriesFolder(out, loaded, overwrite=overwrite)
    tiles, results, said = [], list[dict[str, Any]](), set[str]()

    def grow(jobs: Sequence[SeriesJob]) -> list[Layers | Exception]:
        names = " to ".join(dict.fromkeys(jobs[i].id for i in (0, -1)))
        seeds = " to ".join(dict.fromkeys(str(jobs[i].scene.seed) for i in (0, -1)))
        console().print(f"{names} (of {len(scenes)}), seed {seeds}", highlight=False)
        return grow_batch(loaded, [one.scene for one in jobs])

    worker = Worker(place, grow, size, attempts=1)
    jobs = [
        SeriesJob(f"{n:04}", n, *one) for n, one in enumerate(zip(scenes, strange, strict=True), 1)
    ]
    for _, alike in groupby(jobs, lambda one: one.batch):
        start = time.perf_counter()
        for outcome in worker.work(list(alike)):
            job = outcome.task
            if outcome.kind != DONE:
                continue
            layers, paths = place.made.pop(job.id)
            for warning in (w for w in job.strange if w not in said):
                warn(warning)
            said.update(job.strange)
            for warning in layers.warnings:
                warn(f"{job.id}: {warning}")
            tell(f"Made in {time.perf_counter() - start:.1f} s:")
            start = time.perf_counter()
            tell_path(out.expanduser() / job.id)
            results.append(
                {
                    "folder": str(out.expanduser() / job.id),
                    "seed": job.scene.seed,
                    "paths": [str(path) for path in paths],
                    "warnings": [*loaded.known, *job.strange, *layers.warnings],
                    "scene": scene_told(layers, out / job.id),
                }
            )
            tiles.append(choice_tile(f"{job.id}  seed {job.scene.seed}", layers.composite))
    if place.errors:
        warn(f"not made: {', '.join(place.errors)}; the others are whole.")
        raise next(iter(place.errors.values()))
    sheet = out.expanduser() / SHEET
    write_png(choice_sheet(tiles), sheet)
    tell(f"All {len(scenes)} in {time.perf_counter() - began:.1f} s, to choose from:")
    tell_path(sheet)
    tell_fields(results=results)


def _check_folder(out: Path, count: int, *, overwrite: bool) -> None:
    """As for one result; and no older result may stay beside newer ones."""
    older: list[str] = []
    with suppress(OSError):  # said by what follows
        folder = expanded(out)
        if overwrite:
            sweep(folder)  # what a killed run left there is nobody's
        older = sorted(path.name for path in folder.iterdir())
    if overwrite and "report.json" in older:
        raise TaueError(f"out {str(out)!r} is one result, not several; name another folder.")
    beyond = [name for name in older if re.fullmatch(r"\d{4}", name) and int(name) > count]
    if overwrite and beyond:
        raise TaueError(
            f"out {str(out)!r} holds {beyond[0]!r}, beyond the {count} that are made now; name "
            "another folder, or remove it."
        )
    check_folder(out, SERIES, overwrite=overwrite)
