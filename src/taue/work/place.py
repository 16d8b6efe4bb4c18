"""Where results go: what a worker asks of a place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, TypeVar

from taue.errors import TaueError
from taue.work.jobs import J, Outcome

M_contra = TypeVar("M_contra", contravariant=True)


class PlaceError(TaueError):
    """A place cannot be read or written: the fault of nothing that is made."""


class Place(Protocol[J, M_contra]):
    """Everything raises :class:`PlaceError` if the place cannot be reached, read or written."""

    def claimed(self, key: str) -> AbstractContextManager[bool]:
        """Whether this process alone makes a job while the block runs."""
        ...

    def there(self, key: str) -> bool:
        """Whether a job's result is there, whole."""
        ...

    def begin(self, job: J, together: int) -> J:
        """Leave a trace of an attempt, which stays if the process ends; the job by its number.
        ``together`` is how many grow as one batch."""
        ...

    def keep(self, job: J, made: M_contra, seconds: float, together: int) -> Outcome[J]:
        """A result, whole or not at all; ``seconds`` are its share of what its batch took."""
        ...

    def failed(self, job: J, error: Exception, told: str, *, final: bool) -> None:
        """Note an attempt that failed; ``told`` is the error in a line."""
        ...


@contextmanager
def place_blamed(told: Callable[[str], str]) -> Iterator[None]:
    """A file that cannot be written is the place's fault, not that of what is made.

    Args:
        told: the sentence, by the system's reason.

    Raises:
        PlaceError: in place of the system's errors.
    """
    try:
        yield
    except (OSError, TaueError) as error:
        cause = error if isinstance(error, OSError) else error.__cause__
        if isinstance(error, PlaceError) or not isinstance(cause, OSError):
            raise
        raise PlaceError(told(cause.strerror or str(cause))) from error
