"""Several processes of this program at once, one for each GPU, each with a part of the work."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from taue.errors import TaueError

MOST_WORKERS = 1024

POLL = 0.2
"""Seconds between looks at whether the workers are through."""


def require_workers(count: int | None) -> None:
    """Make sure that there can be so many.

    Raises:
        TaueError: if not.
    """
    if count is not None and not 1 <= count <= MOST_WORKERS:
        raise TaueError(f"workers is {count}; give a whole number from 1 to {MOST_WORKERS}.")


def threads_of(workers: int) -> int:
    """Of each of so many workers on this machine's CPU."""
    return max(1, (os.cpu_count() or 1) // workers)


@dataclass(frozen=True)
class ProcessOptions:
    """How many processes, on which device, and the folder of what they say."""

    count: int
    device: str
    logs: Path

    def check(self) -> None:
        """Refuse more processes than there are GPUs.

        Raises:
            TaueError: if there are fewer, or less than one is asked for.
        """
        if self.count < 1:
            raise TaueError(f"gpus is {self.count}; give 1 at least.")
        if self.count > 1 and self._on_gpus:
            import torch

            if (there := torch.cuda.device_count()) < self.count:
                raise TaueError(
                    f"gpus is {self.count} and this machine has {there}; give as many as there "
                    "are, or --device cpu."
                )

    def device_of(self, number: int) -> str:
        """That of the ``number``-th process, from 1 on: a GPU of its own, or what was named."""
        if self.count == 1 or not self._on_gpus:
            return self.device
        return f"cuda:{number - 1}"

    @property
    def _on_gpus(self) -> bool:
        return self.device in ("auto", "cuda")


def shared_out(
    command: Callable[..., None],
    name: str,
    options: Mapping[str, Any],
    crew: ProcessOptions,
    more: Sequence[str] = (),
) -> None:
    """Run a command of ``taue eval`` here, or as several processes that share its work by shards.

    Args:
        command: the function of the command, which takes ``options`` and ``device``.
        name: of the command.
        options: by their names in Python; None is left out.
        crew: how many, and where.
        more: further arguments of the processes.

    Raises:
        TaueError: if it fails.
    """
    if crew.count == 1:
        command(**options, device=crew.device)
        return
    numbers = range(1, crew.count + 1)
    commands = [
        ["eval", name, *_arguments(options), *more, "--device", crew.device_of(number),
         "--shard", f"{number}/{crew.count}"]
        for number in numbers
    ]  # fmt: skip
    run_together(commands, [crew.logs / f"{number}.txt" for number in numbers])


def _arguments(options: Mapping[str, Any]) -> list[str]:
    """Options as they are typed; a list is one that is repeated."""
    told: list[str] = []
    for key, value in options.items():
        for one in value if isinstance(value, list) else [value]:
            if one is not None:
                told += [f"--{key.replace('_', '-')}", str(one)]
    return told


def run_together(commands: Sequence[Sequence[str]], logs: Sequence[Path]) -> None:
    """Run ``taue`` with each list of arguments, all at once, until the last one ends.

    Args:
        commands: the arguments of each.
        logs: the file that each one's output is added to.

    Raises:
        TaueError: if one fails; the others are stopped, and go on when they are started again.
    """
    running: list[subprocess.Popen[bytes]] = []
    try:
        for arguments, log in zip(commands, logs, strict=True):
            log.parent.mkdir(parents=True, exist_ok=True)
            with log.open("ab") as stream:
                program = [sys.executable, "-m", "taue", *arguments]
                running.append(subprocess.Popen(program, stdout=stream, stderr=stream))  # noqa: S603
        while any(one.poll() is None for one in running):
            if any(one.poll() for one in running):
                break
            time.sleep(POLL)
        # A worker that is stopped below says so and ends like one that fails; these ended first.
        codes = [one.poll() or 0 for one in running]
    finally:
        for one in running:
            if one.poll() is None:
                one.terminate()
        for one in running:
            one.wait()
    for code, log in zip(codes, logs, strict=True):
        if code > 0 and (told := _last_line(log)):
            raise TaueError(f"worker {log.stem} of {len(running)} failed: {told}")
    if any(codes):
        raise TaueError("a worker was stopped; the same command goes on where it was.")


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    told = [line.strip() for line in lines if line.strip()]
    return told[-1].removeprefix("Error: ") if told else ""
