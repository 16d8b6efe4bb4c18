"""Which models there are, and where a name leads. Nothing here loads a model or imports torch."""

from __future__ import annotations

import difflib
import json
import os
import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from taue.disk.limits import read_bytes
from taue.errors import TaueError
from taue.weights import SAFE, require_safe_file

PADDY = Path(__file__).parent / "paddy" / "model"
"""The embedded model's diffusers folder; it is part of the installed package."""

PADDY_DIT = PADDY.with_name("model_dit")
"""The embedded model's relative of SD3's classes."""

NAMED: dict[str, str] = {
    "paddy": str(PADDY),
    "paddy-dit": str(PADDY_DIT),
    "sdxl": "stabilityai/stable-diffusion-xl-base-1.0",
}
"""Names that stand for a folder or a hub id."""

HALF_VARIANTS: dict[str, str] = {NAMED["sdxl"]: "fp16"}
"""Hub ids that keep half-precision weights under a variant's name: half the download."""

INDEX, VOCABULARY = "model_index.json", "vocabulary.json"
LARGEST_VOCABULARY = 2**22
"""Bytes."""

LONGEST_WORD = 50
MOST_NEIGHBOURS = 20
"""Unknown words whose neighbours are looked for, which takes time."""

CHECKPOINTS = (SAFE,)
HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


class Kind(StrEnum):
    """How a model is stored, and with it how diffusers loads it."""

    folder = "folder"
    file = "file"
    hub = "hub"


@dataclass(frozen=True)
class Source:
    """Where a model is: a local diffusers folder, a local checkpoint, or an id on the hub."""

    kind: Kind
    location: str


def resolve(name: str | os.PathLike[str]) -> Source:
    """Find the model that ``name`` means: a known name, a path that exists, or a hub id.

    A path always wins over a hub id of the same spelling, as in diffusers.

    Raises:
        TaueError: if nothing is there, or what is there is no model.
    """
    text = os.fspath(name)
    if not text.strip():
        raise TaueError("model is empty; name one, for example paddy.")
    if text in NAMED:
        return _known(text)
    path = Path(os.path.expanduser(text))  # noqa: PTH111 (Path's raises for unknown users)
    there = _exists(path)
    if not (there and path.is_dir()):
        require_safe_file(path, "model")
    if there:
        return _local(path)
    if path.suffix.lower() in CHECKPOINTS:
        raise TaueError(f"model {text} is missing; check the path of the checkpoint file.")
    if HUB_ID.fullmatch(text):
        return Source(Kind.hub, text)
    if "/" in text or os.sep in text or text.startswith((".", "~")):
        raise TaueError(f"model {text} is missing; check the path of the folder.")
    raise TaueError(f"model {text!r} is unknown; {_suggestion(text)}.")


def unknown_words(name: str | os.PathLike[str], prompt: str) -> list[tuple[str, list[str]]]:
    """Words of ``prompt`` that the model never saw, each with the nearest that it knows.

    Only a folder that carries a ``vocabulary.json`` (a list of words) says what it knows; of
    every other model nothing is reported.

    Raises:
        TaueError: as :func:`resolve`, or if the vocabulary is not a list of words.
    """
    known = vocabulary(name)
    if known is None:
        return []
    words = dict.fromkeys(re.findall(r"[^\W\d_]+", prompt.lower()))
    unknown, ordered = [word for word in words if word not in known], sorted(known)
    return [
        (word, difflib.get_close_matches(word[:LONGEST_WORD], ordered, n=3, cutoff=0.5))
        if i < MOST_NEIGHBOURS
        else (word, [])
        for i, word in enumerate(unknown)
    ]


def vocabulary(name: str | os.PathLike[str]) -> frozenset[str] | None:
    """The words that a model was trained on, lower case, or None if it does not say.

    Raises:
        TaueError: as :func:`resolve`, or if the vocabulary is not a list of words.
    """
    source = resolve(name)
    path = Path(source.location) / VOCABULARY
    if source.kind is not Kind.folder or not path.is_file():
        return None
    try:
        words = json.loads(read_bytes(path, LARGEST_VOCABULARY))
    except (OSError, RecursionError, ValueError) as error:
        raise TaueError(f"model has a {VOCABULARY} that cannot be read: {path}.") from error
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise TaueError(f"model has a {VOCABULARY} that is not a list of words: {path}.")
    return frozenset(word.lower() for word in words)


def _known(name: str) -> Source:
    location = NAMED[name]
    if not Path(location).is_absolute():
        return Source(Kind.hub, location)
    if not (Path(location) / INDEX).is_file():
        raise TaueError(f"model {name} lacks its files in {location}; install taue again.")
    return Source(Kind.folder, location)


def _local(path: Path) -> Source:
    try:
        return _found(path)
    except OSError as error:
        raise TaueError(
            f"model {path} cannot be read ({error.strerror}); choose another."
        ) from error


def _found(path: Path) -> Source:
    if path.is_dir():
        if not (path / INDEX).is_file():
            raise TaueError(f"model {path} is not a diffusers folder; it has no {INDEX}.")
        return Source(Kind.folder, str(path))
    if path.suffix.lower() not in CHECKPOINTS:
        kinds = " or ".join(CHECKPOINTS)
        raise TaueError(f"model {path} is neither a folder nor a {kinds} file.")
    if not path.is_file():  # a pipe would be waited for
        raise TaueError(f"model {path} is no regular file; give a folder or a checkpoint file.")
    return Source(Kind.file, str(path))


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # too long, or a null byte
        return False


def _suggestion(text: str) -> str:
    near = difflib.get_close_matches(text.lower(), NAMED, n=1, cutoff=0.4)
    *others, last = NAMED
    names = f"did you mean {near[0]}" if near else f"known are {', '.join(others)} and {last}"
    return f"{names}, or give a hub id (org/name), a folder or a checkpoint file"
