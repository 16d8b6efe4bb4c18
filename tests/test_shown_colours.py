"""A layer takes the colours that the composite shows of its subject for certain."""

from __future__ import annotations

import numpy as np
import pytest

from taue.arrays import Array
from taue.shown_colours import in_shown_colours
from taue.sight import Sight
from test_shown import SIDES

OBJECT, SKY, KEY = (0.8, 0.2, 0.2), (0.4, 0.6, 0.9), (0.0, 1.0, 0.0)


def made(side: int, radius: float) -> tuple[Array, Array, Sight]:
    """A layer that its key tinted, the more towards the rim; the composite; the sight of it."""
    rows, columns = np.mgrid[:side, :side]
    middle = np.hypot(rows + 0.5 - side / 2, columns + 0.5 - side / 2) / (radius * side)
    inside = ((1 - middle) * radius * side + 0.5).clip(0, 1)
    tint = 0.2 * np.clip(middle, 0, 1)[..., None] ** 2
    colours = (1 - tint) * np.array(OBJECT) + tint * np.array(KEY)
    layer = np.dstack([colours, inside]).astype(np.float32)
    composite = np.where(inside[..., None] > 0.5, OBJECT, SKY).astype(np.float32)
    there = inside > 0.5
    sight = Sight(there, there, composite, np.zeros_like(there), spoilt=False)
    return layer, composite, sight


@pytest.mark.parametrize("side", SIDES)
def test_the_tint_of_a_key_goes_to_the_rim_and_alpha_stays(side: int) -> None:
    layer, composite, sight = made(side, 0.3)
    found = in_shown_colours(layer, composite, sight)
    off = np.abs(found[..., :3] - OBJECT).max(axis=-1)[sight.region]
    before = np.abs(layer[..., :3] - OBJECT).max(axis=-1)[sight.region]
    assert before.max() > 0.15
    assert off.max() < 0.06
    assert np.median(off) < 0.001
    np.testing.assert_array_equal(found[..., 3], layer[..., 3])


def test_what_the_composite_shows_where_no_foreground_was_is_not_taken() -> None:
    """It may have come out larger, or be what is behind."""
    layer, composite, sight = made(256, 0.3)
    nowhere = Sight(
        np.zeros_like(sight.region), sight.region, composite, sight.covered, spoilt=False
    )
    np.testing.assert_array_equal(in_shown_colours(layer, composite, nowhere), layer)


def test_another_detail_inside_does_not_stain_the_rim() -> None:
    """An eye that the composite has and the key's picture has not: it is taken where it is."""
    layer, composite, sight = made(256, 0.3)
    layer[..., :3] = OBJECT
    composite[100:156, 60:76] = 0
    found = in_shown_colours(layer, composite, sight)
    assert found[128, 70, :3].max() < 0.1
    rim = sight.region.copy()
    rim[96:160, 56:84] = False
    assert np.abs(found[..., :3] - OBJECT).max(axis=-1)[rim].max() < 0.05
