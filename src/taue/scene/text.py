"""TOML and JSON, both ways, strictly: what is read is exactly what was written."""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from collections.abc import Mapping
from typing import Any, Literal, NoReturn, get_args

from taue.errors import TaueError

Form = Literal["toml", "json"]
FORMS: tuple[Form, ...] = get_args(Form)

_TEXTS = re.compile(
    r'''
      """ (?: \\. | [^\\] )*? """ | \'{3} .*? \'{3}
    | " (?: \\. | [^"\\\n] )* " | \' [^'\n]* \'
    | \# [^\n]*
    ''',
    re.DOTALL | re.VERBOSE,
)
"""Texts and comments of TOML."""

_DEEP = re.compile(r"(?<![\w-])(?:[\w-]++[ \t]*+\.[ \t]*+){32}")
"""Names so deep in each other that ``tomllib`` takes the square of their number in memory."""

SCHEMA_LINK = "$schema"
"""Where JSON editors look for the schema; not part of a scene."""


def parse(content: str, form: Form, source: str) -> dict[str, Any]:
    """Read TOML or JSON; ``source`` is what errors call it.

    Raises:
        TaueError: with the line, if it is not well formed; for JSON also if a name stands twice
            in an object, a number is not finite or the whole is not an object.
    """
    called = source or "the scene"
    try:
        if form == "toml":
            _require_shallow(content)
            return tomllib.loads(content)
        data = json.loads(content, object_pairs_hook=_object, parse_constant=not_finite)
    except RecursionError as error:
        raise TaueError(f"{called} is nested too deeply; a scene has two levels.") from error
    except ValueError as error:
        reason = str(error).rstrip(".")
        raise TaueError(f"{called} is not valid {form.upper()} ({reason}).") from error
    if not isinstance(data, dict):
        raise TaueError(f"{called} is no scene; give an object with the fields of one.")
    data.pop(SCHEMA_LINK, None)
    return data


def _require_shallow(content: str) -> None:
    """RecursionError for TOML with names that are too deep for ``tomllib``."""
    if _DEEP.search(_TEXTS.sub("s", content)):
        raise RecursionError


def write(data: Mapping[str, Any], form: Form) -> str:
    """Tables, lists, texts and numbers as TOML or JSON; floats as the shortest exact decimal."""
    if form == "json":
        content = json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    else:
        import tomlkit

        content = tomlkit.dumps(data)
    return "".join(c if c.isprintable() or c == "\n" else _escaped(c, form) for c in content)


def _escaped(character: str, form: Form) -> str:
    """What cannot be seen, as both forms write it inside of quotes: terminals may obey it."""
    if form == "json" or ord(character) > 0xFFFF:
        return json.dumps(character)[1:-1] if form == "json" else f"\\U{ord(character):08x}"
    return f"\\u{ord(character):04x}"


def is_utf8(value: str) -> bool:
    """Whether a text can be written: JSON and command lines may hold halves of characters."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object; what is null is absent, as it has to be in TOML."""
    found = dict(pairs)
    if len(found) < len(pairs):
        twice, _ = Counter(name for name, _ in pairs).most_common(1)[0]
        raise ValueError(f"{twice} stands twice in an object")
    return {name: value for name, value in found.items() if value is not None}


def not_finite(value: str) -> NoReturn:
    """What ``json`` calls for NaN and infinities, which are no JSON."""
    raise ValueError(f"{value} is no number")
