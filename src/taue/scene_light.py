"""What a scene does to its subjects' colours: its light and its hues, where it shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from taue.arrays import Array, Region
from taue.coarse import coarse
from taue.context import StageResult
from taue.hue import broadly_lit, in_own_hues_beyond, scene_hued, scene_lit, surely
from taue.intruders import without_intruders
from taue.lost import lost
from taue.placing import HALF
from taue.relight import relit
from taue.shown import clear_of_front, clear_of_shade, shown
from taue.stack.mixing import Floats


@dataclass(frozen=True)
class SceneLight:
    """The light of a free composite. Subjects are RGBA [H, W, 4] in [0, 1], later ones in front;
    where they are seen is told coarsely (:mod:`taue.coarse`), bool [h, w].

    Attributes:
        composite, background: [H, W, 3] in [0, 1].
        results: how each subject's stage ended; pictures keep their own hues.
        harmony: in [0, 1], how far subjects follow.
    """

    composite: Floats
    background: Floats
    results: Sequence[StageResult]
    harmony: float

    @cached_property
    def _pictures(self) -> tuple[Array, Array]:
        """Composite and background, coarsely."""
        return coarse(self.composite), coarse(self.background)

    def in_their_hues(self, subjects: Sequence[Floats]) -> list[Floats]:
        """Subjects without the tint that a key left: other scenes may show too little of them to
        tell it."""
        if self.harmony == 0 or all(one.pictured for one in self.results):
            return list(subjects)
        return self._hued(subjects, self._seen(subjects, self.shown(subjects)), keyed=True)

    def shown(self, subjects: Sequence[Floats]) -> list[Region]:
        """Where the composite shows each subject, as :func:`taue.shown.shown` says."""
        return shown(*self._pictures, [coarse(one[..., 3]) for one in subjects])

    def places(self, subjects: Sequence[Floats], where: Sequence[Region]) -> list[Region]:
        """Where the composite shows each subject's own colours.

        Args:
            subjects: in their hues.
            where: what it shows of them.
        """
        small = [coarse(subject) for subject in subjects]
        beyond = ~np.any([*where, *(one[..., 3] > HALF for one in small)], axis=0)
        composite, _ = self._pictures
        return [
            seen if result.pictured else without_intruders(subject, composite, seen, beyond)
            for subject, seen, result in zip(
                small, self._seen(small, where), self.results, strict=True
            )
        ]

    def lit(self, subjects: Sequence[Floats], places: Sequence[Region]) -> list[Floats]:
        """Subjects in the composite's light, broadly."""
        told = [
            (broadly_lit if result.pictured else scene_lit)(
                subject, self._pictures[0], place, self.harmony
            )
            for subject, place, result in zip(subjects, places, self.results, strict=True)
        ]
        return self._hued(told, places, keyed=False)

    def healed(
        self, lit: Sequence[Floats], picture: Floats, places: Sequence[Region]
    ) -> list[Floats]:
        """Subjects that are lit with the finer light of a picture [H, W, 3] that was healed around
        them, which brings what is behind an object onto its rim: so in the composite's hues."""
        finer = relit(lit, picture, self.background, self.harmony)
        told = [
            own if result.pictured else in_own_hues_beyond(subject, own, place)
            for own, subject, place, result in zip(lit, finer, places, self.results, strict=True)
        ]
        return self._hued(told, places, keyed=False)

    def _hued(
        self, subjects: Sequence[Floats], places: Sequence[Region], *, keyed: bool
    ) -> list[Floats]:
        return [
            subject
            if result.pictured
            else scene_hued(subject, self._pictures[0], place, self.harmony, keyed=keyed)
            for subject, place, result in zip(subjects, places, self.results, strict=True)
        ]

    def _seen(self, subjects: Sequence[Floats], where: Sequence[Region]) -> list[Region]:
        """Where each subject is surely seen; nowhere of a thing that is not this one, for no light
        comes from that."""
        pictures, subjects = self._pictures, [coarse(subject) for subject in subjects]
        gone, solids = lost(subjects, *pictures), [subject[..., 3] > HALF for subject in subjects]

        def clearly(subject: Array, region: Region, i: int) -> Region:
            sure = clear_of_front(surely(subject, *pictures, region), solids, i)
            told = scene_lit(subject, pictures[0], sure, 1.0)[..., :3]
            return clear_of_shade(sure, *pictures, told)

        return [
            np.zeros_like(region) if nothing and not one.own else clearly(subject, region, i)
            for i, (subject, region, nothing, one) in enumerate(
                zip(subjects, where, gone, self.results, strict=True)
            )
        ]
