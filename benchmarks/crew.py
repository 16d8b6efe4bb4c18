"""What benchmarks share: a quiet pipeline, and processes that each load it once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import Annotated, TypeVar

import torch
import typer
from rich.progress import track

from taue import TauePipeline
from taue.paddy.judge import Judge

AnyJob = TypeVar("AnyJob")
Answer = TypeVar("Answer")
Work = Callable[[TauePipeline, Judge, AnyJob], Answer]


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


Out = Annotated[Path, typer.Option(help="Folder for figures and sheets.", callback=_made)]
"""The folder of a benchmark's results, made before the work and not after it."""


def figure_in(out: Path, name: str) -> Path:
    """Where a picture of a benchmark goes, beside its numbers."""
    return _made(out / "figures") / name


def load_quiet(model: str) -> TauePipeline:
    """The model without bars of its own; in a process of :func:`share_out`, on one thread."""
    if parent_process() is not None:
        torch.set_num_threads(1)
    pipe = TauePipeline.from_pretrained(model)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def share_out(
    work: Work[AnyJob, Answer], jobs: Sequence[AnyJob], model: str, title: str, workers: int = 2
) -> list[Answer]:
    """``work(pipe, judge, job)`` for each job, on single-threaded processes, under a bar.

    Each process loads pipeline and judge once. The answers do not depend on ``workers`` as long as
    a job brings its own seed.

    Args:
        work: a function at the top of its module, because the processes import it; the script
            needs an ``if __name__ == "__main__"``.
        jobs: like the answers, anything that can be pickled; pictures better than tensors.
        model: as of ``TauePipeline.from_pretrained``.
        title: of the bar.
        workers: processes; one a core.

    Returns:
        The answers in the order of the jobs.

    Raises:
        Exception: whatever loading or the work raised first.
    """
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        answers = pool.map(partial(_done, work, model), jobs)
        return list(track(answers, title, total=len(jobs)))


@cache
def _tools(model: str) -> tuple[TauePipeline, Judge]:
    return load_quiet(model), Judge.load()


def _done(work: Work[AnyJob, Answer], model: str, job: AnyJob) -> Answer:
    return work(*_tools(model), job)
