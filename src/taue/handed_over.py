"""Pipelines handed over to diffusers: as the family's own, or saved so that it finds ours."""

from __future__ import annotations

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


class HandedOver(_Base):
    """What comes before a pipeline of diffusers in a class of ours."""

    base: ClassVar[type]

    def plain(self) -> Any:
        """The family's own pipeline of diffusers, sharing all parts; ``from_pipe`` leads back.

        As ``StableDiffusionXLPipeline.from_pipe(pipe)``, which wants parts of other classes than it
        knows, as paddy's autoencoder, named: ``from_pipe(pipe, vae=pipe.vae)``.
        """
        own: Any = self.base
        return own.from_pipe(self, vae=self.vae)

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
