"""Illustrated scenes of known make-up: pictures, plates, true alpha, boxes and captions."""

from taue.paddy.scenes.objects import ASPECT
from taue.paddy.scenes.sampling import sample_spec, sample_training
from taue.paddy.scenes.scene import (
    Box,
    ObjectSpec,
    RenderedObject,
    RenderedScene,
    SceneSpec,
    render,
)
from taue.paddy.scenes.words import (
    BACKGROUNDS,
    COLOURS,
    HELD_OUT,
    KINDS,
    VOCABULARY,
    is_held_out,
    object_caption,
    whole_captions,
)

__all__ = [
    "ASPECT",
    "BACKGROUNDS",
    "COLOURS",
    "HELD_OUT",
    "KINDS",
    "VOCABULARY",
    "Box",
    "ObjectSpec",
    "RenderedObject",
    "RenderedScene",
    "SceneSpec",
    "is_held_out",
    "object_caption",
    "render",
    "sample_spec",
    "sample_training",
    "whole_captions",
]
