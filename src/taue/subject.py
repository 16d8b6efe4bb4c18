"""What a user asks for: subjects and where they go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from taue.bounds import LONGEST_PROMPT, MOST_MOVES
from taue.box import Box
from taue.errors import TaueError
from taue.names import same_file, slug
from taue.readable import quoted
from taue.settings import require_crop_ratio

BOXES = ("moves", "places")
"""Fields of subjects that are lists of boxes."""

CENTRED = Box(0.25, 0.25, 0.5, 0.5)
"""Where a lone subject goes if nothing else is said."""


@dataclass(frozen=True)
class Subject:
    """One foreground object: its prompt, and optionally more.

    Attributes:
        prompt: what it shows.
        negative_prompt: what it must not show.
        box: where it is; without boxes subjects stand side by side.
        name: what its files and layers are called (see :func:`layer_file_names`).
        crop_ratio: how late it is transplanted, between 0 and 1; that of the settings if None.
        moves: boxes that it was moved to after it had grown in ``box``, in order.
        places: boxes where it stands as well: one seedling in several places, not scaled.

    Raises:
        TaueError: if the prompt is empty, the name cannot name a file or the ratio is none.
    """

    prompt: str
    negative_prompt: str | None = None
    box: Box | None = None
    name: str | None = None
    crop_ratio: float | None = None
    moves: tuple[Box, ...] = ()
    places: tuple[Box, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.prompt, str):
            raise TaueError(f"subject is {quoted(self.prompt)}; give its prompt as one text.")
        if not self.prompt.strip():
            raise TaueError('subject is empty; say what it shows, for example "a red apple".')
        require_short("prompt", self.prompt)
        if self.negative_prompt is not None and not isinstance(self.negative_prompt, str):
            raise TaueError(
                f"negative_prompt is {quoted(self.negative_prompt)}; give one text or None."
            )
        require_short("negative_prompt", self.negative_prompt or "")
        for box in (self.box, *_boxes("moves", self.moves), *_boxes("places", self.places)):
            if box is not None and not isinstance(box, Box):
                raise TaueError(
                    f"box is {quoted(box)}; give a Box, for example Box(0.1, 0.4, 0.3, 0.5)."
                )
        if self.name is not None:
            slug(self.name)
        if self.crop_ratio is not None:
            require_crop_ratio(self.crop_ratio)


def _boxes(name: str, boxes: object) -> tuple[object, ...]:
    if not isinstance(boxes, tuple):
        raise TaueError(f"{name} is {quoted(boxes)}; give a tuple of boxes.")
    if len(boxes) > MOST_MOVES:
        raise TaueError(f"{name} has {len(boxes)} boxes; give at most {MOST_MOVES}.")
    return boxes


def require_short(name: str, prompt: str) -> None:
    """Refuse a prompt that is too long or no text.

    Raises:
        TaueError: if it has more than 10,000 characters, or halves of characters.
    """
    try:
        prompt.encode()
    except UnicodeEncodeError as error:
        raise TaueError(f"{name} holds what is no Unicode text; type it anew.") from error
    if len(prompt) > LONGEST_PROMPT:
        raise TaueError(
            f"{name} is {len(prompt)} characters long; shorten it to {LONGEST_PROMPT} at most."
        )


def batches(subjects: Sequence[Subject]) -> list[tuple[int, ...]]:
    """The subjects' numbers, from 1, by what can grow as one batch: one crop ratio each."""
    ratios = dict.fromkeys(subject.crop_ratio for subject in subjects)
    return [
        tuple(n for n, subject in enumerate(subjects, 1) if subject.crop_ratio == ratio)
        for ratio in ratios
    ]


def default_boxes(count: int) -> list[Box]:
    """Centred if alone; otherwise side by side, centred in columns of equal width and standing on
    the line on which one alone stands."""
    if count == 1:
        return [CENTRED]
    width = min(CENTRED.width, 0.9 / count)
    return [
        Box((i + 0.5) / count - width / 2, CENTRED.y, width, CENTRED.height) for i in range(count)
    ]


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
