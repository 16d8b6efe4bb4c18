"""Pipelines handed over to diffusers: as the family's own, or saved so that it finds ours."""

from __future__ import annotations

import inspect
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from diffusers import DiffusionPipeline
from diffusers.utils.torch_utils import get_device

from taue.disk.writing import whole_file
from taue.errors import TaueError
from taue.models import INDEX

MODULE = "pipeline"
"""What diffusers calls a file of code in a model's folder."""

CODE = '''"""Where DiffusionPipeline.from_pretrained(..., trust_remote_code=True) finds us."""

from taue.pipeline import {name}

__all__ = ["{name}"]
'''

_Base = DiffusionPipeline if TYPE_CHECKING else object


def sharing(kind: Any, pipeline: Any, given: dict[str, Any]) -> Any:
    """A pipeline of a class with another's parts, of whatever class and precision they are.

    ``from_pipe`` of diffusers leaves out models of other classes than the signature names, as
    paddy's autoencoder, and brings all parts, which are shared, into one precision.

    Raises:
        TaueError: if the class needs what is not there.
    """
    if not (isinstance(kind, type) and issubclass(kind, DiffusionPipeline)):
        raise TaueError(f"kind is {kind!r}; give a class of diffusers' pipelines.")
    parts, options = kind._get_signature_keys(kind)
    config, own = dict(pipeline.config), pipeline.components
    taken = {name: own[name] for name in parts if name in own}
    told = {name: config[name] for name in options if name in config}
    named = {**taken, **told, **given}
    wanted = inspect.signature(kind).parameters
    if missing := [
        n for n in parts if n not in named and wanted[n].default is inspect.Parameter.empty
    ]:
        raise TaueError(
            f"{kind.__name__} needs {', '.join(missing)}, which a {type(pipeline).__name__} has "
            "not; give them by name."
        )
    if unknown := sorted(set(given) - {*parts, *options}):
        raise TaueError(f"{kind.__name__} knows no {', '.join(unknown)}; leave that out.")
    made = kind(**named)
    if (source := config.get("_name_or_path")) is not None:
        made.register_to_config(_name_or_path=source)
    return made


class HandedOver(_Base):
    """What comes before a pipeline of diffusers in a class of ours."""

    base: ClassVar[type]

    def plain(self, kind: Any = None, **given: Any) -> Any:
        """A pipeline of diffusers that shares all parts; ``from_pipe`` leads back.

        Args:
            kind: its class, of the same family; the family's own if None.
            given: parts and options that this pipeline lacks, or others in their place.

        Raises:
            TaueError: if the class needs what neither has.
        """
        return sharing(self.base if kind is None else kind, self, given)

    def save_pretrained(
        self,
        save_directory: str | os.PathLike[str],
        safe_serialization: bool = True,
        variant: str | None = None,
        max_shard_size: int | str | None = None,
        push_to_hub: bool = False,
        use_flashpack: bool = False,
        **kwargs: Any,
    ) -> None:
        """As in diffusers, with the file by which ``DiffusionPipeline.from_pretrained`` finds the
        class if it is told to trust the folder's code."""
        super().save_pretrained(
            save_directory,
            safe_serialization,
            variant,
            max_shard_size,
            push_to_hub,
            use_flashpack,
            **kwargs,
        )
        folder, name = Path(save_directory), type(self).__name__
        index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        index["_class_name"] = [MODULE, name]
        for file, text in (
            (f"{MODULE}.py", CODE.format(name=name)),
            (INDEX, json.dumps(index, indent=2) + "\n"),
        ):
            with whole_file(folder / file) as stream:
                stream.write(text.encode())

    def enable_sequential_cpu_offload(
        self, gpu_id: int | None = None, device: torch.device | str | None = None
    ) -> None:
        """As in diffusers, onto an accelerator: layer by layer, for models larger than its memory.

        Raises:
            TaueError: on a CPU, where everything is in memory anyway, and accelerate fails.
        """
        place = get_device() if device is None else device
        if torch.device(place).type == "cpu":
            raise TaueError(
                "enable_sequential_cpu_offload needs an accelerator: on a CPU all is in its memory "
                "anyway; leave it out."
            )
        super().enable_sequential_cpu_offload(gpu_id, place)

    @classmethod
    def _dict_from_json_file(cls, json_file: Any) -> Any:
        """Of a saved model's index the class's name alone: what we load is ours, so that no code of
        a folder is ever run, or asked to be trusted."""
        reader: Any = super()
        read = reader._dict_from_json_file(json_file)
        if isinstance(read, dict) and isinstance(read.get("_class_name"), list):
            read["_class_name"] = read["_class_name"][-1]
        return read
