"""``taue batch run`` and ``retry``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from taue.bounds import MOST_RESULTS
from taue.commands import asked
from taue.commands.batch_shown import Shown
from taue.commands.conventions import Device, Dtype, Memory, quiet_libraries, warn_of_machine
from taue.commands.output import console, tell, tell_fields, tell_path, warn
from taue.commands.signals import INTERRUPTED
from taue.commands.workers import MOST_WORKERS, require_workers, threads_of
from taue.devices import Machine
from taue.errors import TaueError
from taue.readable import counted
from taue.shard import Shard
from taue.together import default_size, require_size
from taue.words import WordsTold

if TYPE_CHECKING:
    from taue.batch.driver import BatchEngine, Summary
    from taue.batch.maker import Recipe
    from taue.batch.plan import Task
    from taue.batch.store import Store

UNFINISHED = 1
"""Exit code if not everything that was asked for is there."""

MOST_TOLD, MOST_ATTEMPTS = 5, 100
KEEP = ("layers", "psd", "all")

StoreName = Annotated[str, typer.Argument(metavar="STORE", help="A folder or a URL, s3://...")]
Workers = Annotated[
    int | None,
    typer.Option(
        help="Processes, each with a model of its own (default 1, this process; with --ray as many "
        "as the cluster has GPUs, or CPUs)."
    ),
]
Ray = Annotated[str | None, typer.Option(metavar="ADDRESS|local", help="Workers on a Ray cluster.")]
WorkerCpus = Annotated[
    float | None, typer.Option(help="CPUs of each worker on Ray; may be a fraction.")
]
ShardName = Annotated[
    str, typer.Option(metavar="K/N", help="Only the K-th of N parts, counted from 1.")
]
Attempts = Annotated[int, typer.Option(help="How often a scene is tried.")]
Keep = Annotated[
    str, typer.Option(help="layers (PNG), psd (these and a PSD) or all that taue generate leaves.")
]


def run_batch(
    *,
    file: Annotated[
        Path,
        typer.Argument(
            metavar="SCENES",
            help="A scene, or a template for many, as JSON on each line; - for standard input.",
        ),
    ],
    out: Annotated[
        str | None,
        typer.Option(metavar="STORE", help="A folder or a URL: new, or one to go on with."),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Say whether the file can be used, and make nothing.")
    ] = False,
    workers: Workers = None,
    shard: ShardName = "1/1",
    ray: Ray = None,
    worker_cpus: WorkerCpus = None,
    batch_size: asked.BatchSize = None,
    attempts: Attempts = 3,
    keep: Keep = "layers",
    device: Device = "auto",
    dtype: Dtype = "auto",
    memory: Memory = "normal",
) -> None:
    """Make every scene of a file; called again, or by several at once, it makes what is missing."""
    if check:
        _check(file)
        return
    if out is None:
        raise TaueError("out is missing; name the store, a folder or a URL.")
    engine = EngineOptions(workers, ray, worker_cpus)
    recipe = _recipe(engine, batch_size, attempts, keep, Machine(device, dtype, memory))
    part = Shard.parse(shard)
    from taue.batch.index import parquet
    from taue.batch.plan import save_plan, tasks_of
    from taue.batch.scenes import read_scenes
    from taue.batch.stores import open_store

    parquet()
    with console().status("reading scenes"):
        heard = WordsTold()
        tasks = tasks_of(read_scenes(file, heard.hear))
    store = open_store(out)
    store.prepare()
    save_plan(store, tasks)
    _run(store, part.of(tasks), recipe, engine, heard)


def retry(
    *,
    store: StoreName,
    workers: Workers = None,
    shard: ShardName = "1/1",
    ray: Ray = None,
    worker_cpus: WorkerCpus = None,
    batch_size: asked.BatchSize = None,
    attempts: Attempts = 3,
    keep: Keep = "layers",
    device: Device = "auto",
    dtype: Dtype = "auto",
    memory: Memory = "normal",
) -> None:
    """Make again what failed or is corrupt, and what is missing."""
    engine = EngineOptions(workers, ray, worker_cpus)
    recipe = _recipe(engine, batch_size, attempts, keep, Machine(device, dtype, memory))
    part = Shard.parse(shard)
    from taue.batch.audit import audit, forget, require_planned
    from taue.batch.stores import open_store

    opened = open_store(store)
    tasks = list(require_planned(opened).values())
    opened.prepare()
    found = audit(opened)
    wrong = [*found.status.failed, *found.corrupt]
    forget(opened, wrong)
    tell(f"{len(found.status.failed)} failed and {len(found.corrupt)} corrupt are made again.")
    heard = WordsTold()
    for task in tasks:
        heard.hear(task.read())
    _run(opened, part.of(tasks), recipe, engine, heard)


@dataclass(frozen=True)
class EngineOptions:
    """What runs the workers, as the options say."""

    workers: int | None
    ray: str | None
    worker_cpus: float | None

    def check(self) -> None:
        """Refuse what no engine can do.

        Raises:
            TaueError: naming the option.
        """
        require_workers(self.workers)
        if self.worker_cpus is None:
            return
        if self.ray is None:
            raise TaueError("worker-cpus is for --ray; name a cluster, or leave it out.")
        if not 0 < self.worker_cpus <= MOST_WORKERS:
            raise TaueError(f"worker-cpus is {self.worker_cpus}; give a number above 0.")

    @property
    def here(self) -> bool:
        """Whether this process is the worker."""
        return self.ray is None and self.workers in (None, 1)

    @property
    def threads(self) -> int:
        """Of each worker on a CPU; one alone takes what the library takes."""
        return 0 if self.here else threads_of(self.workers or 1)

    def engine(self, store: Store, recipe: Recipe) -> BatchEngine:
        """The engine.

        Raises:
            TaueError: if it is not to be had.
        """
        if self.ray is not None:
            from taue.batch.ray_engine import RayActors

            return RayActors(store.where, recipe, self.ray, self.workers, self.worker_cpus)
        from taue.batch.engines import StoreInProcess, StoreProcesses

        if not recipe.together:
            place, _ = recipe.machine.chosen()
            recipe = replace(recipe, together=default_size(place.type))
        if self.here:
            return StoreInProcess(store, recipe)
        return StoreProcesses(store.where, recipe, self.workers or 1)


def _recipe(
    engine: EngineOptions, batch_size: int | None, attempts: int, keep: str, machine: Machine
) -> Recipe:
    """What workers are told, once the options are known to be good."""
    machine.check()
    engine.check()
    if engine.ray is None:  # before the store is touched
        machine.chosen()
    if batch_size is not None:
        require_size(batch_size, MOST_RESULTS, "batch-size")
    if not 1 <= attempts <= MOST_ATTEMPTS:
        raise TaueError(f"attempts is {attempts}; give a whole number from 1 to {MOST_ATTEMPTS}.")
    if keep not in KEEP:
        raise TaueError(f"keep is {keep!r}; choose among {', '.join(KEEP)}.")
    from taue.batch.maker import Recipe

    return Recipe(
        machine=machine,
        keep=keep,
        together=batch_size or int(machine.saves_memory),
        attempts=attempts,
        threads=engine.threads,
    )


def _run(
    store: Store, tasks: Sequence[Task], recipe: Recipe, options: EngineOptions, heard: WordsTold
) -> None:
    """Make tasks, with a bar; tell what became of them, and first what speaks against it."""
    from taue.batch.driver import drive

    engine = options.engine(store, recipe)
    if options.ray is None:
        warn_of_machine(*recipe.machine.chosen())
    for one in heard.strange():
        warn(one)
    with quiet_libraries() if options.here else nullcontext(), Shown(console()) as shown:
        try:
            summary = drive(store, tasks, engine, shown.tell)
        except KeyboardInterrupt:
            typer.echo("Interrupted; the same command goes on where it was.", err=True)
            sys.exit(INTERRUPTED)
    _summary(store, summary)


def _summary(store: Store, summary: Summary) -> None:
    for task, error in summary.failed[:MOST_TOLD]:
        warn(f"line {task.line} ({task.id}) failed: {error}")
    if len(summary.failed) > MOST_TOLD:
        warn(f"{len(summary.failed) - MOST_TOLD} more failed; taue batch audit names them.")
    if summary.refused:
        warn(f"{summary.refused} failed in an earlier run; taue batch retry tries them again.")
    tell(
        f"{summary.made} made in {summary.seconds:.1f} s, {summary.there} were there, "
        f"{len(summary.failed) + summary.refused} failed, of {summary.asked}: {store.where}"
    )
    tell_path(Path(store.where), shown=False)
    tell_fields(
        made=summary.made, there=summary.there, asked=summary.asked,
        failed=[{"id": t.id, "line": t.line, "error": e} for t, e in summary.failed],
        refused=summary.refused,
    )  # fmt: skip
    if not summary.whole:
        raise typer.Exit(UNFINISHED)


def _check(file: Path) -> None:
    """Every line that cannot be used, or how many scenes there are."""
    from taue.batch.scenes import problems

    heard = WordsTold()
    count, wrong = problems(file, 20, heard.hear)
    for one in wrong[:-1]:
        warn(one, kind="Error")
    if wrong:
        raise TaueError(wrong[-1])
    if not count:
        raise TaueError(f"{file} has no scene; write one as JSON on each line.")
    for one in heard.strange():
        warn(one)
    tell(f"{counted(count, 'scene')}, nothing wrong: {file}")
    tell_fields(scenes=count)
