"""``taue eval generate``: one method over a data set."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from taue import devices, models
from taue.commands.conventions import Device, Dtype, quiet_libraries, warn_of_machine
from taue.commands.output import console, tell, tell_fields, tell_path, warn
from taue.commands.signals import INTERRUPTED
from taue.commands.workers import require_workers, threads_of
from taue.errors import TaueError
from taue.scene import Scene
from taue.shard import Shard
from taue.words import strange_words

if TYPE_CHECKING:
    from taue.evaluation.dataset import Pair
    from taue.evaluation.drawn import RunOutcome
    from taue.evaluation.generate import PairJob
    from taue.evaluation.methods import ComparedMethod


Steps = Annotated[int, typer.Option(help="Denoising steps of each picture.")]
Side = Annotated[int | None, typer.Option(help="Pixels; the model's own if absent.")]
ShardName = Annotated[
    str, typer.Option(metavar="K/N", help="Only the K-th of N parts, counted from 1.")
]
Workers = Annotated[
    int | None, typer.Option(help="Processes, each with a model of its own (default: this one).")
]
LayerDiffuse = Annotated[
    str | None,
    typer.Option(help="LayerDiffuse's weights, a folder or a hub id; its methods need them."),
]


def run_method(
    *,
    data: Annotated[Path, typer.Option(help="What taue eval data made.")],
    method: Annotated[
        str,
        typer.Option(
            help="taue, paper, paper-layout, plain, composite-then-cut, tkg, alfie, layerdiffuse "
            "or layerdiffuse-joint."
        ),
    ] = "taue",
    out: Annotated[Path, typer.Option(help="The run: a new folder, or one to go on with.")],
    model: Annotated[
        str, typer.Option(help="paddy, sdxl, a hub id, a folder or FILE.safetensors.")
    ] = "paddy",
    steps: Steps = 50,
    width: Side = None,
    height: Side = None,
    workers: Workers = None,
    shard: ShardName = "1/1",
    layerdiffuse: LayerDiffuse = None,
    device: Device = "auto",
    dtype: Dtype = "auto",
) -> None:
    """Draw a data set's pairs with one method; started again, it goes on where it was."""
    how = DrawOptions(model, steps, width, height, shard, device, dtype, workers)
    draw(data, partial(_named, method, layerdiffuse), out, how)


def _named(method: str, layerdiffuse: str | None) -> ComparedMethod:
    from taue.evaluation.methods import method_named

    return method_named(method, layerdiffuse)


@dataclass(frozen=True)
class DrawOptions:
    """How pairs are drawn, whatever the method; the options of ``taue eval generate``."""

    model: str
    steps: int
    width: int | None
    height: int | None
    shard: str = "1/1"
    device: str = "auto"
    dtype: str = "auto"
    workers: int | None = None


def require_drawable(pairs: Sequence[Pair], how: DrawOptions) -> Shard:
    """Make sure that the options can be, before anything is written; the part that is asked for.

    Raises:
        TaueError: naming what cannot be.
    """
    devices.check_names(how.device, how.dtype)
    require_workers(how.workers)
    models.resolve(how.model)
    for pair in pairs[:1]:
        _scene(pair, how.model, how.steps, {"width": how.width, "height": how.height}, None)
    return Shard.parse(how.shard)


def draw(
    data: Path,
    method: Callable[[], ComparedMethod],
    out: Path,
    how: DrawOptions,
    beside: Mapping[str, str] | None = None,
) -> None:
    """Draw a data set's pairs into a run.

    Args:
        data: the set.
        method: asked for once libraries may be slow, by each worker; it can be sent to processes.
        out: the run.
        how: the options.
        beside: a second subject's prompt by pair, for a scene of two.

    Raises:
        TaueError: for bad input; or if pairs failed, once all others are made.
    """
    from taue.evaluation.dataset import read_data
    from taue.evaluation.generate import PairJob, begin, missing

    read = read_data(data)
    part = require_drawable(read.pairs, how)
    canvas = {"width": how.width, "height": how.height}
    second = beside or {}
    jobs = [
        PairJob(pair.id, n, pair, _scene(pair, how.model, how.steps, canvas, second.get(pair.id)))
        for n, pair in part.of(list(enumerate(read.pairs, 1)))
    ]
    with quiet_libraries(), console().status("loading"):
        chosen = method()
        place, kind = devices.choose(how.device, how.dtype)
        options = {"model": how.model, "steps": how.steps, **canvas}
        options |= {"dtype": str(kind).split(".")[-1], **chosen.told}
        begin(out, read, chosen.name, chosen.copies, options)
        wanted = {pair.id for pair in missing(out, read.pairs)}
        todo = [job for job in jobs if job.id in wanted]

    warn_of_machine(place, kind)
    texts = ((one.pair.foreground, one.pair.background, one.pair.scene) for one in todo)
    for warning in strange_words(how.model, (text for three in texts for text in three)):
        warn(warning)

    drawn = _drawn(out, todo, method, how, chosen.name)
    left = len(missing(out, read.pairs))
    there = len(read.pairs) - left
    tell(f"{drawn.made} made, {there} of {len(read.pairs)} are there: {out}")
    tell_path(out, shown=False)
    tell_fields(made=drawn.made, there=there, of=len(read.pairs))
    _require_whole(drawn)


def _drawn(
    out: Path,
    todo: list[PairJob],
    method: Callable[[], ComparedMethod],
    how: DrawOptions,
    name: str,
) -> RunOutcome:
    """Draw pairs, with a bar of a method's name."""
    from rich.progress import Progress

    from taue.evaluation.drawn import RunOutcome, RunWorkers, draw_run
    from taue.work.engines import InProcess, Processes

    if not todo:
        return RunOutcome()
    count = how.workers or 1
    threads = threads_of(count) if count > 1 else 0
    crew = RunWorkers(out, method, todo[0].scene, how.device, how.dtype, threads)
    engine = Processes(crew, count) if count > 1 else InProcess(partial(crew.worker, 0))
    try:
        with quiet_libraries(), Progress(console=console()) as bar:
            shown = bar.add_task(name, total=len(todo))
            return draw_run(out, todo, engine, lambda: bar.advance(shown))
    except KeyboardInterrupt:
        typer.echo("Interrupted; the same command goes on where it was.", err=True)
        sys.exit(INTERRUPTED)


def _require_whole(drawn: RunOutcome) -> None:
    """TaueError if pairs failed: a table of the others would be another table."""
    for job, error in drawn.failed[1:]:
        warn(f"pair {job.id} failed: {error}")
    if drawn.failed:
        job, error = drawn.failed[0]
        raise TaueError(
            f"pair {job.id} failed ({error.rstrip('.')}); all that could be drawn is there, and "
            "the same command tries again what is missing."
        )


def _scene(
    pair: Pair, model: str, steps: int, canvas: dict[str, int | None], second: str | None
) -> Scene:
    """A pair as a scene of our own method; with a second subject in the mirrored box, without the
    pair's sentence of the whole."""
    left, top, width, height = pair.box
    told: dict[str, Any] = {
        "model": model,
        "seed": pair.seed,
        "steps": steps,
        "background": pair.background,
        "canvas": canvas,
        "subjects": [{"prompt": pair.foreground, "box": list(pair.box)}],
    }
    if second is None:
        told["scene"] = pair.scene
    else:
        mirrored = [1 - left - width, top, width, height]
        told["subjects"].append({"prompt": second, "box": mirrored})
    return Scene.from_data(told)
