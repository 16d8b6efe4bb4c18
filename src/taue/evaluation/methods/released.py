"""What LayerDiffuse (arXiv 2402.17113) released: files of weights, named as on its hub."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import NoReturn

from torch import Tensor

from taue.arrays import Bytes
from taue.disk.limits import reading
from taue.errors import TaueError
from taue.evaluation.items import Item
from taue.evaluation.methods.base import ComparedMethod, Drawing
from taue.evaluation.methods.transparent import MULTIPLE, TransparentDecoder
from taue.evaluation.weights import sha256
from taue.layers import as_bytes

OPTION = "layerdiffuse"
HUB = "LayerDiffusion/layerdiffusion-v1"


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
    return as_bytes(rgba[0])


def with_files(
    method: ComparedMethod,
    make: Callable[[Drawing, Path], Item],
    folder: Path,
    names: Sequence[str],
) -> ComparedMethod:
    """A method that draws with files of a folder, whose names and checksums its runs tell.

    Raises:
        TaueError: naming the first of them that is not there.
    """
    for name in names:
        if not (folder / name).is_file():
            raise TaueError(f"{OPTION} {str(folder)!r} lacks {name}; take it from {HUB}.")
    told = "; ".join(f"{name}, SHA-256 {sha256(folder / name)}" for name in names)
    return replace(
        method, make=lambda drawing: make(drawing, folder), check=lambda: None, told={OPTION: told}
    )


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
