"""LoRAs: where a name leads, and how they come into a pipeline. Torch is imported by neither."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from taue.errors import TaueError
from taue.models import HUB_ID, PADDY
from taue.weights import SAFE, require_safe_file

NAMED: dict[str, str] = {"few-steps": str(PADDY.with_name("lora_few_steps"))}
"""LoRAs inside the package, for paddy."""


class Weighted(Protocol):
    """A LoRA and how much of it: 1 as it was trained, 0 nothing."""

    @property
    def name(self) -> str: ...

    @property
    def weight(self) -> float: ...


def resolve_lora(name: str) -> str:
    """The folder, ``.safetensors`` file or hub id that a LoRA's name means.

    Raises:
        TaueError: if nothing is there, or what is there can be none.
    """
    if name in NAMED:
        return NAMED[name]
    path = Path(os.path.expanduser(name))  # noqa: PTH111 (Path's raises for unknown users)
    require_safe_file(path, "lora")
    try:
        folder, file = path.is_dir(), path.is_file()
    except (OSError, ValueError):  # too long, or a null byte
        folder = file = False
    if file and path.suffix.lower() != SAFE:
        raise TaueError(f"lora {name!r} is no {SAFE} file; give one, a folder or a hub id.")
    if folder or file:
        return str(path)
    if HUB_ID.fullmatch(name) and path.suffix.lower() != SAFE:
        return name
    known = " or ".join(NAMED)
    raise TaueError(f"lora {name!r} is missing; give a {SAFE} file, a folder, a hub id or {known}.")


def load_loras(pipe: Any, loras: Sequence[Weighted]) -> None:
    """Load LoRAs into a pipeline of diffusers, each with its weight.

    Raises:
        TaueError: if peft is not installed, or a LoRA cannot be read or is none of this model's.
    """
    if not loras:
        return
    if importlib.util.find_spec("peft") is None:
        raise TaueError('lora needs peft; install it with pip install "taue[lora]".')
    names: list[str] = []
    for number, one in enumerate(loras, 1):
        adapter = f"lora-{number}"
        try:
            pipe.load_lora_weights(resolve_lora(one.name), adapter_name=adapter)
        except TaueError:
            raise
        except Exception as error:  # peft and diffusers raise whatever the layers below them do
            first = str(error).strip().partition("\n")[0].rstrip(".:")
            raise TaueError(f"lora {one.name!r} does not fit this model ({first}).") from error
        if not any(adapter in held for held in pipe.get_list_adapters().values()):
            raise TaueError(f"lora {one.name!r} holds nothing for this model; choose another.")
        names.append(adapter)
    pipe.set_adapters(names, [float(one.weight) for one in loras])
