"""``Scene``: everything that decides a picture. The machine that draws it is not part of it."""

from __future__ import annotations

from os import PathLike
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field

from taue.errors import TaueError
from taue.scene import read, text
from taue.scene.fields import MOST_LORAS, VERSION, Seed, Version, Weight, Words
from taue.scene.method import Part
from taue.scene.picture import require_files
from taue.scene.request import Request


class SceneLora(Part):
    """A LoRA that the model is used with."""

    name: Words = Field(
        description="few-steps (paddy's), a .safetensors file, a folder or a hub id.",
        examples=["few-steps"],
    )
    weight: Weight = Field(default=1.0, description="1 as it was trained, 0 nothing of it.")


def _few_loras(value: tuple[SceneLora, ...]) -> tuple[SceneLora, ...]:
    if len(value) > MOST_LORAS:
        raise TaueError(f"loras has {len(value)} of them; give at most {MOST_LORAS}.")
    return value


class Means(Part):
    """What a request is grown with: a model, what it is used with, and the noise."""

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


class Scene(Request, Means):
    """Everything that decides a picture, with the method's defaults: a request, and the means.

    Attributes are the fields of a scene file; see ``docs/scene-files.md``. Equal scenes give
    equal bytes on the same machine.
    """

    @classmethod
    def loads(
        cls,
        content: str,
        form: text.Form,
        *,
        source: str = "",
        folder: str | PathLike[str] = ".",
    ) -> Self:
        """Read TOML or JSON; ``source`` is what its errors call it, and relative paths of pictures
        begin at ``folder``.

        Raises:
            TaueError: if it is not well formed or not a scene.
        """
        return cls.from_data(text.parse(content, form, source), source=source, folder=folder)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Self:
        """Read a ``.toml`` or ``.json`` file, a ``.png`` that ``taue`` made or a result folder.

        Raises:
            TaueError: if there is none, it cannot be read or holds no valid scene.
        """
        content, form = read.scene_text(path)
        return cls.loads(content, form, source=str(path), folder=read.folder_of(path))

    @classmethod
    def making(cls, request: Request, **means: Any) -> Self:
        """The scene of a request that was made by a call of the pipeline.

        Args:
            request: ``layers.scene``.
            means: fields besides: what the pipeline was loaded from as ``model``, the ``seed`` of
                the generator that was handed to the call, fresh, and what else was chosen.

        Raises:
            TaueError: if they make no valid scene.
        """
        asked = {name: getattr(request, name) for name in Request.model_fields}
        return cls.from_data({**asked, **means})

    def dumps(self, form: text.Form = "toml") -> str:
        """As TOML or JSON: every field that is set, defaults included, floats exactly.

        TOML begins with the method's name and deviations, if it is not ours.

        Raises:
            TaueError: if a picture of it is in memory alone.
        """
        require_files(self.own_pictures.values())
        content = text.write(self.model_dump(mode="json", exclude_none=True), form)
        told = self.method.in_words if form == "toml" else ""
        return f"# {told}\n{content}" if told else content
