"""What the commands that make results share: load, grow, write, and tell what was made."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from taue import devices
from taue.commands.conventions import quiet_libraries, say, say_path
from taue.commands.signals import PatientConsole
from taue.disk.writing import check_out
from taue.readable import readable
from taue.scene import Scene

if TYPE_CHECKING:
    from taue.layers import Layers
    from taue.pipeline import TauePipeline
    from taue.watch import StepCallback

    Grow = Callable[[TauePipeline, StepCallback], Layers]


def grow_result(
    scene: Scene,
    prepare: Callable[[], Grow],
    foregrounds: Mapping[tuple[int, ...], Sequence[str]],
    out: Path,
    device: str,
    dtype: str,
    began: float,
    warnings: Sequence[str] = (),
) -> None:
    """Make a result folder and print its paths, what the user should know, and how long it took.

    Args:
        scene: names the model; its seed and steps are told.
        prepare: called once ``out`` and the names are known to be good, before the model is
            loaded; imports and reads what the growing needs.
        foregrounds: the prompts of the subjects that grow, by the numbers of each batch.
        out, device, dtype: the user's options.
        began: when the command began (``time.perf_counter``).
        warnings: what is known before anything grows.

    Raises:
        TaueError: for a bad option, or whatever model, pipeline or file system decline.
    """
    devices.check_names(device, dtype)
    check_out(out)
    from rich.text import Text

    from taue.progress import StageProgress

    console = PatientConsole(stderr=True)
    with quiet_libraries(), console.status(Text(f"loading {readable(scene.model, 80)}")):
        from taue import run
        from taue.files.report import make_report
        from taue.files.result import write_result

        grow = prepare()
        place, kind = devices.choose(device, dtype)
        pipe = run.load(scene, place, kind)
        pipe.set_progress_bar_config(disable=True)
    loaded = time.perf_counter()
    further: list[tuple[str, tuple[int, ...]]] = []
    if scene.settings.layering == "first":
        further = [("refine", tuple(range(1, len(scene.subjects) + 1))), ("heal", ())]
    with StageProgress(console, foregrounds, scene.steps, further) as bars, quiet_libraries():
        layers = grow(pipe, bars)
    generated = time.perf_counter()
    warnings = [*warnings, *layers.warnings]
    machine = {"device": str(place), "dtype": str(kind).removeprefix("torch.")}
    settings = {"model": scene.model, "seed": scene.seed, **machine}
    seconds = {"load": loaded - began, "generate": generated - loaded}
    seconds["total"] = sum(seconds.values())
    paths = write_result(layers, make_report(layers, settings, warnings, seconds), out)
    for warning in warnings:
        say(f"Warning: {warning}", err=True)
    say(f"Made in {time.perf_counter() - began:.1f} s:")
    for path in paths:
        say_path(path)
