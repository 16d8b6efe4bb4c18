"""Memory: what a request takes, as the model itself says, what is free, and running out."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import torch

from taue.backbones import Backbone
from taue.errors import LittleMemoryError
from taue.readable import counted
from taue.scene import Request

FLOAT = 4
"""Bytes: pictures are float32 whatever the model is."""

PER_PIXEL, PER_SUBJECT = 100, 80
"""Numbers a pixel of the canvas that pictures and matting take, and that each subject adds."""

GIBIBYTE = 2**30

LOW = "low memory (--memory low, enable_low_memory())"
"""What takes less, for messages."""


def needed(backbone: Backbone, *requests: Request, in_turn: bool = False) -> int:
    """Bytes that requests of one canvas take as one batch, at its peak besides the weights,
    about; less if what can grow ``in_turn`` does."""
    pixels = math.prod(requests[0].size)
    together = sum(max([_rows_at_once(one), *map(len, one.batches)]) for one in requests)
    samples = 2 * (1 if in_turn else together)  # with and without text
    numbers = sum(PER_PIXEL + PER_SUBJECT * len(one.subjects) for one in requests)
    pictures = numbers * pixels * FLOAT
    return pictures + max(backbone.denoising_bytes(samples), backbone.decoding_bytes())


def _rows_at_once(request: Request) -> int:
    """Rows of a scene's stages in one pass: the composite, and the background with it."""
    return 2 if request.settings.effort.together else 1


def available(device: torch.device) -> float:
    """Bytes that are free on a device; infinite where nothing says."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    if device.type == "cpu":
        return min(psutil.virtual_memory().available, _allowed())
    return math.inf


def require_memory(backbone: Backbone, *requests: Request, in_turn: bool = False) -> None:
    """Of a batch: refuse what cannot fit, with the numbers.

    Raises:
        LittleMemoryError: if the estimate is above what is free.
    """
    device = backbone.device
    takes, free = needed(backbone, *requests, in_turn=in_turn), available(device)
    height, width = requests[0].size
    subjects = sum(len(one.subjects) for one in requests)
    if takes > free:
        fewer = " or fewer subjects" if in_turn else f", fewer subjects or {LOW}"
        raise LittleMemoryError(
            f"width and height are {width} and {height}: with "
            f"{counted(subjects, 'subject')} that takes about {takes / GIBIBYTE:.1f} GiB, and "
            f"{device} has {free / GIBIBYTE:.1f} GiB free; choose a smaller canvas{fewer}."
        )


@contextmanager
def running_out_said(device: Any) -> Iterator[None]:
    """What allocators say when memory runs out, in a sentence with the way out.

    Raises:
        LittleMemoryError: instead of their errors.
    """
    try:
        yield
    except (MemoryError, torch.OutOfMemoryError, RuntimeError) as error:
        plain = isinstance(error, RuntimeError) and not isinstance(error, torch.OutOfMemoryError)
        if plain and not any(word in str(error) for word in ("allocate", "out of memory")):
            raise
        raise LittleMemoryError(
            f"device {device} has too little memory; choose a smaller width and height, fewer "
            f"subjects, {LOW} or cpu."
        ) from error


def _allowed() -> float:
    """What this process may still take, where a container limits it."""
    with suppress(OSError, ValueError):
        group = Path("/sys/fs/cgroup")
        limit = int((group / "memory.max").read_text())
        return limit - int((group / "memory.current").read_text()) + _cache(group)
    return math.inf


def _cache(group: Path) -> int:
    """Files in memory, which give way."""
    lines = (group / "memory.stat").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("inactive_file "))
