"""What the judge sees in a picture, in paddy's words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from taue.box import Box
from taue.paddy.scenes import object_caption


@dataclass(frozen=True)
class SeenObject:
    """One object: its names, how sure they are (0..1), where it is.

    ``confidence`` is how sure it is that an object is there at all; ``mask`` bool [H, W].
    """

    kind: str
    colour: str
    kind_confidence: float
    colour_confidence: float
    confidence: float
    box: Box
    mask: NDArray[np.bool_]

    @property
    def caption(self) -> str:
        """Its words, such as "a red apple"."""
        return object_caption(self.colour, self.kind)


@dataclass(frozen=True)
class Sighting:
    """Everything seen in one picture [H, W], the surest object first.

    ``background`` is None for a plain ground; ``mask`` float32 [H, W] in 0..1 is how surely each
    pixel belongs to some object.
    """

    objects: tuple[SeenObject, ...]
    background: str | None
    background_confidence: float
    mask: NDArray[np.float32]

    @property
    def surest(self) -> SeenObject | None:
        """The object that is there most surely, if any is."""
        return self.objects[0] if self.objects else None
