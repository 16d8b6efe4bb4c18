"""Which device and number format to run on, by name; what "auto" means."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from taue.errors import TaueError

if TYPE_CHECKING:
    import torch

AUTO = "auto"
DTYPES = ("float32", "float16", "bfloat16")
MEMORY = ("normal", "low")
_DEVICE = re.compile(r"auto|cpu|mps|cuda(:(0|[1-9]\d?))?")


@dataclass(frozen=True)
class Machine:
    """What a model is to run on, by the names that users give."""

    device: str = AUTO
    dtype: str = AUTO
    memory: str = "normal"

    @property
    def saves_memory(self) -> bool:
        """Whether it is to take as little memory as it can."""
        return self.memory == "low"

    def chosen(self) -> tuple[torch.device, torch.dtype]:
        """As :func:`choose` has it."""
        return choose(self.device, self.dtype)

    def told(self, device: torch.device, dtype: torch.dtype) -> dict[str, str]:
        """What was chosen, as reports say it."""
        said = {"device": str(device), "dtype": str(dtype).removeprefix("torch.")}
        return said | ({"memory": self.memory} if self.saves_memory else {})

    def check(self) -> None:
        """Whether such names exist at all; imports nothing, so that it is instant.

        Raises:
            TaueError: if not.
        """
        check_names(self.device, self.dtype)
        if self.memory not in MEMORY:
            raise TaueError(f"memory {self.memory!r} is unknown; choose {' or '.join(MEMORY)}.")


def check_names(device: str, dtype: str) -> None:
    """Whether such a device and dtype exist at all; imports nothing, so that it is instant.

    Raises:
        TaueError: if not.
    """
    if not _DEVICE.fullmatch(device):
        raise TaueError(f"device {device!r} is unknown; choose auto, cpu, cuda, cuda:N or mps.")
    if dtype not in (AUTO, *DTYPES):
        raise TaueError(f"dtype {dtype!r} is unknown; choose auto, float32, float16 or bfloat16.")


def unwise(device: torch.device, dtype: torch.dtype) -> str | None:
    """What speaks against a choice, in a sentence; None if nothing does."""
    if device.type != "cpu" or dtype.itemsize >= 4:
        return None
    name = str(dtype).removeprefix("torch.")
    return (
        f"dtype {name} on a CPU is slow and its rounding shows; leave --dtype out, which means "
        "float32 there."
    )


def choose(device: str, dtype: str) -> tuple[torch.device, torch.dtype]:
    """The device and dtype that the names mean on this machine.

    "auto" is CUDA, else Apple's MPS, else the CPU; in float16, on the CPU in float32.

    Raises:
        TaueError: if a name is unknown or this machine lacks the device.
    """
    check_names(device, dtype)
    import torch

    here = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if device == AUTO:
        device = next((name for name, present in here.items() if present), "cpu")
    chosen = torch.device(device)
    if not here.get(chosen.type, True):
        raise TaueError(f"device {device} is not available on this machine; choose auto or cpu.")
    if chosen.type == "cuda" and (chosen.index or 0) >= torch.cuda.device_count():
        count = torch.cuda.device_count()
        raise TaueError(f"device {device} is not available; this machine has {count} of them.")
    if dtype == AUTO:
        dtype = "float32" if chosen.type == "cpu" else "float16"
    return chosen, getattr(torch, dtype)


def own(device: str, number: int) -> str:
    """The device of a machine's ``number``-th worker, from 0: a GPU of its own, where there are
    several."""
    import torch

    count = torch.cuda.device_count() if device in (AUTO, "cuda") else 0
    return f"cuda:{number % count}" if count > 1 else device


def take_threads(device: torch.device, threads: int) -> None:
    """Let this process have so many threads on a CPU; 0 for what it has by itself."""
    import torch

    if threads and device.type == "cpu":
        torch.set_num_threads(threads)
