"""The pictures that a user brought to one request, on its canvas and as what stages end with."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from taue import own_pictures, own_stages
from taue.box import Box
from taue.context import Context, StageResult, Start, SubjectCondition
from taue.errors import TaueError
from taue.scene import Request, Subject
from taue.scene.compatible import require_compatible
from taue.scene.init import Init
from taue.scene.picture import OwnPicture
from taue.seedling import Seedling
from taue.shifting import Shift, in_places, shifted


class OwnInputs:
    """A request's own pictures, read and checked.

    Attributes:
        ground: what is behind [3, H, W] in [0, 1]; None if it is drawn.
        first_ground: the same of the scene in which the subjects' layers are made.
        start: what the composite begins from; None for noise alone.
        first_start: the same of that scene.

    Raises:
        TaueError: if one cannot be used, or the method cannot use them.
    """

    def __init__(self, context: Context, request: Request) -> None:
        self.context, self.request = context, request
        require_compatible(request)
        self._cut_outs = {
            number: subject.image.cut_out()
            for number, subject in enumerate(request.subjects, 1)
            if subject.image is not None
        }
        first = request.first
        self.ground = self._whole(request.background_image)
        self.first_ground = self._whole(first.background_image)
        self.start, self.first_start = self._start(request.init), self._start(first.init)

    def __contains__(self, number: int) -> bool:
        """Whether a subject, by its number from 1, is a picture."""
        return number in self._cut_outs

    def first(self, condition: SubjectCondition) -> StageResult:
        """A subject as it is in its first scene."""
        return self._in(condition, self._subject(condition).box, self.first_ground)

    def subject(self, condition: SubjectCondition) -> StageResult:
        """A subject where it is by now."""
        subject = self._subject(condition)
        if self.request.settings.moving == "transplanted":
            one = self._in(condition, subject.box, self.ground)
            for box in subject.moves:
                one = _showing(one, shifted(one.seedling, self._shift(one, box)))
        else:  # each time from the picture, so that moving blurs nothing
            box = subject.moves[-1] if subject.moves else subject.box
            one = self._in(condition, box, self.ground)
        if not subject.places:
            return one
        return _showing(
            one, in_places(one.seedling, [self._shift(one, box) for box in subject.places])
        )

    def _in(
        self, condition: SubjectCondition, box: Box | None, ground: Tensor | None
    ) -> StageResult:
        """A picture in a box; without one in its default place, unless it is of the canvas's own
        size."""
        cut_out, size = self._cut_outs[condition.number], self.context.backbone.size
        if box is None and cut_out.size == size[::-1]:
            layer = own_pictures.on_canvas(cut_out)
        else:
            layer = own_pictures.standing(cut_out, box or condition.box, size)
        if not layer[..., 3].any():
            raise TaueError(
                f"subject {condition.number} is lost: nothing of its image is seen on the canvas; "
                "give a larger box."
            )
        return own_stages.own_subject(self.context, condition, _tensor(layer), ground)

    def _subject(self, condition: SubjectCondition) -> Subject:
        return self.request.subjects[condition.number - 1]

    def _shift(self, one: StageResult, box: Box) -> Shift:
        return Shift.bringing(own_stages.planted_box(one.seedling), box, self.context.shape[-2:])

    def _start(self, init: Init | None) -> Start | None:
        """What the composite begins from; a picture of which nothing is left is only read."""
        if init is None:
            return None
        picture = self._whole(init.image)
        if picture is None or init.begin == 0:
            return None
        return Start(self.context.backbone.encode(picture[None]), init.begin)

    def _whole(self, picture: OwnPicture | None) -> Tensor | None:
        if picture is None:
            return None
        covering = own_pictures.covering(picture.whole(), self.context.backbone.size)
        return _tensor(np.asarray(covering) / np.float32(255))


def _showing(one: StageResult, seedling: Seedling) -> StageResult:
    final = seedling.final
    return one if final is None else replace(one, seedling=seedling, latents=final)


def _tensor(picture: np.ndarray) -> Tensor:
    """[H, W, C] as [C, H, W]."""
    return torch.from_numpy(picture).permute(2, 0, 1).contiguous()
