"""``Request``: what is to be grown, by whatever model. The one form that a request has."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from os import PathLike
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, ValidationError

from taue.bounds import MOST_SUBJECTS
from taue.box import Box
from taue.effort import Effort
from taue.errors import TaueError
from taue.scene import problems
from taue.scene.fields import Negative, NoneIfEmpty, Pixels, Words
from taue.scene.init import Init
from taue.scene.method import CALLED, NAMED, Method, Part, accepted, described
from taue.scene.picture import FOLDER, Own, OwnPicture
from taue.scene.subject import Subject, layer_file_names
from taue.settings import Settings


class Canvas(Part):
    """The canvas in pixels, each side a multiple of 8; the model's own where absent."""

    width: Pixels | None = None
    height: Pixels | None = None


def _told_apart(value: tuple[Subject, ...]) -> tuple[Subject, ...]:
    if not value:
        raise TaueError("subjects is empty; give at least one.")
    if len(value) > MOST_SUBJECTS:
        raise TaueError(f"subjects has {len(value)} of them; give at most {MOST_SUBJECTS}.")
    layer_file_names(value)
    return value


_SCENERY = ("background", "scene", "background_image", "init")
"""What is another before another background, and has fields that say what it was at first."""

ONLY_SCENE = {f"first_{name}": None for name in _SCENERY}
"""Fields of a scene that is its subjects' first."""


def _told(subject: Subject) -> dict[str, Any]:
    """A subject as plain values, without the picture, which the scene file names."""
    plain = asdict(replace(subject, image=None))
    del plain["image"]
    return plain


def _by(settings: Settings) -> dict[str, Any]:
    """The fields of a request that settings are."""
    method = asdict(settings)
    named = {name: method.pop(called) for name, called in CALLED.items()}
    return {**named, "method": Method(**method)}


