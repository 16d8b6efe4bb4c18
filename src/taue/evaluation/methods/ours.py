"""The package's own pipeline by each method of :mod:`taue.paper`: ours with its defaults, the
subject in the pair's box, and the paper's, with layout and without."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from taue import run
from taue.evaluation.items import Cost, Item
from taue.evaluation.methods.base import ComparedMethod, Drawing
from taue.scene import Method as SceneMethod
from taue.settings import Settings

STAGES = ("foreground", "composite", "background", "refine", "heal")
"""In order; the last two make layers."""


def make(drawing: Drawing, base: str, changes: Mapping[str, Any]) -> Item:
    """The three stages as they ended, and the layers made of them."""
    method = SceneMethod.model_validate({"base": base, **changes})
    scene = drawing.scene.model_copy(update={"method": method})
    layers = run.make(drawing.pipe, scene)
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
        subjects=len(layers.subjects),
    )


def evaluations(steps: int, base: str) -> int:
    """UNet evaluations of one item by a method of so many steps, second tries left out."""
    settings = Settings.of(base)
    stages = STAGES if settings.layering == "first" else STAGES[:3]
    ratio = settings.crop_ratio
    return sum(settings.effort.evaluations(stage, steps, ratio) for stage in stages)


def _method(base: str, source: str) -> ComparedMethod:
    own, passes = partial(make, base=base, changes={}), partial(evaluations, base=base)
    return ComparedMethod(
        base, source, copies=False, passes=passes, make=own, family=None, keyed=True, several=True
    )


def changed(method: ComparedMethod, name: str, changes: Mapping[str, Any]) -> ComparedMethod:
    """One of these with some settings changed, under a name of its own."""
    own = partial(make, base=method.name, changes=changes)
    return replace(method, name=name, make=own)


METHOD = _method("taue", "this package, after arXiv 2511.02580")
PAPER = _method("paper", "TAUE as published, arXiv 2511.02580")
PAPER_LAYOUT = _method("paper-layout", "TAUE + layout as published, arXiv 2511.02580")
BY_BASE = {one.name: one for one in (METHOD, PAPER, PAPER_LAYOUT)}
