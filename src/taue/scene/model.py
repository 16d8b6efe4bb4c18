"""``Scene``: everything that decides a picture. The machine that draws it is not part of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from os import PathLike
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, ValidationError

from taue.bounds import MOST_SUBJECTS
from taue.box import Box
from taue.errors import TaueError
from taue.scene import problems, read, text
from taue.scene.fields import (
    MOST_LORAS,
    VERSION,
    CropRatio,
    Edges,
    Moves,
    Name,
    Pixels,
    Seed,
    Version,
    Weight,
    Words,
)
from taue.scene.method import CALLED, NAMED, Method, Part, accepted, described
from taue.settings import Settings
from taue.subject import BOXES, Subject, layer_file_names


class Canvas(Part):
    """The canvas in pixels, each side a multiple of 8; the model's own where absent."""

    width: Pixels | None = None
    height: Pixels | None = None


class SceneLora(Part):
    """A LoRA that the model is used with."""

    name: Words = Field(
        description="few-steps (paddy's), a .safetensors file, a folder or a hub id.",
        examples=["few-steps"],
    )
    weight: Weight = Field(default=1.0, description="1 as it was trained, 0 nothing of it.")


class SceneSubject(Part):
    """One subject, as ``taue.Subject``."""

    name: Name | None = Field(
        default=None,
        description="What its files and layers are called; its number if absent.",
        examples=["apple"],
    )
    prompt: Words = Field(description="What it shows.", examples=["a red apple"])
    negative_prompt: Words | None = Field(default=None, description="What it must not show.")
    box: Edges | None = Field(
        default=None,
        description="Left, top, width and height as fractions of the canvas. Without boxes "
        "subjects stand side by side.",
        examples=[[0.1, 0.4, 0.3, 0.5]],
    )
    crop_ratio: CropRatio | None = Field(
        default=None, description="In place of the method's crop_ratio, for this subject."
    )
    moves: Moves = Field(
        default=(),
        description="Boxes that it was moved to after it had grown, in order, as taue move does.",
    )

    places: Moves = Field(
        default=(),
        description="Boxes where it stands as well: one seedling in several places, shifted and "
        "not scaled.",
    )

    def subject(self) -> Subject:
        """The same as the pipeline takes it."""
        box = None if self.box is None else Box(*self.box)
        moves, places = (tuple(Box(*one) for one in many) for many in (self.moves, self.places))
        return Subject(
            self.prompt, self.negative_prompt, box, self.name, self.crop_ratio, moves, places
        )


def _told_apart(value: tuple[SceneSubject, ...]) -> tuple[SceneSubject, ...]:
    if not value:
        raise TaueError("subjects is empty; give at least one.")
    if len(value) > MOST_SUBJECTS:
        raise TaueError(f"subjects has {len(value)} of them; give at most {MOST_SUBJECTS}.")
    layer_file_names([one.subject() for one in value])
    return value


def _few_loras(value: tuple[SceneLora, ...]) -> tuple[SceneLora, ...]:
    if len(value) > MOST_LORAS:
        raise TaueError(f"loras has {len(value)} of them; give at most {MOST_LORAS}.")
    return value


