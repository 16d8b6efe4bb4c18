"""What is wrong with a scene, in one sentence: the field, what it is, what to give."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Iterator
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic.dataclasses import is_pydantic_dataclass
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from taue.readable import quoted
from taue.scene.method import CALLED

Location = tuple[int | str, ...]
"""The way to a field: names of tables and numbers in lists, from 0."""

Table = type[Any]
"""A table of a scene: a model of pydantic, or a dataclass of it."""

UNKNOWN = ("extra_forbidden", "unexpected_keyword_argument")
LONGEST, MOST_LOOKED_AT = 60, 20
"""Characters of a value that are shown; unknown fields whose meaning is guessed at."""

GIVE = {
    "string_type": "give a text in quotes",
    "int_type": "give a whole number",
    "int_from_float": "give a whole number",
    "float_type": "give a number",
    "finite_number": "give a finite number",
    "bool_type": "give true or false",
    "model_type": "give a table with fields of its own",
    "dataclass_type": "give a table with fields of its own",
    "tuple_type": "give a list",
}
"""What to give instead, by pydantic's kinds of error."""


def dotted(place: Location) -> str:
    """A field as users write it: ``subjects[1].box``, names with odd characters in quotes."""
    path = ""
    for part in place:
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            path += "." + (part if re.fullmatch(r"[\w-]+", part) else json.dumps(part))
    return path.removeprefix(".") or "the scene"


def sentence(
    error: ValidationError,
    model: Table,
    source: str = "",
    naming: Callable[[Location], str] = dotted,
) -> str:
    """The first problem in one sentence, and how many there are if there are more.

    Args:
        error: of pydantic; problems that our own classes found begin with their field's name.
        model: what was checked.
        source: the file's name, or "".
        naming: how a field is called.
    """
    problems = _told(error.errors(include_url=False), model)
    first = problems[0]
    place = first["loc"]
    told = f"{naming(place)} {_rest(first, place, model)}"
    told += "" if told.endswith((".", "?")) else "."
    if len(problems) == 1:
        return f"{source}: {told}" if source else told
    count = f"{len(problems)} problems, the first"
    return f"{source} has {count}: {told}" if source else f"{count}: {told}"


def _told(problems: list[ErrorDetails], model: Table) -> list[ErrorDetails]:
    """Unknown fields first, and without what is missing only because it is misspelt."""
    unknown = [one for one in problems if one["type"] in UNKNOWN]
    looked_at = unknown[:MOST_LOOKED_AT]
    meant = {(*one["loc"][:-1], _beside(one["loc"], model)) for one in looked_at}
    others = [one for one in problems if one["type"] not in UNKNOWN]
    return unknown + [
        one for one in others if not (one["type"] == "missing" and one["loc"] in meant)
    ]


def _rest(problem: ErrorDetails, place: Location, model: Table) -> str:
    kind, value = problem["type"], problem["input"]
    if kind == "value_error":
        return str(problem.get("ctx", {})["error"]).partition(" ")[2]
    if kind == "missing":
        return f"is missing; add it{_example(place, model)}"
    if kind in UNKNOWN:
        return f"is unknown; {_nearest(place, model)}"
    return f"is {_shown(value)}; {GIVE.get(kind, problem['msg'])}"


def _example(place: Location, model: Table) -> str:
    examples = fields_of(model_at(place[:-1], model))[str(place[-1])].examples
    return f", for example {place[-1]} = {json.dumps(examples[0])}" if examples else ""


def _nearest(place: Location, model: Table) -> str:
    """What an unknown field may have meant: one beside it, else one elsewhere."""
    if near := _beside(place, model):
        return f"did you mean {near}?"
    elsewhere = {path.rpartition(".")[2]: path for path in reversed(list(paths(model)))}
    if found := difflib.get_close_matches(_meant(place), elsewhere, n=1, cutoff=0.8):
        path = elsewhere[found[0]]
        return f"did you mean {path}{'' if '.' in path else ' at the top, before the tables'}?"
    return f"known are {', '.join(fields_of(model_at(place[:-1], model)))}"


def _beside(place: Location, model: Table) -> str | None:
    """The field of the same table whose name is nearest to that of an unknown one."""
    own = fields_of(model_at(place[:-1], model))
    return next(iter(difflib.get_close_matches(_meant(place), own, n=1)), None)


def _meant(place: Location) -> str:
    """A field's name, for one of ``Settings`` that a scene calls otherwise the scene's."""
    name = str(place[-1])
    return next((short for short, called in CALLED.items() if called == name), name)


def paths(model: Table, before: str = "") -> Iterator[str]:
    """Every field of a model and its parts: ``seed``, ``canvas.width``, ``subjects[].name``."""
    for name, field in fields_of(model).items():
        yield before + name
        for part in _models_in(field.annotation):
            repeated = "[]" if part is not field.annotation else ""
            yield from paths(part, f"{before}{name}{repeated}.")


def fields_of(table: Table) -> dict[str, FieldInfo]:
    """Of a table, by name."""
    return table.__pydantic_fields__


def model_at(place: Location, model: Table) -> Table:
    """The part of a model that the table at ``place`` is checked against."""
    for part in place:
        if isinstance(part, str):
            model = next(_models_in(fields_of(model)[part].annotation))
    return model


def _models_in(annotation: Any) -> Iterator[Table]:
    if isinstance(annotation, type) and (
        issubclass(annotation, BaseModel) or is_pydantic_dataclass(annotation)
    ):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)


def _shown(value: Any) -> str:
    """A value as it stands in a file, cut short; TOML has nan and inf, JSON nothing for them."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return quoted(value, LONGEST)
    try:
        shown = json.dumps(value, ensure_ascii=False, default=str)
    except (RecursionError, ValueError):  # a number of thousands of digits in it
        return f"a {type(value).__name__}"
    return shown if len(shown) <= LONGEST else shown[: LONGEST - 3] + "..."
