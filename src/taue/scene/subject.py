"""One subject, as users and files name it: what it shows and where it goes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Annotated, Any

from pydantic import ConfigDict, Field, ValidationError
from pydantic.dataclasses import dataclass

from taue.box import Box
from taue.errors import TaueError
from taue.names import same_file, slug
from taue.readable import quoted
from taue.scene import problems
from taue.scene.fields import BoxField, CropRatio, Moves, Name, Negative, NoneIfEmpty, Seed, Words
from taue.scene.picture import Own

CENTRED = Box(0.25, 0.25, 0.5, 0.5)
"""Where a lone subject goes if nothing else is said."""

TAKEN = 0.84
"""Of the canvas's width, what several subjects without boxes take: objects come out a little larger
than their boxes, and would be cut off by the canvas."""


@dataclass(
    frozen=True,
    config=ConfigDict(
        extra="forbid",
        json_schema_extra={"description": "One subject, as ``taue.Subject``."},
    ),
)
class Subject:
    """One foreground object: its prompt, and optionally more.

    Attributes are the fields of a scene file's ``[[subjects]]``; boxes are :class:`taue.Box`.

    Raises:
        TaueError: naming the field that is wrong.
    """

    prompt: Annotated[Words, Field(description="What it shows.", examples=["a red apple"])]
    negative_prompt: Annotated[
        Negative | None, NoneIfEmpty, Field(description="What it must not show.")
    ] = None
    box: Annotated[
        BoxField | None,
        Field(
            description="Left, top, width and height as fractions of the canvas. Without boxes "
            "subjects stand side by side.",
            examples=[[0.1, 0.4, 0.3, 0.5]],
        ),
    ] = None
    name: Annotated[
        Name | None,
        Field(
            description="What its files and layers are called; its number if absent.",
            examples=["apple"],
        ),
    ] = None
    crop_ratio: Annotated[
        CropRatio | None,
        Field(description="In place of the method's crop_ratio, for this subject."),
    ] = None
    moves: Annotated[
        Moves,
        Field(
            description="Boxes that it was moved to after it had grown, in order, as taue move "
            "does."
        ),
    ] = ()
    places: Annotated[
        Moves,
        Field(
            description="Boxes where it stands as well: one seedling in several places, shifted "
            "and not scaled."
        ),
    ] = ()
    image: Annotated[
        Own | None,
        NoneIfEmpty,
        Field(
            description="Your own picture of it, cut out by its alpha: it is not drawn, but "
            "planted and lit. One of the canvas's own size stays where it is unless it has a box.",
            examples=["cup.png"],
        ),
    ] = None
    seed: Annotated[
        Seed | None,
        Field(description="In place of the scene's, for the noise that it alone grows from."),
    ] = None


def _plainly(construct: Callable[..., None]) -> Callable[..., None]:
    """What is wrong with an argument, in the sentence that a scene file gets."""

    @wraps(construct)
    def constructed(self: Any, *arguments: Any, **named: Any) -> None:
        try:
            construct(self, *arguments, **named)
        except ValidationError as error:
            raise TaueError(problems.sentence(error, Subject, naming=_named)) from error

    return constructed


def _named(place: problems.Location) -> str:
    """A field, also if it was given by position."""
    first, *rest = place
    own = list(problems.fields_of(Subject))[first] if isinstance(first, int) else first
    return problems.dotted((own, *rest))


Subject.__init__ = _plainly(Subject.__init__)


def listed(subjects: Sequence[Subject | str]) -> list[Subject | dict[str, str]]:
    """One or several subjects or their prompts, as a request's ``subjects`` take them.

    Raises:
        TaueError: if they are no list.
    """
    if isinstance(subjects, (str, Subject)):
        subjects = [subjects]
    if not isinstance(subjects, Sequence):
        raise TaueError(f"subjects is {quoted(subjects)}; give a list of subjects or prompts.")
    return [one if isinstance(one, Subject) else {"prompt": one} for one in subjects]


def default_boxes(count: int) -> list[Box]:
    """Centred if alone; otherwise side by side, with as much air before the canvas's borders as
    between them, and standing on the line on which one alone stands."""
    if count == 1:
        return [CENTRED]
    width = min(CENTRED.width, TAKEN / count)
    air = (1 - count * width) / (count + 1)
    return [Box(air + i * (width + air), CENTRED.y, width, CENTRED.height) for i in range(count)]


def layer_file_names(subjects: Sequence[Subject], kind: str = "subject") -> list[str]:
    """File names without their ending, one for each subject: ``subject-apple``, ``subject-2``.

    Args:
        subjects: in order; one without a name is called by its number, from 1.
        kind: what the files hold, such as "subject" or "foreground".

    Raises:
        TaueError: if two would be one file on some system (Windows and macOS ignore case).
    """
    names = [f"{kind}-{stem}" for stem in layer_stems(subjects)]
    first: dict[str, int] = {}
    for i, name in enumerate(names, 1):
        other = first.setdefault(same_file(name), i)
        if other != i:
            one, two = subjects[other - 1].prompt, subjects[i - 1].prompt
            raise TaueError(
                f"subjects {one!r} and {two!r} would both be called {name}; give one another name."
            )
    return names


def layer_stems(subjects: Sequence[Subject]) -> list[str]:
    """What each subject's files have in common: its name's slug, or its number from 1."""
    return [str(i) if s.name is None else slug(s.name) for i, s in enumerate(subjects, 1)]
