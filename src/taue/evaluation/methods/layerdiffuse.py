"""LayerDiffuse (arXiv 2402.17113), foreground first: a transparent foreground of the backbone with
offsets to its weights, its alpha by a decoder of its own, then the scene that is conditioned on the
foreground, then the background that is conditioned on both.

Written from the paper and the description of the released weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch

from taue.evaluation.items import Item, two_layers
from taue.evaluation.methods.base import ComparedMethod, Drawing
from taue.evaluation.methods.offsets import added, read_offsets
from taue.evaluation.methods.released import (
    OPTION,
    require_named,
    require_sides,
    tensors_of,
    transparent,
    with_files,
)
from taue.evaluation.pictures import over_grey
from taue.evaluation.weights import local

NAME = "layerdiffuse"

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
    require_sides(drawing, NAME)
    unet, first = drawing.pipe.unet, foreground_file(folder)
    with added(unet, read_offsets(tensors_of(folder / first), unet)):
        latents = drawing.latents(pair.foreground, "foreground", guidance_scale=scale)
    rgba = transparent(drawing, latents, folder / DECODER)
    front, mask = rgba[..., :3], rgba[..., 3]
    on_grey = drawing.encoded(over_grey(front, mask))
    with added(unet, read_offsets(tensors_of(folder / BLENDED), unet), on_grey):
        composite = drawing.picture(pair.scene, "blended")
    both = torch.cat([on_grey, drawing.encoded(composite)], dim=1)
    with added(unet, read_offsets(tensors_of(folder / BACKGROUND), unet), both):
        background = drawing.picture(pair.background, "background")
    return Item(composite, background, front, mask, two_layers(background, front, mask))


def weights_folder(name: str) -> Path:
    """The folder of the weights, fetched if it is a hub id.

    Raises:
        TaueError: if there is none.
    """
    folder = local(name, OPTION, FETCHED)
    if not (folder / FOREGROUND["attn"]).is_file():
        folder = local(name, OPTION, FILES)
    return folder


def foreground_file(folder: Path) -> str:
    """The offsets that draw the foreground: attention's, or the others' if those are not there."""
    conv, attn = FOREGROUND["conv"], FOREGROUND["attn"]
    return conv if (folder / conv).is_file() and not (folder / attn).is_file() else attn


def with_offsets(name: str) -> ComparedMethod:
    """The method with its weights, by a folder or a hub id.

    Raises:
        TaueError: if they are not to be had.
    """
    folder = weights_folder(name)
    read = (foreground_file(folder), BLENDED, BACKGROUND, DECODER)
    return with_files(METHOD, make, folder, read)


METHOD = ComparedMethod(
    NAME,
    "LayerDiffuse, arXiv 2402.17113",
    copies=False,
    passes=3,
    make=lambda _: require_named(NAME),
    check=lambda: require_named(NAME),
    with_weights=with_offsets,
)
