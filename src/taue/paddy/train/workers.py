"""Data-parallel workers: one process a core, because small models scale better over processes
than over the threads of one operation."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
import torch.multiprocessing as mp


def launch(task: Callable[..., None], workers: int, *arguments: Any) -> None:
    """Run ``task(rank, workers, *arguments)`` in ``workers`` processes that can average.

    A failure of one worker ends all of them and is raised here.
    """
    if workers == 1:
        task(0, 1, *arguments)
        return
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    with tempfile.TemporaryDirectory() as folder:
        meeting = Path(folder, "rendezvous").as_uri()
        mp.spawn(  # pyright: ignore[reportPrivateImportUsage]
            _join, args=(task, workers, meeting, arguments), nprocs=workers
        )


def _join(
    rank: int, task: Callable[..., None], workers: int, meeting: str, arguments: tuple[Any, ...]
) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=meeting, rank=rank, world_size=workers)
    try:
        task(rank, workers, *arguments)
    finally:
        dist.destroy_process_group()


def average_gradients(parameters: Iterable[torch.nn.Parameter], workers: int) -> None:
    """Replace every gradient by its mean over the workers (missing ones count as zero)."""
    if workers == 1:
        return
    parameters = list(parameters)
    flat = torch.cat(
        [(p.grad if p.grad is not None else torch.zeros_like(p)).reshape(-1) for p in parameters]
    )
    dist.all_reduce(flat)
    flat /= workers
    pieces = flat.split([p.numel() for p in parameters])
    for parameter, piece in zip(parameters, pieces, strict=True):
        parameter.grad = piece.view_as(parameter)
