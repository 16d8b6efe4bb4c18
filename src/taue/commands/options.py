"""From the options of ``taue generate`` to a scene: options that were given win over its file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from taue.box import Box
from taue.commands.given import given_scene
from taue.errors import TaueError
from taue.readable import counted
from taue.scene import Scene
from taue.scene.problems import Location, dotted

PLACES: dict[str, tuple[str, ...]] = {
    "method": ("method", "base"),
    "quality": ("method", "quality"),
    "background": ("background",),
    "background-image": ("background_image",),
    "init-image": ("init", "image"),
    "strength": ("init", "strength"),
    "scene": ("scene",),
    "negative": ("negative_prompt",),
    "seed": ("seed",),
    "steps": ("steps",),
    "guidance": ("guidance_scale",),
    "foreground-guidance": ("foreground_guidance_scale",),
    "crop-ratio": ("method", "crop_ratio"),
    "guidance-rescale": ("method", "guidance_rescale"),
    "clip-skip": ("method", "clip_skip"),
    "key": ("method", "key"),
    "harmony": ("method", "harmony"),
    "model": ("model",),
    "revision": ("revision",),
    "scheduler": ("scheduler",),
    "width": ("canvas", "width"),
    "height": ("canvas", "height"),
}
"""Where each option that is given once belongs in a scene."""

SUBJECT_FIELDS = {
    "subject": "prompt",
    "subject-negative": "negative_prompt",
    "subject-image": "image",
    "name": "name",
    "box": "box",
}
"""Which field of a subject each option is that is given once for each subject."""


def chosen_scene(file: Path | None, options: Mapping[str, Any]) -> Scene:
    """The scene of ``file``, if there is one, with every option that is not None in its place.

    Args:
        file: what :func:`given_scene` reads, or None.
        options: by name; those of ``SUBJECT_FIELDS`` have lists. New subjects replace all of the
            file's; the others of these options need one value for each subject, in order.

    Raises:
        TaueError: naming the file's field or the option.
    """
    _require_words("negative", options.get("negative"))
    data: dict[str, Any] = {} if file is None else given_scene(file).model_dump(exclude_none=True)
    if file is not None and options.get("method") is not None:
        # What the file chose otherwise than its own method stays chosen.
        data["method"] = Scene.from_data(data).method.deviations
    for option, place in PLACES.items():
        if options.get(option) is not None:
            table = data if len(place) == 1 else data.setdefault(place[0], {})
            table[place[-1]] = options[option]
    if options.get("lora") is not None:
        data["loras"] = [lora_from(one) for one in options["lora"]]
    if options.get("subject") is not None:
        data["subjects"] = [{} for _ in options["subject"]]
    for option, field in SUBJECT_FIELDS.items():
        if options.get(option) is not None:
            _deal(options[option], option, field, data.get("subjects", ()))
    if not data.get("subjects"):
        raise TaueError('subject is missing; give one as --subject "a red apple", or a scene file.')
    if "background" not in data:
        raise TaueError(
            'background is missing; give it as --background "a beach", or name a scene file.'
        )
    return Scene.from_data(data, naming=_naming(len(data["subjects"])))


def box_from(text: str) -> list[float]:
    """``X,Y,W,H`` as four numbers.

    Raises:
        TaueError: unless it is a box inside the canvas.
    """
    try:
        x, y, width, height = (float(part) for part in text.split(","))
    except ValueError as error:
        raise TaueError(
            f"box is {text!r}; give X,Y,W,H, for example 0.1,0.4,0.3,0.5: left, top, width and "
            "height as fractions of the canvas."
        ) from error
    Box(x, y, width, height)
    return [x, y, width, height]


def lora_from(text: str) -> dict[str, Any]:
    """``NAME`` or ``NAME:WEIGHT`` as a LoRA of a scene."""
    name, colon, weight = text.rpartition(":")
    try:
        return {"name": name, "weight": float(weight)} if colon and name else {"name": text}
    except ValueError:  # a colon of the name's own
        return {"name": text}


def require_one_each(option: str, values: Sequence[str], subjects: int) -> None:
    """Make sure that an option is given once for each subject.

    Raises:
        TaueError: naming the option, if not.
    """
    if len(values) != subjects:
        raise TaueError(
            f"{option} is given {counted(len(values), 'time')} for {counted(subjects, 'subject')}; "
            "give it once for each subject, in order."
        )


def _require_words(option: str, value: str | None) -> None:
    """Refuse an empty text: a file may mean it, a command line hardly does."""
    if value is not None and not value.strip():
        raise TaueError(f"{option} is empty; say it in words, or leave it out.")


def _deal(values: Sequence[str], option: str, field: str, subjects: Sequence[Any]) -> None:
    """Give each subject its value, in order; an empty negative prompt or picture is none."""
    require_one_each(option, values, len(subjects))
    for subject, value in zip(subjects, values, strict=True):
        if field in ("negative_prompt", "image") and not value.strip():
            subject.pop(field, None)
        else:
            subject[field] = box_from(value) if field == "box" else value


def _naming(subjects: int) -> Callable[[Location], str]:
    """How the command line calls a scene's field, given the number of subjects."""
    options: dict[Location, str] = {place: option for option, place in PLACES.items()}
    of_subjects = {field: option for option, field in SUBJECT_FIELDS.items()}

    def called(place: Location) -> str:
        match place:
            case ("subjects", int(i), str(field), *_):
                return of_subjects[field] + (f" {i + 1}" if subjects > 1 else "")
        return options.get(place, dotted(place))

    return called
