"""What is to be made, and what became of it."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

DONE, FAILED, THERE, ELSEWHERE = "done", "failed", "there", "elsewhere"


@dataclass(frozen=True)
class Job:
    """Something to be made. ``id`` names it where it goes, ``line`` says which it is of what the
    user gave, from 1, ``attempt`` counts from 1."""

    id: str
    line: int
    attempt: int = field(default=1, kw_only=True)


J = TypeVar("J", bound=Job)

Portion = tuple[J, ...]
"""Jobs that can be one batch."""


@dataclass(frozen=True)
class Outcome(Generic[J]):
    """What became of a job: "done" here, "failed" for now or (``final``) for good, "there" already
    or "elsewhere": another process is at it. ``seconds`` are the job's own, ``overhead`` those
    that keeping it took, ``row`` what an index has of it."""

    task: J
    kind: str
    error: str = ""
    final: bool = False
    seconds: float = 0.0
    overhead: float = 0.0
    row: dict[str, Any] | None = None


def this_process() -> str:
    """The machine and the process."""
    return f"{platform.node()}:{os.getpid()}"
