"""The package's own pipeline by each method of :mod:`taue.paper`: ours with its defaults, the
subject in the pair's box, and the paper's, with layout and without."""

from __future__ import annotations

from functools import partial

import numpy as np

from taue import run
from taue.evaluation.items import Cost, Item
from taue.evaluation.methods.base import Drawing, Method
from taue.scene import Method as SceneMethod


def make(drawing: Drawing, base: str) -> Item:
    """The three stages as they ended, and the layers made of them."""
    scene = drawing.scene.model_copy(update={"method": SceneMethod.of(base)})
    layers, _ = run.make(drawing.pipe, scene)
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


def _method(base: str, source: str, passes: float) -> Method:
    return Method(base, source, copies=False, passes=passes, make=partial(make, base=base))


METHOD = _method("taue", "this package, after arXiv 2511.02580", 3.6)
PAPER = _method("paper", "TAUE as published, arXiv 2511.02580", 3)
PAPER_LAYOUT = _method("paper-layout", "TAUE + layout as published, arXiv 2511.02580", 3)
