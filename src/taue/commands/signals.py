"""How a command ends when it is told to, and how it goes on when nobody listens."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NoReturn

INTERRUPTED, TERMINATED = 130, 143


class Signals:
    """Whether SIGTERM came."""

    terminated = False


@contextmanager
def heeded() -> Iterator[Signals]:
    """Let SIGTERM interrupt the block as Ctrl-C does, so that it cleans up."""
    heard = Signals()

    def terminate(_number: int, _frame: FrameType | None) -> NoReturn:
        heard.terminated = True
        raise KeyboardInterrupt

    try:
        old = signal.signal(signal.SIGTERM, terminate)
    except ValueError:  # not the main thread, which alone hears signals
        yield heard
        return
    try:
        yield heard
    finally:
        signal.signal(signal.SIGTERM, old)


def silence(stream: int) -> None:
    """Send standard output (1) or error (2) nowhere, because nobody reads it (``| head -1``)."""
    with suppress(OSError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream)
        os.close(nowhere)