class Request(Part):
    """What is to be grown: everything that decides a picture but the model, what it is used with
    and the noise.

    A part of a scene (see :class:`taue.Scene`), with the fields of a scene file.
    """

    steps: Annotated[int, accepted("num_inference_steps")] = described("num_inference_steps")
    guidance_scale: Annotated[float, accepted("guidance_scale")] = described("guidance_scale")
    foreground_guidance_scale: Annotated[float, accepted("foreground_guidance_scale")] = described(
        "foreground_guidance_scale"
    )
    background: Words = Field(description="What is behind.", examples=["a beach at sunset"])
    background_image: Annotated[Own | None, NoneIfEmpty] = Field(
        default=None,
        description="Your own picture of what is behind, scaled to cover the canvas and cropped in "
        "its middle: it is not drawn, and subjects grow into it.",
        examples=["kitchen.jpg"],
    )
    init: Init | None = Field(default=None, description=Init.__doc__)
    scene: Words | None = Field(
        default=None,
        description="The whole scene; subjects and background joined if absent.",
    )
    first_background: Words | None = Field(
        default=None,
        description="What was behind when the subjects' layers were made, if it is another by "
        "now: they stay what they were, as with taue rebackground.",
    )
    first_scene: Words | None = Field(
        default=None, description="The whole scene of that time, in place of the joined prompts."
    )
    first_background_image: Annotated[Own | None, NoneIfEmpty] = Field(
        default=None, description="Your own picture that was behind at that time."
    )
    first_init: Init | None = Field(
        default=None, description="What the composite was drawn from at that time."
    )
    negative_prompt: Negative | None = Field(
        default=None,
        description="What no stage shows; for subjects without one of their own.",
    )
    canvas: Canvas = Field(default=Canvas(), description=Canvas.__doc__)
    subjects: Annotated[tuple[Subject, ...], Field(strict=False), AfterValidator(_told_apart)] = (
        Field(
            description="What stands in front, later ones nearer; at least one.",
            json_schema_extra={"minItems": 1, "maxItems": MOST_SUBJECTS},
        )
    )
    method: Annotated[Method, NAMED] = Field(default=Method(), description=Method.__doc__)

    def __init__(self, **fields: Any) -> None:
        """Fields as :meth:`from_data` takes them; subjects may be prompts.

        Raises:
            TaueError: as :meth:`from_data`.
        """
        if isinstance(given := fields.get("subjects"), (list, tuple)):
            fields["subjects"] = [{"prompt": s} if isinstance(s, str) else s for s in given]
        try:
            super().__init__(**fields)
        except ValidationError as error:
            raise TaueError(problems.sentence(error, type(self))) from error

    # What pydantic itself makes goes by no call of it.
    __init__.__pydantic_base_init__ = True  # pyright: ignore[reportFunctionMemberAccess]

    @classmethod
    def from_data(
        cls,
        data: Mapping[str, Any],
        *,
        source: str = "",
        naming: Callable[[problems.Location], str] = problems.dotted,
        folder: str | PathLike[str] = ".",
    ) -> Self:
        """Check what was read.

        Args:
            data: tables and lists, as TOML and JSON give them; subjects and boxes may be
                :class:`taue.Subject` and :class:`taue.Box` as well.
            source: the file's name, for what is wrong with it.
            naming: how a field is called in what is wrong with it.
            folder: where relative paths of pictures begin.

        Raises:
            TaueError: naming the first wrong field, and the number of them if there are more.
        """
        try:
            return cls.model_validate(data, context={FOLDER: folder})
        except ValidationError as error:
            raise TaueError(problems.sentence(error, cls, source, naming)) from error

    @classmethod
    def of(cls, settings: Settings, **fields: Any) -> Self:
        """A request by a method's settings; the other fields as in :meth:`from_data`.

        Raises:
            TaueError: as :meth:`from_data`.
        """
        return cls.from_data({**_by(settings), **fields})

    def by(self, settings: Settings) -> Self:
        """The same by other settings of the method."""
        return self._with(**_by(settings))

    @property
    def settings(self) -> Settings:
        """The method's numbers as the stages take them."""
        named = {called: getattr(self, name) for name, called in CALLED.items()}
        return Settings(**named, **self.method.model_dump())

    @property
    def effort(self) -> Effort:
        """What each stage takes of the steps, and where the composite begins."""
        effort = self.settings.effort
        return effort if self.init is None else replace(effort, composite_begin=self.init.begin)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the canvas in pixels.

        Raises:
            ValueError: if they are still the model's own, see :meth:`on_canvas`.
        """
        height, width = self.canvas.height, self.canvas.width
        if height is None or width is None:
            raise ValueError("the canvas is the model's own; ask its backbone")
        return height, width

    @property
    def whole(self) -> str:
        """The whole scene's prompt."""
        *others, last = (s.prompt for s in self.subjects)
        things = f"{', '.join(others)} and {last}" if others else last
        return self.scene or f"{things}, {self.background}"

    @property
    def first(self) -> Self:
        """What the subjects' layers are made in: nothing moved yet, each in one place, before the
        first background."""
        stay = tuple(replace(subject, moves=(), places=()) for subject in self.subjects)
        here = self._with(subjects=stay, **ONLY_SCENE)
        if self.first_background is None:
            return here
        return here._with(**{name: getattr(self, f"first_{name}") for name in _SCENERY})

    def showing(self, subjects: Sequence[Subject]) -> Self:
        """Some of its subjects alone; a whole scene's prompt would tell of the others, too."""
        return self._with(subjects=tuple(subjects), scene=None)

    @property
    def crop_ratios(self) -> tuple[float, ...]:
        """Each subject's: its own, or the method's."""
        own = self.settings.crop_ratio
        return tuple(own if s.crop_ratio is None else s.crop_ratio for s in self.subjects)

    @property
    def batches(self) -> list[tuple[int, ...]]:
        """The subjects' numbers, from 1, by what can grow as one batch: one crop ratio each. Users'
        own pictures do not grow."""
        batches: dict[float, tuple[int, ...]] = {}
        for number, ratio in enumerate(self.crop_ratios, 1):
            if self.subjects[number - 1].image is None:
                batches[ratio] = (*batches.get(ratio, ()), number)
        return list(batches.values())

    def before(self, background: str, scene: str | None, image: Any = None) -> Self:
        """The same subjects before another background, if it is another; their layers stay those
        of the first. What the composite began from showed the old one, and is dropped.

        Args:
            background, scene: prompts.
            image: a user's own picture of the background, as ``background_image``.

        Raises:
            TaueError: if a prompt says nothing or too much, or the picture can be none.
        """
        told = {"background": background, "scene": scene, "background_image": image}
        checked = Request.from_data({**told, "subjects": self.subjects})
        told["background_image"] = checked.background_image
        if all(getattr(self, name) == value for name, value in told.items()):
            return self
        first = self.first
        was = {f"first_{name}": getattr(first, name) for name in _SCENERY}
        return self._with(**told, init=None, **was)

    @property
    def own_pictures(self) -> dict[str, OwnPicture]:
        """Users' own pictures by what result folders call them."""
        stems = layer_file_names(self.subjects)
        of_subjects = zip(stems, (one.image for one in self.subjects), strict=True)
        found = {
            "background": self.background_image,
            "first-background": self.first_background_image,
            "init": self.init and self.init.image,
            "first-init": self.first_init and self.first_init.image,
            **dict(of_subjects),
        }
        return {name: one for name, one in found.items() if one is not None}

    def with_pictures(self, pictures: Mapping[str, OwnPicture]) -> Self:
        """With other pictures in place of users' own, by the names of :attr:`own_pictures`."""
        subjects = tuple(
            replace(one, image=pictures.get(name, one.image))
            for name, one in zip(layer_file_names(self.subjects), self.subjects, strict=True)
        )
        inits = {
            field: init.model_copy(update={"image": pictures.get(name, init.image)})
            for field, name in (("init", "init"), ("first_init", "first-init"))
            if (init := getattr(self, field)) is not None
        }
        return self._with(
            **inits,
            subjects=subjects,
            background_image=pictures.get("background", self.background_image),
            first_background_image=pictures.get("first-background", self.first_background_image),
        )

    def moved(self, boxes: Mapping[int, Box]) -> Self:
        """Subjects moved into boxes, by their number from 1; the others stay.

        Raises:
            TaueError: if there is no such subject, it stands in several places, or was moved too
                often.
        """
        count = len(self.subjects)
        for number in boxes:
            if not 1 <= number <= count:
                raise TaueError(f"subject {number} is unknown; there are subjects 1 to {count}.")
            if self.subjects[number - 1].places:
                raise TaueError(
                    f"subject {number} stands in several places and cannot be moved; change its "
                    "places in the scene file and generate anew."
                )
        return self._with(
            subjects=tuple(
                replace(s, moves=(*s.moves, boxes[number])) if number in boxes else s
                for number, s in enumerate(self.subjects, 1)
            )
        )

    def on_canvas(self, height: int | None, width: int | None) -> Self:
        """The same on a canvas of this size in pixels."""
        return self._with(canvas=Canvas.model_construct(width=width, height=height))

    def alone(self) -> Request:
        """The request without what a scene adds."""
        return Request.model_construct(**{n: getattr(self, n) for n in Request.model_fields})

    def to_dict(self) -> dict[str, Any]:
        """As plain values, settings by their own names and what follows from them besides: what a
        report tells."""
        settings = self.settings
        return {
            **asdict(settings),
            "deviations": settings.deviations,
            "subjects": [_told(subject) for subject in self.subjects],
            "background": self.background,
            "scene": self.scene,
            "whole": self.whole,
            "negative_prompt": self.negative_prompt,
            "height": self.canvas.height,
            "width": self.canvas.width,
            "first_background": self.first_background,
            "first_scene": self.first_scene,
        }

    def _with(self, **changes: Any) -> Self:
        """With fields that were checked before."""
        return self.model_copy(update=changes)
