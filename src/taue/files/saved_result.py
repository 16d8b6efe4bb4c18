"""The pictures of a result folder, read back; the folder may come from anywhere."""

from __future__ import annotations

import itertools
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from taue.disk.limits import MOST_LAYERS, named
from taue.errors import TaueError
from taue.files.made import CUT, RAW, layer_file
from taue.files.png import read_png
from taue.files.saved_report import read_report, settings_of
from taue.files.saved_scene import require_one_story
from taue.stack.build import Pictures
from taue.stack.model import Bytes
from taue.subject import Subject, layer_file_names, layer_stems


def read_pictures(path: str | os.PathLike[str]) -> Pictures:
    """What a stack is made from: composite, background and subjects, named as in the report.

    Raises:
        TaueError: if the folder is no result, or one of its files is missing, broken or too large.
    """
    folder = named(path)
    if not folder.is_dir():
        raise TaueError(f"folder {str(folder)!r} is missing or no folder; name a result.")
    subjects = _told(folder) or _numbered(folder)
    if not subjects:
        raise TaueError(f"folder {str(folder)!r} has no subject-1.png; name a result.")
    if len(subjects) > MOST_LAYERS:
        raise TaueError(f"folder {str(folder)!r} has too many subjects to read.")
    stems = layer_stems(subjects)
    cuts = [folder / f"foreground-{stem}{CUT}.png" for stem in stems]
    return Pictures(
        composite=read_png(folder / "composite.png", "RGB"),
        background=read_png(folder / "background.png", "RGB"),
        subjects=tuple(
            read_png(folder / f"{name}.png", "RGBA") for name in layer_file_names(subjects)
        ),
        names=tuple(subject.name or subject.prompt for subject in subjects),
        effects=tuple(read_effects(folder, stems)),
        cuts=tuple(read_png(cut, "RGBA") for cut in cuts) if cuts[0].is_file() else (),
        stems=tuple(stems),
    )


def read_effects(folder: Path, stems: Sequence[str]) -> list[Bytes]:
    """The effects layers of a result whose composite was made from its layers, in order; none of
    another, whose effects explain a composite and are found anew.

    Raises:
        TaueError: if one is missing, broken or too large.
    """
    if not (folder / RAW / "healed.png").is_file():
        return []
    count = 1 + 2 * len(stems)
    names = [layer_file(place, count, "effects", stem) for place, stem in enumerate(stems, 1)]
    return [read_png(folder / "layers" / f"{name}.png", "RGBA") for name in names]


def _told(folder: Path) -> list[Subject]:
    """The report's subjects, as far as it tells what they are called; none if it does not."""
    if not (folder / "report.json").exists():
        return []
    settings = settings_of(read_report(folder)) or {}
    require_one_story(folder, settings)
    subjects = settings.get("subjects")
    if not isinstance(subjects, list) or not all(isinstance(one, dict) for one in subjects):
        return []
    return [
        Subject(_text(one.get("prompt")) or _plain(i), name=_text(one.get("name")))
        for i, one in enumerate(subjects, 1)
    ]


def _numbered(folder: Path) -> list[Subject]:
    """A subject for each picture that is called by its number, at most one too many to read."""
    numbers = itertools.takewhile(
        lambda i: (folder / f"subject-{i}.png").exists(), range(1, MOST_LAYERS + 2)
    )
    return [Subject(_plain(i)) for i in numbers]


def _plain(number: int) -> str:
    return f"subject {number}"


def _text(value: Any) -> str | None:
    """The value if it is a text that says something."""
    return value if isinstance(value, str) and value.strip() else None
