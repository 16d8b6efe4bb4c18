"""What is known of each subject once the three stages have ended, before its layer is made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from taue.arrays import Region
from taue.box import Box
from taue.coarse import coarse, fine_region
from taue.flaws import flaws
from taue.hue import scene_lit, surely
from taue.lost import is_lost
from taue.placing import HALF
from taue.shown import behind_others, clear_of_front, cleared, in_front, shown
from taue.stack.mixing import Floats
from taue.straight import from_nearest

HIDDEN = 0.05
"""The share of a foreground that others hide from which on it leads in shape: what a composite
shows beside another subject is bent, and cut off where that may have come out larger."""


@dataclass(frozen=True)
class Sight:
    """One subject.

    Attributes:
        draft: where its foreground was, bool [H, W].
        region: where its layer follows the composite, which shows it there, bool [H, W]; nowhere if
            the foreground leads.
        colours: its foreground's, in the composite's light [H, W, 3].
        covered: where its layer follows its foreground, for a later subject is in front of it,
            bool [H, W]; everywhere if the foreground leads.
        spoilt: whether the composite lost it, or drew it with a flaw that its foreground has not:
            beyond the canvas, twice, far larger than its box.
    """

    draft: Region
    region: Region
    colours: Floats
    covered: Region
    spoilt: bool

    @property
    def hidden(self) -> Region:
        """Where the foreground was and the composite is not followed."""
        return self.draft & ~self.region

    @property
    def shape(self) -> Region:
        """Where its layer is certain to be, bool [H, W]."""
        return self.region if self.region.any() else self.draft


def sighted(
    composite: Floats,
    background: Floats,
    cuts: Sequence[Floats],
    captured: Sequence[Floats | None],
    boxes: Sequence[Box | None],
) -> list[Sight]:
    """What the composite shows of each subject.

    Args:
        composite, background: [H, W, 3] in [0, 1].
        cuts: the foregrounds cut out, RGBA [H, W, 4], later ones in front.
        captured: where attention saw a subject [H, W] that could not be told from its key colour;
            None for the others.
        boxes: where they were to be, if they had a place.
    """
    pictures, small = (coarse(composite), coarse(background)), [coarse(cut) for cut in cuts]
    shapes = [
        cut[..., 3] if seen is None else seen for cut, seen in zip(cuts, captured, strict=True)
    ]
    wholes, drafts = ([shape > HALF for shape in some] for some in (shapes, map(coarse, shapes)))
    regions = shown(*pictures, [draft.astype(np.float32) for draft in drafts])
    found: list[Sight] = []
    for i, (region, draft, cut, seen, box) in enumerate(
        zip(regions, drafts, small, captured, boxes, strict=True)
    ):
        sure = clear_of_front(surely(cut, *pictures, region), drafts, i)
        colours = scene_lit(cuts[i], pictures[0], sure, 1.0)[..., :3]
        covered, left, spoilt = draft & behind_others(drafts, i), region, False
        if seen is None:
            if covered.sum() > HIDDEN * draft.sum():
                left, covered = np.zeros_like(draft), draft
            else:
                beyond = ~np.any([*regions, draft], axis=0)
                left = cleared(*pictures, region, cut[..., 3], coarse(colours), beyond)
            flawed = set(flaws(left | draft, box)) - set(flaws(draft, box))
            spoilt = bool(flawed) or is_lost(cut, *pictures, ~in_front(drafts, i))
        told = Sight(draft, left, coarse(colours), covered, spoilt)
        found.append(_on_canvas(told, wholes[i], behind_others(wholes, i), colours))
    return found


def _on_canvas(told: Sight, draft: Region, behind: Region, colours: Floats) -> Sight:
    """What was told coarsely, with the foreground's own outline [H, W] where that is followed, up
    to where others are or may be in front of it [H, W], and its colours [H, W, 3]."""
    shape, small = draft.shape, told.draft
    region, covered = (
        draft & fine_region(from_nearest(one, small) if small.any() else one, shape)
        for one in (told.region, told.covered)
    )
    region = (region | (fine_region(told.region, shape) & ~draft)) & ~behind
    return Sight(draft, region, colours, covered, told.spoilt)
