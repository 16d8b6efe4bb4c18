"""One generation at a time for each network, which holds attention processors of ours meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

_locks: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()
_guard = threading.Lock()


@contextmanager
def alone(network: Any) -> Iterator[None]:
    """Wait until no other thread generates with this network, in whatever pipeline it is."""
    with _guard:
        lock = _locks.setdefault(network, threading.RLock())
    with lock:
        yield
