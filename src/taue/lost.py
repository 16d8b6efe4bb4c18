"""Whether a composite lost a subject: in its place it shows the background, or another thing.

Once the seedlings are released, a small object may fade into what is behind it, and of several two
may change places or colours, for the whole scene's prompt, which holds around them, does not say
where each of them is. Of such a composite a layer takes neither shape nor light.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from taue.arrays import Array, Region
from taue.coarse import coarse
from taue.flaws import Flaw, flaws
from taue.hue import FLOOR, OPAQUE
from taue.shown import background_instead, certainly, in_front
from taue.stack.mixing import Floats

HALF = 0.5
"""Alpha above which a pixel is a subject's."""

MOSTLY = 0.6
"""The share of a subject's place from which on background there means that it is gone ..."""

ANOTHER = 25 / 255
"""... and the mean distance of colours, in one light for all of it, from which on what is there is
another thing: the same ones are half as far apart, two of several that changed places more."""

COLOURFUL, TURNED = 0.2, 0.5
"""How colourful a subject is, as the mean square of its colours' distance from grey, relative to
that grey, for a hue to be told of it; and the cosine between its hues and those of what is there
from which down these are of another thing. No scene's light turns a colourful one so far: of 226
rendered objects the least is 0.73."""


def lost(subjects: Sequence[Floats], composite: Array, background: Array) -> list[bool]:
    """Which subjects a composite has lost, where no other is in front of them.

    Args:
        subjects: RGBA [H, W, 4] in [0, 1], later ones in front.
        composite, background: [H, W, 3] in [0, 1].
    """
    composite, background = coarse(composite), coarse(background)
    subjects = [coarse(subject) for subject in subjects]
    solids = [subject[..., 3] > HALF for subject in subjects]
    return [
        is_lost(subject, composite, background, solid & ~in_front(solids, number))
        for number, (subject, solid) in enumerate(zip(subjects, solids, strict=True))
    ]


def is_lost(subject: Floats, composite: Array, background: Array, visible: Region) -> bool:
    """Whether a composite shows no such subject where it should be.

    Args:
        subject: RGBA [H, W, 4] in [0, 1].
        composite, background: [H, W, 3] in [0, 1].
        visible: where no other is in front of it, bool [H, W].
    """
    if Flaw.DOUBLED in flaws(subject[..., 3] > HALF):
        return False  # what is scattered over the canvas is no object that could be lost
    core = certainly(visible & (subject[..., 3] > OPAQUE))
    if not core.any():
        return False
    colours = subject[..., :3]
    if background_instead(composite, background, colours)[core].mean() > MOSTLY:
        return True
    has, shows = colours[core] + FLOOR, composite[core] + FLOOR
    light = (has * shows).sum(axis=0) / (has * has).sum(axis=0)
    another = np.abs(shows - light * has).mean() > ANOTHER
    return bool(another) or _turned(has, shows)


def _turned(has: Array, shows: Array) -> bool:
    """Whether the colours of pixels [N, 3] have other hues than they had, as much as no light does
    it: of several that changed places each may keep its shape."""
    before, after = (one / one.mean(axis=-1, keepdims=True) - 1 for one in (has, shows))
    own, others = (float((one * one).sum()) for one in (before, after))
    colourful = own / len(before) > COLOURFUL
    return colourful and float((before * after).sum()) < TURNED * (own * others) ** 0.5
