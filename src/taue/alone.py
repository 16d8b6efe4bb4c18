"""One generation at a time for each UNet: attention processors are installed in it for a while."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

_locks: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()
_guard = threading.Lock()


@contextmanager
def alone(unet: Any) -> Iterator[None]:
    """Wait until no other thread generates with this UNet, in whatever pipeline it is."""
    with _guard:
        lock = _locks.setdefault(unet, threading.RLock())
    with lock:
        yield
