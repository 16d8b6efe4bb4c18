"""How often the judge says what a person said of the same pictures."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from taue.errors import TaueError
from taue.paddy.judge.sighting import Sighting
from taue.paddy.scenes import BACKGROUNDS, COLOURS, KINDS

Names = tuple[tuple[str, str], ...]
"""Kind and colour of each object, sorted."""


@dataclass(frozen=True)
class Label:
    """What a person saw: ``objects`` None if nobody could name them, ``background`` None if the
    ground is plain."""

    file: str
    objects: Names | None
    background: str | None


def read_labels(path: Path) -> tuple[list[Label], list[Image.Image]]:
    """Labels and the pictures that they are of.

    The file says::

        {"pictures": "generations",
         "labels": [{"file": "001.png", "objects": [{"kind": "apple", "colour": "red"}],
                     "background": "a sunny beach"}]}

    ``pictures`` is a folder beside it.

    Raises:
        TaueError: if anything is missing or is not in paddy's words.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        labels = [_label(line) for line in document["labels"]]
        pictures = [
            Image.open(path.parent / document["pictures"] / label.file).convert("RGB")
            for label in labels
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise TaueError(
            f"labels {str(path)!r} cannot be read ({reason}); mend the file."
        ) from error
    return labels, pictures


def shares_agreed(labels: Sequence[Label], sightings: Sequence[Sighting]) -> dict[str, Any]:
    """Shares of pictures (0..1) in which judge and person agree, word by word and altogether.

    Pictures without named objects count by their background alone. None where nothing counts.
    """
    named = [(a, b) for a, b in zip(labels, sightings, strict=True) if a.objects is not None]
    pairs = [(label.objects or (), seen_names(sighting)) for label, sighting in named]
    wrong = [
        {"file": label.file, "seen": sighting_words(sighting)}
        for label, sighting in zip(labels, sightings, strict=True)
        if not agrees(label, sighting)
    ]
    return {
        "pictures": len(labels),
        "kind": _share([[k for k, _ in a] == [k for k, _ in b] for a, b in pairs]),
        "colour": _share([_colours(a) == _colours(b) for a, b in pairs]),
        "number of objects": _share([len(a) == len(b) for a, b in pairs]),
        "background": _share(
            [a.background == b.background for a, b in zip(labels, sightings, strict=True)]
        ),
        "everything": round(1 - len(wrong) / len(labels), 4) if labels else None,
        "disagreements": wrong,
    }


def agrees(label: Label, sighting: Sighting) -> bool:
    """Whether everything that the person said is what the judge saw."""
    same = label.objects is None or label.objects == seen_names(sighting)
    return same and label.background == sighting.background


def seen_names(sighting: Sighting) -> Names:
    """Kind and colour of what was seen, sorted."""
    return tuple(sorted((thing.kind, thing.colour) for thing in sighting.objects))


def sighting_words(sighting: Sighting) -> str:
    """A sighting in words: "a red apple and a blue car, a desert"."""
    things = " and ".join(thing.caption for thing in sighting.objects) or "nothing"
    return f"{things}, {sighting.background or 'plain ground'}"


def _label(line: Mapping[str, Any]) -> Label:
    objects, background = line["objects"], line["background"]
    if background is not None and background not in BACKGROUNDS:
        raise ValueError(f"{line['file']}: {background!r} is no background of paddy's")
    if objects is None:
        return Label(line["file"], None, background)
    for thing in objects:
        if thing["kind"] not in KINDS or thing["colour"] not in COLOURS:
            raise ValueError(f"{line['file']}: {thing} is not in paddy's words")
    names = sorted((thing["kind"], thing["colour"]) for thing in objects)
    return Label(line["file"], tuple(names), background)


def _colours(names: Names) -> list[str]:
    return sorted(colour for _, colour in names)


def _share(answers: Sequence[bool]) -> float | None:
    return round(statistics.fmean(answers), 4) if answers else None
