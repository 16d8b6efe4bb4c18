"""JSON from anywhere, checked against a pydantic model; whatever is wrong becomes one sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from taue.disk.limits import read_bytes
from taue.errors import TaueError

Model = TypeVar("Model", bound=BaseModel)


def read_checked(path: Path, model: type[Model]) -> Model:
    """A JSON file as a model.

    Raises:
        TaueError: if it is missing, no JSON or not what the model says, with the first wrong field.
    """
    return parsed(read_bytes(path), model, f"file {str(path)!r}")


def parsed(data: bytes | str, model: type[Model], source: str) -> Model:
    """The same from its bytes; ``source`` is what errors call it."""
    try:
        return model.model_validate_json(data)
    except ValidationError as error:
        raise TaueError(f"{source} {_first(error)}.") from error


def _first(error: ValidationError) -> str:
    first: Any = error.errors(include_url=False, include_context=False)[0]
    place = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in first["loc"]).lstrip(".")
    reason = " ".join(first["msg"].split()).rstrip(".")
    if not place:
        return f"cannot be read as JSON ({reason[:120]})"
    return f"has a wrong field {place} ({reason})"
