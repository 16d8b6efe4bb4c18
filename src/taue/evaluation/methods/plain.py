"""Plain generation of the same model: what a composite costs and looks like without layers."""

from __future__ import annotations

from taue.evaluation.items import Item
from taue.evaluation.methods.base import ComparedMethod, Drawing


def make(drawing: Drawing) -> Item:
    return Item(drawing.picture(drawing.pair.scene, "plain"))


METHOD = ComparedMethod("plain", "SDXL, arXiv 2307.01952", copies=False, passes=1, make=make)
