"""Prompts in the renderer's vocabulary, read back."""

from __future__ import annotations

import re

from taue.paddy.scenes import BACKGROUNDS, COLOURS, KINDS

_ARTICLE = r"(?:(?:an?|the) )?"
_OBJECT = re.compile(f"{_ARTICLE}({'|'.join(COLOURS)}) ({'|'.join(KINDS)})")


def parse_object(prompt: str) -> tuple[str, str] | None:
    """Colour and kind of "a red apple"; None if it is anything else than that."""
    found = _OBJECT.fullmatch(_plain(prompt))
    return (found[1], found[2]) if found else None


def parse_background(prompt: str) -> str | None:
    """The renderer's name of a background, with its own article or none; None if it is no such."""
    words = _plain(prompt)
    return next((name for name in BACKGROUNDS if words in (name, _bare(name))), None)


def _plain(prompt: str) -> str:
    return " ".join(prompt.lower().split()).rstrip(".")


def _bare(name: str) -> str:
    return re.sub(f"^{_ARTICLE}", "", name)
