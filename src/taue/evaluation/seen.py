"""What the judge sees of an item, in figures: in paddy's words alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from taue.evaluation.columns import COLUMNS, OPENED
from taue.evaluation.dataset import Pair
from taue.evaluation.items import Item
from taue.evaluation.networks import Networks
from taue.evaluation.opened import figures as opened_figures
from taue.evaluation.rendered import SOLID
from taue.evaluation.tint import key_tint
from taue.paddy.judge.findings import parse_object
from taue.paddy.judge.sighting import Sighting
from taue.paddy.judge.verdict import residue


def tint(item: Item, plain: Item, networks: Networks, pair: Pair | None) -> float | None:
    """The key tint of an item against the plain picture of the same pair, whose subject is where
    the judge sees it; of the whole pictures where it does not know the pair's words."""
    if item.foreground is None or item.mask is None:
        return None
    wish = None if pair is None else parse_object(pair.foreground)
    if wish is None:
        where, there = (np.ones(one.composite.shape[:2], bool) for one in (item, plain))
    else:
        where = item.mask > SOLID
        there = seen_mask(networks.judge.look([plain.composite])[0], wish[1])
    return key_tint(item.foreground, (item.composite, where), (plain.composite, there))


def seen_mask(sighting: Sighting, kind: str) -> NDArray[np.bool_]:
    """Where the judge sees the largest object of a kind; nowhere if it sees none."""
    masks = [thing.mask for thing in sighting.objects if thing.kind == kind]
    return max(masks, key=np.count_nonzero) if masks else np.zeros(sighting.mask.shape, bool)


def seen(item: Item, networks: Networks, pair: Pair) -> dict[str, float | None]:
    """What :mod:`taue.evaluation.opened` measures, the share of the mask on which the judge sees
    objects in the background, and how many objects there are too many or too few: those of them
    that the item's parts suffice for. Nothing without a mask, or if the judge does not know the
    words of the pair."""
    wish = parse_object(pair.foreground)
    if wish is None or item.mask is None:
        return {}
    shown = item.composite if item.shown is None else item.shown
    effects = item.layers[1 : -item.subjects]
    ground = item.layers[0][..., :3] if item.layers else item.background
    if ground is None:
        ground = shown
    cut = np.dstack([shown if item.foreground is None else item.foreground, item.mask])
    subject = item.layers[-1] if item.layers and item.subjects == 1 else cut
    sighting, behind = networks.judge.look([shown, ground])
    nothing = np.zeros(item.mask.shape)
    shade = np.max([layer[..., 3] / 255 for layer in effects] or [nothing], axis=0)
    mask = seen_mask(sighting, wish[1])
    found = opened_figures(shown, ground, subject, cut, shade, mask)
    told = {
        "residue": residue(behind, item.mask > SOLID),
        "ghosts": float(abs(len(sighting.objects) - 1)),
        **{key: found[key] for key in OPENED},
    }
    # What had to stand in for a part that is not there has told nothing of it.
    return {key: value for key, value in told.items() if COLUMNS[key].made_of(item.parts)}
