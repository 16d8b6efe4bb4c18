"""Whether a data set of MS-COCO that is there is the one that would be made now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from taue.errors import TaueError
from taue.evaluation.checked import read_checked
from taue.evaluation.coco import Instances, MainObject
from taue.evaluation.dataset import ANNOTATIONS, Count, DataSet, Prompts

FIELDS = {
    "annotations": "split's file of objects",
    "captions": "coco's file of captions",
    "smallest": "min-area",
    "second": "max-second",
}
"""What a set says it was made with, by the option that it comes from."""


def require_same_data(
    data: DataSet,
    made_with: Mapping[str, Any],
    found: Sequence[MainObject],
    counts: Sequence[Count],
    given: Mapping[int, Prompts] | None,
) -> None:
    """Refuse to go on with a set of other options, or of files that have changed.

    Args:
        data: the set.
        made_with: what a set that is made now would say.
        found: the main objects that the filters leave now.
        counts: what every filter leaves now.
        given: the prompts that are given, by annotation; None if a model writes them.

    Raises:
        TaueError: naming the first option that differs.
    """
    fields = {**FIELDS, "prompts": "prompt-model" if given is None else "prompts"}
    there = data.about.made_with
    for key, value in made_with.items():
        if there.get(key) != value:
            raise _other(data, f"{fields[key]} is {value!r}", f"was made with {there.get(key)!r}")
    # The files' names are told, not their contents: another folder may have the same names.
    now = {one.annotation.id: one.annotation for one in found}
    kept = read_checked(data.folder / ANNOTATIONS, Instances).annotations
    if data.about.counts[:-1] != list(counts) or any(one != now.get(one.id) for one in kept):
        raise _other(data, "coco has other objects than before", "was made with those")
    if given is not None:
        wanted = {name: given[name].model_dump() for name in now if name in given}
        if {pair.annotation: pair.model_dump(include=TEXTS) for pair in data.pairs} != wanted:
            raise _other(data, "prompts has other texts than before", "was made with those")


TEXTS = set(Prompts.model_fields)


def _other(data: DataSet, asked: str, there: str) -> TaueError:
    return TaueError(
        f"{asked}, and the data set {str(data.folder)!r} {there}; give another --out, or the same "
        "options as before."
    )
