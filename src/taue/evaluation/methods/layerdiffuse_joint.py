"""LayerDiffuse (arXiv 2402.17113), all layers jointly: foreground, background and the scene are one
batch whose pictures look at each other, then alpha by a decoder.

Written from the paper and the description of the released weights, which are for SD1.5 alone.
"""

from __future__ import annotations

from pathlib import Path

import torch

from taue.evaluation.items import Item, two_layers
from taue.evaluation.methods.base import ComparedMethod, Drawing
from taue.evaluation.methods.released import (
    OPTION,
    require_named,
    require_sides,
    tensors_of,
    transparent,
    with_files,
)
from taue.evaluation.methods.sharing import read_sharing, sharing_attention
from taue.evaluation.weights import local
from taue.families import SD15

NAME = "layerdiffuse-joint"
JOINT = "layer_sd15_joint.safetensors"
DECODER = "layer_sd15_vae_transparent_decoder.safetensors"
FILES = (JOINT, DECODER)


def make(drawing: Drawing, folder: Path) -> Item:
    """The one stage, with the weights of a folder."""
    pair, unet = drawing.pair, drawing.pipe.unet
    require_sides(drawing, NAME)
    noises = [drawing.noise(name) for name in ("foreground", "background", "blended")]
    with sharing_attention(unet, read_sharing(tensors_of(folder / JOINT), unet)):
        latents = drawing.latents(
            [pair.foreground, pair.background, pair.scene], "joint", noise=torch.cat(noises)
        )
    rgba = transparent(drawing, latents[:1], folder / DECODER)
    front, mask = rgba[..., :3], rgba[..., 3]
    background, composite = (drawing.decoded(latents[i : i + 1]) for i in (1, 2))
    return Item(composite, background, front, mask, two_layers(background, front, mask))


def with_joint_weights(name: str) -> ComparedMethod:
    """The method with its weights, by a folder or a hub id.

    Raises:
        TaueError: if they are not to be had.
    """
    return with_files(METHOD, make, local(name, OPTION, FILES), FILES)


METHOD = ComparedMethod(
    NAME,
    "LayerDiffuse, arXiv 2402.17113",
    copies=False,
    passes=3,
    make=lambda _: require_named(NAME),
    check=lambda: require_named(NAME),
    family=SD15,
    with_weights=with_joint_weights,
)
