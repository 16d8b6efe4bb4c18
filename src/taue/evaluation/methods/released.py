"""What LayerDiffuse (arXiv 2402.17113) released: files of weights, named as on its hub."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NoReturn

import numpy as np
from torch import Tensor

from taue.arrays import Bytes
from taue.disk.limits import reading
from taue.errors import TaueError
from taue.evaluation.methods.base import Drawing
from taue.evaluation.methods.transparent import MULTIPLE, TransparentDecoder
from taue.evaluation.weights import sha256

OPTION = "layerdiffuse"
HUB = "LayerDiffusion/layerdiffusion-v1"


def require_weights(folder: Path, names: Sequence[str]) -> None:
    """Make sure that files are in a folder.

    Raises:
        TaueError: naming the first that is not.
    """
    for name in names:
        if not (folder / name).is_file():
            raise TaueError(f"{OPTION} {str(folder)!r} lacks {name}; take it from {HUB}.")


def require_sides(drawing: Drawing, method: str) -> None:
    """Make sure that the decoder of transparency takes pictures of a drawing's size.

    Raises:
        TaueError: if not.
    """
    if any(side % MULTIPLE for side in drawing.size):
        raise TaueError(
            f"method {method} draws sides that are multiples of {MULTIPLE}; give such a --width "
            "and --height."
        )


def require_named(method: str) -> NoReturn:
    """Say that a method's weights must be named.

    Raises:
        TaueError: always.
    """
    raise TaueError(
        f"method {method} needs its weights; give --{OPTION} a folder of them, or {HUB}."
    )


def transparent(drawing: Drawing, latents: Tensor, file: Path) -> Bytes:
    """Foreground latents as RGBA [H, W, 4], by a file of the decoder's weights."""
    picture = drawing.backbone.decode(latents)
    own = latents.float() / drawing.pipe.vae.config.scaling_factor
    rgba = _decoder(file).to(picture.device).rgba(picture, own.to(picture.device))
    return (rgba[0].permute(1, 2, 0).cpu().numpy() * 255).round().astype(np.uint8)


def told_files(folder: Path, names: Sequence[str]) -> dict[str, str]:
    """What a run says of the files that it was drawn with: their names and checksums."""
    return {OPTION: "; ".join(f"{name}, SHA-256 {sha256(folder / name)}" for name in names)}


@lru_cache(maxsize=3)
def tensors_of(path: Path) -> Mapping[str, Tensor]:
    """A file's tensors, on the CPU."""
    from safetensors.torch import load_file

    with reading(path, "file of weights"):
        return load_file(path)


@lru_cache(maxsize=1)
def _decoder(file: Path) -> TransparentDecoder:
    try:
        return TransparentDecoder.of(tensors_of(file))
    except (KeyError, RuntimeError) as error:
        raise TaueError(
            f"{OPTION} {str(file.parent)!r} has another network's {file.name}; take it from {HUB}."
        ) from error
