"""Which family a model is of, read before any of its weights are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from diffusers import DiffusionPipeline
from diffusers.loaders.single_file_utils import CHECKPOINT_KEY_NAMES, infer_diffusers_model_type
from safetensors import safe_open

from taue import models
from taue.disk.limits import read_bytes
from taue.errors import TaueError
from taue.families import FAMILIES, family_of_index, known_titles

LARGEST_INDEX = 2**20
"""Bytes."""

FETCHING = ("cache_dir", "force_download", "local_files_only", "proxies", "revision", "token")
"""Arguments of ``from_pretrained`` that say how an index comes from the hub."""


def family_of(source: models.Source, arguments: Mapping[str, Any]) -> str:
    """The name of a model's family: by the index of a folder or a hub id, by the names of the
    weights in a single file.

    Args:
        source: where it is.
        arguments: of ``from_pretrained``.

    Raises:
        TaueError: if it is of no known family.
        Exception: what the libraries raise if it cannot be read.
    """
    if source.kind is models.Kind.file:
        return _of_file(Path(source.location))
    if source.kind is models.Kind.folder:
        index = json.loads(read_bytes(Path(source.location) / models.INDEX, LARGEST_INDEX))
    else:
        fetching = {name: arguments[name] for name in FETCHING if name in arguments}
        index = DiffusionPipeline.load_config(source.location, **fetching)
    return family_of_index(index.get("_class_name") if isinstance(index, dict) else None).name


def _of_file(path: Path) -> str:
    """Diffusers looks at some weights' names and shapes, never at their values."""
    with safe_open(path, framework="pt") as weights:
        shapes = {name: weights.get_slice(name).get_shape() for name in weights.keys()}  # noqa: SIM118
    kind = infer_diffusers_model_type(
        {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}
    )
    # What diffusers does not know it takes for the first version.
    known = kind != "v1" or CHECKPOINT_KEY_NAMES["v1"] in shapes
    for one in FAMILIES.values():
        if known and kind.startswith(one.checkpoints):
            return one.name
    known = known_titles(of_files=True)
    raise TaueError(f"model {path} is a checkpoint of no known family; known are {known}.")
