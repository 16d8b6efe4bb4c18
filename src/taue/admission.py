"""Whether requests can be made with a model at all, before anything is computed."""

from __future__ import annotations

from taue.backbones import Backbone
from taue.errors import TaueError
from taue.families import FAMILIES
from taue.memory import require_memory
from taue.scene import Request


def admit(backbone: Backbone, *requests: Request, in_turn: bool = False) -> None:
    """Of requests that are to be one batch: refuse what would fail after minutes of work.

    Args:
        backbone: the model.
        requests: of one canvas.
        in_turn: whether their subjects grow one after another.

    Raises:
        TaueError: if a box is smaller than one latent cell, where an object would be lost, the
            masks are to be read off a colour that the latents do not tell, or memory does not
            suffice.
    """
    for one in requests:
        _require_green(one, backbone)
        _require_cells(one, backbone.size[0] // backbone.shape[-2])
    require_memory(backbone, *requests, in_turn=in_turn)


def _require_green(request: Request, backbone: Backbone) -> None:
    if request.settings.mask_value == "greenness" and not backbone.has_green:
        raise TaueError(
            "mask_value is 'greenness', as the paper has it, which is read off SDXL's latents, and "
            f"the model is one of {FAMILIES[backbone.family].title}; choose distance."
        )


def _require_cells(request: Request, cell: int) -> None:
    height, width = request.size
    for number, subject in enumerate(request.subjects, 1):
        for box in (subject.box, *subject.moves, *subject.places):
            if box is None:
                continue
            across, down = box.width * width, box.height * height
            if min(across, down) < cell * (1 - 1e-6):
                raise TaueError(
                    f"box of subject {number} is {across:.3g} x {down:.3g} pixels; "
                    f"give at least {cell} each way, a cell of the model."
                )
