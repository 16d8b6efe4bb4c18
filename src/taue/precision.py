"""A generation in the model's own precision, whatever is switched on around it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch


@contextmanager
def own_precision(device: torch.device) -> Iterator[None]:
    """Without a caller's autocast, on ``device`` and on the CPU, and with float32 for what is said
    to be of no type: the same call is the same picture."""
    chosen = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    try:
        with ExitStack() as off:
            for kind in {"cpu", device.type}:
                off.enter_context(torch.autocast(kind, enabled=False))
            yield
    finally:
        torch.set_default_dtype(chosen)
