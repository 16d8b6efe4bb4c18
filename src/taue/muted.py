"""Messages of other libraries that say nothing to our users, kept from them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def muted(logger: str, *parts: str) -> Iterator[None]:
    """Drop a logger's messages that hold all of ``parts`` while the block runs."""

    def passes(record: logging.LogRecord) -> bool:
        message = record.getMessage()
        return not all(part in message for part in parts)

    source = logging.getLogger(logger)
    source.addFilter(passes)
    try:
        yield
    finally:
        source.removeFilter(passes)
