"""Ours: the package's own pipeline with its defaults, the subject in the pair's box."""

from __future__ import annotations

import numpy as np

from taue import run
from taue.evaluation.items import Cost, Item
from taue.evaluation.methods.base import Drawing, Method


def make(drawing: Drawing) -> Item:
    """The three stages as they ended, and the layers made of them."""
    layers, _ = run.make(drawing.pipe, drawing.scene)
    stack = layers.stack()
    raw = layers.composite if layers.raw_composite is None else layers.raw_composite
    cut = layers.cuts[0] if layers.cuts else layers.subjects[0].image
    return Item(
        composite=np.asarray(raw),
        background=np.asarray(layers.background),
        foreground=np.asarray(layers.foregrounds[0]),
        mask=np.asarray(cut)[..., 3],
        layers=tuple(layer.pixels for layer in stack.layers),
        shown=stack.merged,
        cost=Cost(warnings=layers.warnings),
    )


METHOD = Method(
    "taue",
    "this package, after arXiv 2511.02580",
    copies=False,
    passes=3.6,
    make=make,
    draws=False,
)
