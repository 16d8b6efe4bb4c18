"""Several generations in step: what each asks of the denoising loop at its turn grows as one batch.

Each is a greenlet, of which one runs at a time. One that comes to a pass hands over its rows and
waits; when all that are left wait, their rows are one pass (or one for each size, where some are
windows of the canvas), and each goes on with its harvests. So a generation reads the same alone and
beside others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from greenlet import getcurrent, greenlet

from taue.backbones import Backbone
from taue.errors import LittleMemoryError
from taue.rows import Harvest, Observer, Row
from taue.settings import Settings

T = TypeVar("T")

OnePass = tuple[Backbone, Sequence[Row]]
"""What a work waits for: rows, and the model on their part of the canvas."""


def beside_others(
    backbone: Backbone, rows: Sequence[Row], settings: Settings, observe: Observer
) -> list[Harvest]:
    """As :func:`taue.cultivate.cultivate`, for work that :func:`in_step` does: settings and
    observer are those of all."""
    del settings, observe
    parent: Any = getcurrent().parent
    return parent.switch((backbone, rows))


def in_step(
    works: Sequence[Callable[[], T]],
    grow: Callable[[Backbone, Sequence[Row]], Sequence[Harvest]],
) -> list[T | Exception]:
    """Do several works whose passes go through :func:`beside_others`.

    Args:
        works: in the order of their rows in a pass; none of them plants one row in another.
        grow: makes a pass of rows with a model.

    Returns:
        What each came to, or its error if it failed alone.

    Raises:
        LittleMemoryError: if memory ran out, which all of them share.
        Exception: what ``grow`` raises.
    """
    results: dict[int, Any] = {}
    greenlets = [greenlet(work) for work in works]
    waiting: dict[int, OnePass] = {}

    def go_on(number: int, *harvests: list[Harvest]) -> None:
        try:
            said: Any = greenlets[number].switch(*harvests)
        except LittleMemoryError:
            raise
        except Exception as error:  # noqa: BLE001 (told to whoever asked for it)
            results[number] = error
            return
        (results if greenlets[number].dead else waiting)[number] = said

    try:
        for number in range(len(works)):
            go_on(number)
        while waiting:
            asked, waiting = waiting, {}
            for number, harvests in _grown(asked, grow).items():
                go_on(number, harvests)
    finally:
        for one in greenlets:  # those that still wait let go of what they hold
            one.throw()
    return [results[number] for number in range(len(works))]


def _grown(
    asked: Mapping[int, OnePass], grow: Callable[[Backbone, Sequence[Row]], Sequence[Harvest]]
) -> dict[int, list[Harvest]]:
    """What each is waiting for, in one pass for each size."""
    sizes: dict[tuple[int, ...], list[int]] = {}
    for number, (backbone, _) in asked.items():
        sizes.setdefault(backbone.shape, []).append(number)
    made: dict[int, list[Harvest]] = {}
    for numbers in sizes.values():
        grown = iter(grow(asked[numbers[0]][0], [row for n in numbers for row in asked[n][1]]))
        made |= {n: [next(grown) for _ in asked[n][1]] for n in numbers}
    return {number: made[number] for number in asked}
