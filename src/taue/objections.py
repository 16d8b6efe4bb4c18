"""What a model's own safety checker objects to is black, as diffusers' pipelines make it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from PIL import Image

from taue.backbones import Backbone
from taue.layers import Layers, SubjectLayer
from taue.outputs import as_tensor

OBJECTED = (
    "the model's safety checker objects to what was drawn: all of its pictures are black; try "
    "another prompt or seed."
)


def without_objections(layers: Layers, backbone: Backbone) -> Layers:
    """Decoded layers as they are, or black if the checker objects to any of their pictures.

    Each layer shows a part of another picture, so one that is objected to takes all of them along;
    alphas stay, and the layers over each other are the black composite.

    Args:
        layers: of any ``output_type`` but "latent".
        backbone: of the model that drew them.
    """
    if not backbone.has_checker:
        return layers
    own = (layers.composite, layers.raw_composite, layers.background, layers.healed)
    asked = [one for one in (*own, *layers.foregrounds, *layers.refined) if one is not None]
    if not any(any(backbone.objections(as_tensor(one))) for one in asked):
        return layers
    pictures = ("composite", "background", "raw_composite", "healed")
    lists = ("foregrounds", "effects", "cuts", "refined")
    black = {name: _black(getattr(layers, name)) for name in pictures}
    black |= {name: [_black(one) for one in getattr(layers, name)] for name in lists}
    subjects = [SubjectLayer(one.subject, _black(one.image)) for one in layers.subjects]
    seedlings = [
        one if subject.image is not None else replace(one, layer=None)  # what a user brought stays
        for one, subject in zip(layers.seedlings, layers.scene.subjects, strict=True)
    ]
    warnings = [*layers.warnings, OBJECTED]
    return replace(layers, **black, subjects=subjects, seedlings=seedlings, warnings=warnings)


def _black(picture: Any) -> Any:
    """A picture of any output type without its colours, with its alpha."""
    if picture is None:
        return None
    if isinstance(picture, torch.Tensor):
        return torch.cat([torch.zeros_like(picture[:3]), picture[3:]])
    array = np.array(picture)
    array[..., :3] = 0
    return Image.fromarray(array) if isinstance(picture, Image.Image) else array
