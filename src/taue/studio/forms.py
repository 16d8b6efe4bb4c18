"""What goes in and comes out, typed, so that clients and tools get a schema."""

from __future__ import annotations

from typing import Any, Literal, TypedDict

from taue.scene import Scene
from taue.scene.problems import Place, dotted
from taue.studio.limits import Limits


class SubjectForm(TypedDict, total=False):
    """A subject as a scene file has it; ``prompt`` is needed."""

    prompt: str
    name: str
    negative_prompt: str
    box: list[float]
    crop_ratio: float


class CanvasForm(TypedDict):
    """Pixels."""

    width: int
    height: int


class LoraForm(TypedDict, total=False):
    """A LoRA by its name, and how much of it."""

    name: str
    weight: float


class SceneForm(TypedDict, total=False):
    """A scene as a scene file has it (docs/scene-files.md); ``subjects`` and ``background`` are
    needed."""

    subjects: list[SubjectForm]
    background: str
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
    """What a stage shows so far, free of noise; a data URL. ``subject`` is 0 for the scene."""

    subject: int
    image: str


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


def asked(form: SceneForm, limits: Limits) -> Scene:
    """The scene that a form asks for, if this server makes it.

    Raises:
        TaueError: naming the field that is wrong or too much.
    """
    told = {name: value for name, value in dict(form).items() if value is not None}
    told.setdefault("model", limits.models[0])
    scene = Scene.from_data(told, naming=_named)
    limits.require(scene)
    return scene


def _named(place: Place) -> str:
    """A field as the page calls it."""
    if len(place) == 3 and place[0] == "subjects" and isinstance(place[1], int):
        return f"{place[2]} of subject {place[1] + 1}"
    return dotted(place)


def shown(scene: Scene) -> dict[str, Any]:
    """A scene as forms have it."""
    return scene.model_dump(mode="json", exclude_none=True)
