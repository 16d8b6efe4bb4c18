"""What the commands that make results share: load, grow, write, and tell what was made."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from taue import devices
from taue.commands.conventions import quiet_libraries, warn_of_machine
from taue.commands.goals import check_folder
from taue.commands.output import console, tell, tell_fields, tell_path, warn
from taue.commands.words import prompts_of, strange_words
from taue.files.made import RESULT
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
    *,
    overwrite: bool = False,
) -> None:
    """Make a result folder and print its paths, what the user should know, and how long it took.

    Args:
        scene: names the model; its seed and steps are told.
        prepare: called once ``out`` and the names are known to be good, before the model is
            loaded; imports and reads what the growing needs.
        foregrounds: the prompts of the subjects that grow, by the numbers of each batch.
        out, device, dtype: the user's options.
        began: when the command began (``time.perf_counter``).
        overwrite: whether an older result gives way.

    Raises:
        TaueError: for a bad option, or whatever model, pipeline or file system decline.
    """
    devices.check_names(device, dtype)
    strange = strange_words(scene.model, prompts_of(scene))
    check_folder(out, RESULT, overwrite=overwrite)
    from rich.text import Text

    from taue.progress import StageProgress

    drawn = console()
    with quiet_libraries(), drawn.status(Text(f"loading {readable(scene.model, 80)}")):
        from taue import run
        from taue.files.report import make_report
        from taue.files.result import write_result

        grow = prepare()
        place, kind = devices.choose(device, dtype)
        pipe = run.load(scene, place, kind)
        pipe.set_progress_bar_config(disable=True)
    known = warn_of_machine(place, kind)
    loaded = time.perf_counter()
    further: list[tuple[str, tuple[int, ...]]] = []
    if scene.settings.layering == "first":
        further = [("refine", tuple(range(1, len(scene.subjects) + 1))), ("heal", ())]
    takes = _needed(pipe, scene)
    with StageProgress(drawn, foregrounds, scene.steps, further, takes) as bars, quiet_libraries():
        layers = grow(pipe, bars)
    generated = time.perf_counter()
    warnings = [*strange, *layers.warnings]
    machine = {"device": str(place), "dtype": str(kind).removeprefix("torch.")}
    settings = {"model": scene.model, "seed": scene.seed, **machine}
    seconds = {"load": loaded - began, "generate": generated - loaded}
    seconds["total"] = sum(seconds.values())
    report = make_report(layers, settings, [*known, *warnings], seconds)
    paths = write_result(layers, report, out, overwrite=overwrite)
    for warning in warnings:
        warn(warning)
    tell(f"Made in {time.perf_counter() - began:.1f} s:")
    for path in paths:
        tell_path(path)
    tell_fields(scene=layers.made_scene.model_dump(mode="json", exclude_none=True))


def _needed(pipe: TauePipeline, scene: Scene) -> int:
    """Bytes that the scene takes besides the model, about."""
    from taue.memory import needed

    backbone = pipe.backbone(scene.canvas.height, scene.canvas.width)
    height, width = backbone.size
    return needed(backbone, scene.on_canvas(width, height))
