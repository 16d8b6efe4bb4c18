"""The sets that tell what a method can do: every pair with its box left, right, before another
background, and beside a second subject."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from taue.disk.writing import complete_folder
from taue.errors import TaueError
from taue.evaluation.dataset import ANNOTATIONS, IMAGES, About, Count, DataSet, Pair, write_data
from taue.paddy.judge.findings import parse_background, parse_object

LEFT, RIGHT = (0.05, 0.3, 0.4, 0.5), (0.55, 0.3, 0.4, 0.5)
SETS = ("left", "right", "elsewhere", "two")


def asked(pairs: Sequence[Pair], name: str) -> list[Pair]:
    """Pairs as a set has them; of ``two`` as of ``left``, the second subject is the next pair's."""
    told: list[Pair] = []
    for place, pair in enumerate(pairs):
        changes: dict[str, object] = {"box": RIGHT if name == "right" else LEFT}
        if name == "elsewhere":
            ground = other_ground(pairs, place)
            scene = pair.scene.replace(pair.background, ground)
            changes |= {"background": ground, "scene": scene}
        told.append(pair.model_copy(update=changes))
    return told


def other_ground(pairs: Sequence[Pair], place: int) -> str:
    """The next background that is another.

    Raises:
        TaueError: if all are the same.
    """
    own = pairs[place].background
    for pair in (*pairs[place + 1 :], *pairs[:place]):
        if pair.background != own:
            return pair.background
    raise TaueError("data has one background alone; give a set of more pairs.")


def companion(pairs: Sequence[Pair], place: int) -> str:
    """The subject that stands beside a pair's own: that of the next pair which is another.

    Raises:
        TaueError: if all are the same.
    """
    own = pairs[place].foreground
    for pair in (*pairs[place + 1 :], *pairs[:place]):
        if pair.foreground != own:
            return pair.foreground
    raise TaueError("data has one subject alone; give a set of more pairs.")


def write_sets(data: DataSet, folder: Path) -> dict[str, Path]:
    """Write the four sets, those that are there left as they are; their folders by name.

    Raises:
        TaueError: if the judge does not know the data set's words, or they cannot be written.
    """
    for pair in data.pairs:
        if parse_object(pair.foreground) is None or parse_background(pair.background) is None:
            raise TaueError(
                f"pair {pair.id} is not in paddy's words, which alone the judge knows; give a set "
                "of taue eval data paddy."
            )
    places = {name: folder / name for name in SETS}
    for name, place in places.items():
        if place.exists():
            continue
        about = About(
            name=f"{data.about.name}, {name}",
            made_with={"of": data.digest},
            counts=[Count(after="all", pictures=len(data.pairs))],
        )
        with complete_folder(place) as out:
            shutil.copytree(data.folder / IMAGES, out / IMAGES)
            write_data(out, about, {}, asked(data.pairs, name))
            shutil.copy(data.folder / ANNOTATIONS, out / ANNOTATIONS)
    return places