class Scene(Part):
    """Everything that decides a picture, with the method's defaults.

    Attributes are the fields of a scene file; see ``docs/scene-files.md``. Equal scenes give
    equal bytes on the same machine.
    """

    version: Version = Field(default=VERSION, description="Of this format.")
    model: Words = Field(
        default="paddy",
        description="paddy, sdxl, a hub id, a diffusers folder or a checkpoint file.",
    )
    revision: Words | None = Field(
        default=None, description="A branch, tag or commit of a model from the hub."
    )
    loras: Annotated[tuple[SceneLora, ...], Field(strict=False), AfterValidator(_few_loras)] = (
        Field(
            default=(),
            description="LoRAs, one beside the other.",
            json_schema_extra={"maxItems": MOST_LORAS},
        )
    )
    scheduler: Words | None = Field(
        default=None,
        description="A scheduler of diffusers, by its class or as people write it (ddim, euler a, "
        "dpm++, lcm); the model's own if absent.",
        examples=["ddim"],
    )
    seed: Seed = Field(default=7, description="The same seed, the same picture.")
    steps: Annotated[int, accepted("num_inference_steps")] = described("num_inference_steps")
    guidance_scale: Annotated[float, accepted("guidance_scale")] = described("guidance_scale")
    foreground_guidance_scale: Annotated[float, accepted("foreground_guidance_scale")] = described(
        "foreground_guidance_scale"
    )
    background: Words = Field(description="What is behind.", examples=["a beach at sunset"])
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
    negative_prompt: Words | None = Field(
        default=None,
        description="What no stage shows; for subjects without one of their own.",
    )
    canvas: Canvas = Field(default=Canvas(), description=Canvas.__doc__)
    subjects: Annotated[
        tuple[SceneSubject, ...], Field(strict=False), AfterValidator(_told_apart)
    ] = Field(
        description="What stands in front, later ones nearer; at least one.",
        json_schema_extra={"minItems": 1, "maxItems": MOST_SUBJECTS},
    )
    method: Annotated[Method, NAMED] = Field(default=Method(), description=Method.__doc__)

    @classmethod
    def from_data(
        cls,
        data: Mapping[str, Any],
        *,
        source: str = "",
        naming: Callable[[problems.Place], str] = problems.dotted,
    ) -> Self:
        """Check what was read.

        Args:
            data: tables and lists, as TOML and JSON give them.
            source: the file's name, for what is wrong with it.
            naming: how a field is called in what is wrong with it.

        Raises:
            TaueError: naming the first wrong field, and the number of them if there are more.
        """
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            raise TaueError(problems.sentence(error, cls, source, naming)) from error

    @classmethod
    def loads(cls, content: str, form: text.Form, *, source: str = "") -> Self:
        """Read TOML or JSON; ``source`` is what its errors call it.

        Raises:
            TaueError: if it is not well formed or not a scene.
        """
        return cls.from_data(text.parse(content, form, source), source=source)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Self:
        """Read a ``.toml`` or ``.json`` file, a ``.png`` that ``taue`` made or a result folder.

        Raises:
            TaueError: if there is none, it cannot be read or holds no valid scene.
        """
        return cls.loads(*read.scene_text(path), source=str(path))

    @classmethod
    def from_settings(
        cls,
        settings: Mapping[str, Any],
        *,
        model: str,
        seed: int,
        revision: str | None = None,
        scheduler: str | None = None,
    ) -> Self:
        """The scene of a call of the pipeline.

        Args:
            settings: ``layers.settings``.
            model: what the pipeline was loaded from.
            seed: of the generator that was handed to the call, fresh.
            revision: of the model, if it was chosen.
            scheduler: class name, if it was exchanged.

        Raises:
            TaueError: if they make no valid scene.
        """

        def edges(box: Mapping[str, float]) -> list[float]:
            return [box[side] for side in ("x", "y", "width", "height")]

        subjects = [dict(one) for one in settings["subjects"]]
        for one in subjects:
            one["box"] = one["box"] and edges(one["box"])
            for name in BOXES:
                one[name] = [edges(box) for box in one.get(name, ())]
        return cls.from_data(
            {
                "model": model,
                "revision": revision,
                "scheduler": scheduler,
                "seed": seed,
                **{name: settings[called] for name, called in CALLED.items()},
                "background": settings["background"],
                "scene": settings["scene"],
                "first_background": settings["first_background"],
                "first_scene": settings["first_scene"],
                "negative_prompt": settings["negative_prompt"] or None,
                "canvas": {side: settings[side] for side in ("width", "height")},
                "subjects": [{k: v for k, v in one.items() if v != ""} for one in subjects],
                "method": {name: settings[name] for name in Method.model_fields},
            }
        )

    def dumps(self, form: text.Form = "toml") -> str:
        """As TOML or JSON: every field that is set, defaults included, floats exactly.

        TOML begins with the method's name and deviations, if it is not ours.
        """
        content = text.write(self.model_dump(mode="json", exclude_none=True), form)
        told = self.method.told if form == "toml" else ""
        return f"# {told}\n{content}" if told else content

    def on_canvas(self, width: int, height: int) -> Self:
        """The same scene on a canvas of this size in pixels."""
        return self.model_copy(update={"canvas": Canvas(width=width, height=height)})

    def arguments(self) -> dict[str, Any]:
        """What to call ``TauePipeline`` with; the generator and the scheduler are not among it."""
        named = {called: getattr(self, name) for name, called in CALLED.items()}
        return {
            "subjects": [one.subject() for one in self.subjects],
            "background": self.background,
            "scene": self.scene,
            "first_background": self.first_background,
            "first_scene": self.first_scene,
            "negative_prompt": self.negative_prompt,
            "width": self.canvas.width,
            "height": self.canvas.height,
            "settings": Settings(**named, **self.method.model_dump()),
        }
