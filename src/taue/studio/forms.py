"""What goes in and comes out, typed, so that clients and tools get a schema."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypedDict

from taue.errors import TaueError
from taue.scene import Scene
from taue.scene.problems import Location, dotted
from taue.studio.limits import Limits
from taue.studio.sessions import Session


class SubjectForm(TypedDict, total=False):
    """A subject as a scene file has it; ``prompt`` is needed, ``image`` the name of a picture that
    was handed in."""

    prompt: str
    name: str
    negative_prompt: str
    box: list[float]
    crop_ratio: float
    image: str


class CanvasForm(TypedDict):
    """Pixels."""

    width: int
    height: int


class LoraForm(TypedDict, total=False):
    """A LoRA by its name, and how much of it."""

    name: str
    weight: float


class InitForm(TypedDict, total=False):
    """What a composite begins from; ``image`` is needed."""

    image: str
    strength: float


class SceneForm(TypedDict, total=False):
    """A scene as a scene file has it (docs/scene-files.md); ``subjects`` and ``background`` are
    needed."""

    subjects: list[SubjectForm]
    background: str
    background_image: str
    init: InitForm
    scene: str
    negative_prompt: str
    seed: int
    steps: int
    guidance_scale: float
    foreground_guidance_scale: float
    canvas: CanvasForm
    model: str
    scheduler: str
    loras: list[LoraForm]
    method: dict[str, Any]


class MoveForm(TypedDict):
    """A subject by its number from 1, and the box that it goes to: left, top, width, height as
    fractions of the canvas."""

    subject: int
    box: list[float]


class StageForm(TypedDict):
    """How far a stage is: its name, its subjects' numbers, and the share that is done, 0 to 1."""

    stage: str
    subjects: list[int]
    done: float


class PreviewForm(TypedDict):
    """What a stage shows so far, free of noise; a data URL. ``subject`` is 0 for the scene, and
    ``box`` the part of the canvas that is shown, all of it or a window around the subject."""

    subject: int
    image: str
    box: list[float]


class LayerForm(TypedDict):
    """A layer of a result: ``box`` is what is visible of it, as fractions of the canvas."""

    name: str
    role: str
    subject: int
    file: str
    box: list[float]


class ResultForm(TypedDict):
    """A finished result. Files are fetched at ``/studio/files/{session}/{id}/{file}``."""

    id: str
    session: str
    made: float
    seconds: float
    kind: Literal["generate", "regrow"]
    parent: str
    width: int
    height: int
    layers: list[LayerForm]
    composite: str
    files: dict[str, str]
    scene: dict[str, Any]
    warnings: list[str]


class ProgressForm(TypedDict):
    """Where a run is. ``left`` is seconds until its end, about, -1 while nobody knows; ``result``
    is there in the end."""

    state: Literal["loading", "running", "writing", "cancelled", "done"]
    stages: list[StageForm]
    left: float
    previews: list[PreviewForm]
    result: ResultForm | None


IMAGES = ("background_image", "first_background_image")
INITS = ("init", "first_init")


def scene_asked(form: SceneForm, limits: Limits, session: Session | None = None) -> Scene:
    """The scene that a form asks for, if this server makes it.

    Args:
        form: what was sent.
        limits: what is allowed.
        session: whose pictures it may name; none if there is none.

    Raises:
        TaueError: naming the field that is wrong or too much.
    """
    told: dict[str, Any] = {n: value for n, value in dict(form).items() if value is not None}
    told.setdefault("model", limits.models[0])
    _bring(told, IMAGES, session)
    for name in INITS:
        if isinstance(told.get(name), dict):
            told[name] = dict(told[name])
            _bring(told[name], ("image",), session)
    subjects = told.get("subjects")
    if isinstance(subjects, list):
        told["subjects"] = subjects = [dict(s) if isinstance(s, dict) else s for s in subjects]
        for one in subjects:
            if isinstance(one, dict):
                _bring(one, ("image",), session)
    scene = Scene.from_data(told, naming=_named)
    limits.require(scene)
    return scene


def _bring(told: dict[str, Any], names: Sequence[str], session: Session | None) -> None:
    """Pictures of the session in place of their names; a name is never taken for a path."""
    for name in names:
        if not told.get(name):
            continue
        if session is None:
            raise TaueError(f"{name} is a picture of yours; generate, and take the result's ZIP.")
        told[name] = str(session.picture(str(told[name])).absolute())


def _named(place: Location) -> str:
    """A field as the page calls it."""
    if len(place) == 3 and place[0] == "subjects" and isinstance(place[1], int):
        return f"{place[2]} of subject {place[1] + 1}"
    return dotted(place)


def form_of(scene: Scene) -> dict[str, Any]:
    """A scene as forms have it."""
    return scene.model_dump(mode="json", exclude_none=True)
