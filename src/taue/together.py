"""Which requests can grow as one batch, and what becomes of a batch that memory does not hold."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from taue.errors import LittleMemoryError, TaueError
from taue.readable import quoted
from taue.scene import Request

if TYPE_CHECKING:
    from taue.layers import Layers

S = TypeVar("S")
T = TypeVar("T")

MOST_TOGETHER = 8
"""Scenes that grow as one batch at most where nobody says: a GPU is busy by then."""


def default_size(device_type: str) -> int:
    """Scenes that grow as one batch at most where nobody says.

    On a CPU one: several gain nothing there, and one alone has the same bytes always.
    """
    return 1 if device_type == "cpu" else MOST_TOGETHER


def require_size(size: Any, most: int, name: str = "batch_size") -> None:
    """Make sure that so many scenes can be asked to grow as one batch.

    Raises:
        TaueError: if not.
    """
    if isinstance(size, bool) or not isinstance(size, int) or not 1 <= size <= most:
        raise TaueError(f"{name} is {quoted(size)}; give a whole number from 1 to {most}.")


def alike(requests: Sequence[Request]) -> list[list[int]]:
    """Their places in lists that each can be one batch: one canvas and method each."""
    found: dict[Any, list[int]] = {}
    for place, one in enumerate(requests):
        found.setdefault((one.canvas.height, one.canvas.width, one.settings), []).append(place)
    return list(found.values())


def in_batches(
    jobs: Sequence[S], size: int, make: Callable[[Sequence[S]], Iterable[T]]
) -> Iterator[T]:
    """Make jobs in batches of ``size`` at most, smaller ones where memory runs out; in order.

    Raises:
        LittleMemoryError: if one alone is too large.
    """
    for start in range(0, len(jobs), size):
        batch = jobs[start : start + size]
        made = _made(batch, make)
        # Outside of the handler, which holds on to what the larger batch had in memory.
        yield from in_batches(batch, len(batch) // 2, make) if made is None else made


def made_in_batches(
    jobs: Sequence[tuple[Request, int]],
    size: int,
    make: Callable[[Sequence[Request], Sequence[int]], Sequence[Layers | Exception]],
) -> list[Layers]:
    """What requests come to, each with the number that its noise derives from, in their order.

    Args:
        jobs: requests and numbers.
        size: of a batch, at most.
        make: makes a batch of requests that are alike, or tells of each one's error.

    Raises:
        Exception: the first error.
    """
    made: dict[int, Layers] = {}

    def together(some: Sequence[tuple[Request, int]]) -> list[Layers]:
        results = make([request for request, _ in some], [seed for _, seed in some])
        for one in results:
            if isinstance(one, Exception):
                raise one
        return [one for one in results if not isinstance(one, Exception)]

    for places in alike([request for request, _ in jobs]):
        results = in_batches([jobs[place] for place in places], size, together)
        made |= zip(places, results, strict=True)
    return [made[place] for place in range(len(jobs))]


def _made(batch: Sequence[S], make: Callable[[Sequence[S]], Iterable[T]]) -> Iterable[T] | None:
    try:
        return make(batch)
    except LittleMemoryError:
        if len(batch) == 1:
            raise
        return None
