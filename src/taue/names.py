"""File names from the names that users give: one rule, the same on every system."""

from __future__ import annotations

import re
import unicodedata

from taue.errors import TaueError

LONGEST = 200
"""Bytes of a slug in UTF-8: file systems take 255, and a kind and an ending are added."""

FORBIDDEN = frozenset('<>:"/\\|?*')
"""What Windows refuses in a file name; other systems refuse a part of it."""


def slug(name: str) -> str:
    """The part of a file name that ``name`` becomes; letters of every script are kept.

    Composed to Unicode's NFC, because macOS and Linux differ in it; white space, invisible
    characters and what ``FORBIDDEN`` holds become hyphens, several in a row one; hyphens and dots
    at both ends go. What comes out is the middle of a file name, never the whole (Windows keeps
    names such as ``CON`` for itself).

    Raises:
        TaueError: if nothing is left, or more than 200 bytes of UTF-8.
    """
    if not isinstance(name, str):
        raise TaueError(f"name is {name!r}; give a text or None.")
    composed = unicodedata.normalize("NFC", name)
    safe = "".join(c if c.isprintable() and c not in FORBIDDEN else "-" for c in composed)
    short = re.sub(r"[-\s]+", "-", safe).strip("-.")
    if not short:
        raise TaueError(f"name is {name!r}; give at least one character that can name a file.")
    if len(short.encode()) > LONGEST:
        raise TaueError(f"name is {len(short.encode())} bytes long; shorten it to {LONGEST}.")
    return short


def same_file(name: str) -> str:
    """What two file names share if Windows or macOS take them for one file."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
