"""Boxes that are too small to draw in.

A few latent cells hold no shape: of boxes with a side of four to six most showed a lump or nothing.
A subject that is to stand in one is drawn where it has room, alone before the scene's background,
and its layer is brought into the box and planted as a picture.
"""

from __future__ import annotations

from dataclasses import replace

from PIL import Image
from torch import Tensor

from taue import own_pictures, own_stages
from taue.box import Box
from taue.context import Context, StageResult, SubjectCondition
from taue.layers import as_bytes
from taue.outputs import tensor_of
from taue.placing import HALF
from taue.scene.subject import CENTRED
from taue.seedling import Seedling

LEAST = 10
"""Latent cells that the shorter side of a box has at least, if an object is to be drawn in it."""


def too_small(box: Box, cells: tuple[int, int]) -> bool:
    """Whether a box on a grid of (rows, columns) has no room for an object, and a lone subject's
    default box has."""
    rows, columns = cells

    def room(one: Box) -> float:
        return min(one.height * rows, one.width * columns)

    return room(box) < LEAST <= room(CENTRED)


def drawn_elsewhere(seedling: Seedling, box: Box) -> Tensor | None:
    """The layer [4, H, W] that a subject comes into a box with, as a picture; None if it is drawn
    there. Once it was a picture it stays one, so that moving blurs nothing."""
    layer = seedling.layer
    if seedling.drawn is not None or layer is None or layer[3].max() <= HALF:
        return seedling.drawn
    rows, columns = seedling.mask.shape
    return layer if too_small(box, (rows, columns)) else None


def pictured(context: Context, condition: SubjectCondition, drawn: Tensor, box: Box) -> StageResult:
    """A subject brought into a box as the picture that its layer is.

    Args:
        context: of the call.
        condition: the subject.
        drawn: its layer where it had room [4, H, W] in [0, 1].
        box: where it goes, as a user's own picture would.
    """
    cut_out = Image.fromarray(as_bytes(drawn))
    layer = own_pictures.standing(cut_out, box, context.backbone.size)
    tensor = tensor_of(layer)[0].contiguous()
    planted = own_stages.own_subject(context, condition, tensor, None)
    return replace(planted, own=False, seedling=replace(planted.seedling, drawn=drawn))
