"""LayerDiffuse (arXiv 2402.17113), foreground first: a transparent foreground of the backbone with
offsets to its weights, its alpha by a decoder of its own, then the scene that is conditioned on the
foreground, then the background that is conditioned on both.

Written from the paper and the description of the released weights; those of the joint generation
of all layers were released for SD1.5 alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import NoReturn

import numpy as np
import torch
from torch import Tensor

from taue.arrays import Bytes
from taue.disk.limits import reading
from taue.errors import TaueError
from taue.evaluation.items import Item, two_layers
from taue.evaluation.methods.base import ComparedMethod, Drawing
from taue.evaluation.methods.offsets import added, read_offsets
from taue.evaluation.methods.transparent import MULTIPLE, TransparentDecoder
from taue.evaluation.pictures import over_grey
from taue.evaluation.weights import local, sha256

OPTION = "layerdiffuse"
HUB = "LayerDiffusion/layerdiffusion-v1"

FOREGROUND: Mapping[str, str] = {
    "attn": "layer_xl_transparent_attn.safetensors",
    "conv": "layer_xl_transparent_conv.safetensors",
}
"""Two ways to draw a foreground: offsets to attention alone, or to everything but it. The first is
the released default, and taken where both are there."""

BLENDED = "layer_xl_fg2ble.safetensors"
BACKGROUND = "layer_xl_fgble2bg.safetensors"
DECODER = "vae_transparent_decoder.safetensors"
FILES = (*FOREGROUND.values(), BLENDED, BACKGROUND, DECODER)
FETCHED = tuple(name for name in FILES if name != FOREGROUND["conv"])
"""What is wanted of the hub first: where attention's offsets are, the others are never read, and
they are the largest file."""


def make(drawing: Drawing, folder: Path) -> Item:
    """The three stages, with the weights of a folder."""
    pair, scale = drawing.pair, drawing.scene.foreground_guidance_scale
    if any(side % MULTIPLE for side in drawing.size):
        raise TaueError(
            f"method {OPTION} draws sides that are multiples of {MULTIPLE}; give such a --width "
            "and --height."
        )
    unet, first = drawing.pipe.unet, foreground_file(folder)
    with added(unet, read_offsets(_tensors(folder / first), unet)):
        latents = drawing.latents(pair.foreground, "foreground", guidance_scale=scale)
    rgba = _transparent(drawing, latents, folder)
    front, mask = rgba[..., :3], rgba[..., 3]
    on_grey = drawing.encoded(over_grey(front, mask))
    with added(unet, read_offsets(_tensors(folder / BLENDED), unet), on_grey):
        composite = drawing.picture(pair.scene, "blended")
    both = torch.cat([on_grey, drawing.encoded(composite)], dim=1)
    with added(unet, read_offsets(_tensors(folder / BACKGROUND), unet), both):
        background = drawing.picture(pair.background, "background")
    return Item(composite, background, front, mask, two_layers(background, front, mask))


def weights_folder(name: str) -> Path:
    """The folder of the weights, fetched if it is a hub id.

    Raises:
        TaueError: if there is none, or a file is missing.
    """
    folder = local(name, OPTION, FETCHED)
    if not (folder / FOREGROUND["attn"]).is_file():
        folder = local(name, OPTION, FILES)
    for file in (foreground_file(folder), BLENDED, BACKGROUND, DECODER):
        if not (folder / file).is_file():
            raise TaueError(f"{OPTION} {str(folder)!r} lacks {file}; take it from {HUB}.")
    return folder


def foreground_file(folder: Path) -> str:
    """The offsets that draw the foreground: attention's, or the others' if those are not there."""
    conv, attn = FOREGROUND["conv"], FOREGROUND["attn"]
    return conv if (folder / conv).is_file() and not (folder / attn).is_file() else attn


def with_weights(name: str) -> ComparedMethod:
    """The method with its weights, by a folder or a hub id.

    Raises:
        TaueError: if they are not to be had.
    """
    folder = weights_folder(name)
    first = foreground_file(folder)
    told = {OPTION: f"{first}, SHA-256 {sha256(folder / first)}"}
    return replace(METHOD, make=partial(make, folder=folder), check=lambda: None, told=told)


def _transparent(drawing: Drawing, latents: Tensor, folder: Path) -> Bytes:
    """Foreground latents as RGBA [H, W, 4]."""
    picture = drawing.backbone.decode(latents)
    own = latents.float() / drawing.pipe.vae.config.scaling_factor
    rgba = _decoder(folder).to(picture.device).rgba(picture, own.to(picture.device))
    return (rgba[0].permute(1, 2, 0).cpu().numpy() * 255).round().astype(np.uint8)


@lru_cache(maxsize=3)
def _tensors(path: Path) -> Mapping[str, Tensor]:
    from safetensors.torch import load_file

    with reading(path, "file of weights"):
        return load_file(path)


@lru_cache(maxsize=1)
def _decoder(folder: Path) -> TransparentDecoder:
    try:
        return TransparentDecoder.of(_tensors(folder / DECODER))
    except (KeyError, RuntimeError) as error:
        raise TaueError(
            f"{OPTION} {str(folder)!r} has another network's {DECODER}; take it from {HUB}."
        ) from error


def _unready(*_: object) -> NoReturn:
    raise TaueError(
        f"method {OPTION} needs its weights; give --{OPTION} a folder of them, or {HUB}."
    )


METHOD = ComparedMethod(
    OPTION, "LayerDiffuse, arXiv 2402.17113", copies=False, passes=3, make=_unready, check=_unready
)
