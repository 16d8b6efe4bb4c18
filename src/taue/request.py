"""One call's request, checked and complete: everything that decides the pixels but the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from taue.bounds import MOST_SUBJECTS
from taue.box import Box
from taue.errors import TaueError
from taue.readable import quoted
from taue.settings import Settings
from taue.subject import BOXES, Subject, layer_file_names, require_short

LATER = frozenset(
    {
        "layering", "base", "p_min", "p_max", "mask_value", "greenness_threshold", "transplant",
        "unit_noise_strength", "planted_subjects", "moving", "noise_blending", "attention_blending",
    }
)  # fmt: skip
"""Settings that older reports do not name."""

FIRST = ("first_background", "first_scene")
"""Fields that older reports do not have."""


@dataclass(frozen=True)
class Request:
    """What is to be grown.

    Attributes:
        subjects: what stands in front, later ones nearer.
        background, scene: prompts; ``scene`` is the whole scene's, joined from the others if None.
        negative_prompt: for the background, the scene and subjects without one of their own.
        height, width: the canvas in pixels.
        settings: the method's.
        noise_seed: the number that all noise derives from (see :class:`taue.noise.NoiseSource`).
        first_background, first_scene: prompts of the scene that the subjects' layers were made in,
            if the background is another by now.

    Raises:
        TaueError: if a prompt is empty or no text, or two subjects share a file name.
    """

    subjects: tuple[Subject, ...]
    background: str
    scene: str | None
    negative_prompt: str | None
    height: int
    width: int
    settings: Settings
    noise_seed: int
    first_background: str | None = None
    first_scene: str | None = None

    def __post_init__(self) -> None:
        if not self.subjects:
            raise TaueError('subjects is empty; give at least one, for example "a red apple".')
        if len(self.subjects) > MOST_SUBJECTS:
            raise TaueError(
                f"subjects has {len(self.subjects)} of them; give at most {MOST_SUBJECTS}."
            )
        layer_file_names(self.subjects)  # names that would share a file are refused at once
        _require_text("background", self.background)
        for name in ("scene", *FIRST):
            if getattr(self, name) is not None:
                _require_text(name, getattr(self, name))
        if self.negative_prompt is not None and not isinstance(self.negative_prompt, str):
            raise TaueError(
                f"negative_prompt is {quoted(self.negative_prompt)}; give one text or None."
            )
        require_short("negative_prompt", self.negative_prompt or "")

    @property
    def whole(self) -> str:
        """The whole scene's prompt."""
        *others, last = (s.prompt for s in self.subjects)
        things = f"{', '.join(others)} and {last}" if others else last
        return self.scene or f"{things}, {self.background}"

    @property
    def first(self) -> Request:
        """What the subjects' layers are made in: nothing moved yet, each in one place, before the
        first background."""
        stay = tuple(replace(subject, moves=(), places=()) for subject in self.subjects)
        here = replace(self, subjects=stay, first_background=None, first_scene=None)
        if self.first_background is None:
            return here
        return replace(here, background=self.first_background, scene=self.first_scene)

    def before(self, background: str, scene: str | None) -> Request:
        """The same subjects before another background, if it is another."""
        if background == self.background and scene == self.scene:
            return self
        first = self.first
        return replace(
            self,
            background=background,
            scene=scene,
            first_background=first.background,
            first_scene=first.scene,
        )

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for reports and files; :meth:`from_dict` is the inverse."""
        return {
            **asdict(self.settings),
            "deviations": self.settings.deviations,
            "subjects": [asdict(s) for s in self.subjects],
            "background": self.background,
            "scene": self.scene,
            "whole": self.whole,
            "negative_prompt": self.negative_prompt,
            "height": self.height,
            "width": self.width,
            "noise_seed": self.noise_seed,
            **{name: getattr(self, name) for name in FIRST},
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Request:
        """What :meth:`to_dict` wrote; further keys are ignored.

        Raises:
            TaueError: if something is missing or wrong.
        """
        try:
            subjects = [
                Subject(
                    **{
                        **one,
                        "box": Box(**one["box"]) if one.get("box") else None,
                        **{n: tuple(Box(**b) for b in one.get(n, ())) for n in BOXES},
                    }
                )
                for one in values["subjects"]
            ]
            named = [field.name for field in fields(Settings)]
            first: dict[str, Any] = {name: values.get(name) for name in FIRST}
            return cls(
                subjects=tuple(subjects),
                settings=Settings(**{n: values[n] for n in named if n in values or n not in LATER}),
                **{
                    name: values[name]
                    for name in (
                        "background", "scene", "negative_prompt", "height", "width", "noise_seed",
                    )
                },
                **first,
            )  # fmt: skip
        except (KeyError, TypeError) as error:
            raise TaueError(f"the layers' settings cannot be read: {error}.") from error


def checked_subjects(subjects: Sequence[Subject | str]) -> tuple[Subject, ...]:
    """One or several subjects or their prompts as subjects."""
    if isinstance(subjects, (str, Subject)):
        subjects = [subjects]
    if not isinstance(subjects, Sequence):
        raise TaueError(f"subjects is {quoted(subjects)}; give a list of subjects or prompts.")
    return tuple(s if isinstance(s, Subject) else Subject(s) for s in subjects)


def _require_text(name: str, value: object) -> None:
    if not isinstance(value, str):
        raise TaueError(f"{name} is {quoted(value)}; give one text.")
    if not value.strip():
        raise TaueError(f"{name} is empty; say what it shows in words.")
    require_short(name, value)
