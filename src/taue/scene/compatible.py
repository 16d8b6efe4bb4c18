"""Whether a request's own pictures go with the rest of it; known before any model is."""

from __future__ import annotations

from taue.errors import TaueError
from taue.scene.request import Request


def require_compatible(request: Request) -> None:
    """Refuse own pictures that the method cannot use.

    Raises:
        TaueError: naming the picture's field and what it needs.
    """
    for one in (request, request.first):
        _require_ground(one)
        _require_init(one)


def _require_ground(request: Request) -> None:
    if request.background_image is not None and request.settings.layering != "first":
        raise TaueError(
            'background_image needs layering "first": a composite that is drawn anew shows no '
            "picture of yours exactly; choose that, or leave the picture out."
        )


def _require_init(request: Request) -> None:
    init = request.init
    if init is None:
        return
    if request.background_image is not None:
        raise TaueError(
            "init.image is given besides background_image, into which the composite is drawn; "
            "drop one."
        )
    if request.settings.noise_blending == "none":
        raise TaueError(
            'init.image needs noise_blending "two-phase": with none, subjects are planted into '
            "noise alone; choose that, or leave the picture out."
        )
    earliest = min(request.crop_ratios)
    if init.begin >= earliest:
        raise TaueError(
            f"init.strength is {init.strength:g}, too little to plant subjects, which takes more "
            f"than 1 - crop_ratio; give more than {1 - earliest:g}."
        )
