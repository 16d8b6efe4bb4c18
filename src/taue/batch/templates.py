"""A line of a scenes file that stands for many: lists, ranges and words to fill in.

``{"each": [...]}`` in place of a value stands for each of them, ``{"range": [first, last]}`` or
``[first, last, step]`` for whole numbers with both ends; ``"with": {"colour": [...]}`` beside the
fields fills ``{colour}`` in every text. All that vary are combined, the last one fastest.
"""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Iterator, Sequence
from typing import Any

from taue.errors import TaueError
from taue.scene.problems import Location, dotted

EACH, RANGE, WITH = "each", "range", "with"
MOST_SCENES = 10_000_000
"""Of one file."""

_WORD = re.compile(r"\{([A-Za-z_]\w*)\}")


def filled_in(line: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every scene that a line stands for, as it stands in a scene file; a plain scene is itself.

    Raises:
        TaueError: naming the field, if a list or range cannot be used, or they are too many.
    """
    fields = {name: value for name, value in line.items() if name != WITH}
    words = _words(line.get(WITH, {}))
    places = list(_varying(fields, ()))
    choices = [*words.values(), *(values for _, values in places)]
    if math.prod(map(len, choices)) > MOST_SCENES:
        raise TaueError(
            f"the template stands for more than {MOST_SCENES} scenes; shorten its lists and ranges."
        )
    if not choices:
        yield fields
        return
    for chosen in itertools.product(*choices):
        filled = json.loads(json.dumps(fields))
        for (place, _), value in zip(places, chosen[len(words) :], strict=True):
            filled = _put(filled, place, value)
        yield _told(filled, dict(zip(words, map(str, chosen), strict=False))) if words else filled


def _varying(value: Any, place: Location) -> Iterator[tuple[Location, Sequence[Any]]]:
    """Places of lists and ranges, with what stands there."""
    if isinstance(value, dict):
        if set(value) == {EACH}:
            yield place, _list(value[EACH], place)
        elif set(value) == {RANGE}:
            yield place, _range(value[RANGE], place)
        else:
            for name, part in value.items():
                yield from _varying(part, (*place, name))
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield from _varying(part, (*place, number))


def _list(value: Any, place: Location) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise TaueError(f"{dotted(place)} has no list after {EACH}; give one that is not empty.")
    return value


def _range(value: Any, place: Location) -> range:
    whole = isinstance(value, list) and all(type(one) is int for one in value)
    if not whole or len(value) not in (2, 3):
        raise TaueError(
            f"{dotted(place)} has a {RANGE} of something else than whole numbers; give "
            "[first, last] or [first, last, step]."
        )
    first, last, step = (*value, 1)[:3]
    if step < 1 or last < first:
        raise TaueError(f"{dotted(place)} has an empty {RANGE}; give first <= last and a step > 0.")
    if (last - first) // step >= MOST_SCENES:
        raise TaueError(f"{dotted(place)} has a {RANGE} that is too long; shorten it.")
    return range(first, last + 1, step)


def _words(value: Any) -> dict[str, list[Any]]:
    if not isinstance(value, dict):
        raise TaueError(f'{WITH} is no table; give one such as {{"colour": ["red", "blue"]}}.')
    return {name: _list(words, (WITH, name)) for name, words in value.items()}


def _put(value: Any, place: Location, new: Any) -> Any:
    if not place:
        return new
    value[place[0]] = _put(value[place[0]], place[1:], new)  # pyright: ignore[reportIndexIssue]
    return value


def _told(value: Any, words: dict[str, str], place: Location = ()) -> Any:
    """The same with words filled into every text."""
    if isinstance(value, str):
        return _WORD.sub(lambda found: _word(found[1], words, place), value)
    if isinstance(value, dict):
        return {name: _told(part, words, (*place, name)) for name, part in value.items()}
    if isinstance(value, list):
        return [_told(part, words, (*place, number)) for number, part in enumerate(value)]
    return value


def _word(name: str, words: dict[str, str], place: Location) -> str:
    if name not in words:
        raise TaueError(
            f"{dotted(place)} has {{{name}}}, which is not among {WITH}; add it, or write the text "
            "without it."
        )
    return words[name]
