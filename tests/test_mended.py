"""Bites that a key took out of an object, filled from the composite."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from taue.mended import bites, mended
from taue.sight import Sight

SIZES = [256, 512]
GROUND, OWN = np.array([0.3, 0.5, 0.9], np.float32), np.array([0.95, 0.9, 0.8], np.float32)


def scene(side: int, *, shows_ground: bool) -> tuple[np.ndarray, np.ndarray, Sight, np.ndarray]:
    """A pale block of a quarter of the canvas, of which the cut-out lacks a slot 4 of 256 wide."""
    y, x = (np.indices((side, side)) + 0.5) / side
    block = (np.abs(x - 0.5) < 0.2) & (np.abs(y - 0.5) < 0.2)
    slot = (np.abs(x - 0.5) < 0.008) & (np.abs(y - 0.4) < 0.06)
    seen = block & ~slot if shows_ground else block
    composite = np.where(seen[..., None], OWN, GROUND).astype(np.float32)
    colours = np.broadcast_to(OWN, composite.shape).astype(np.float32)
    alpha = (block & ~slot).astype(np.float32)
    cut = np.concatenate([0.5 * colours, alpha[..., None]], axis=-1)
    draft = block & ~slot
    return cut, composite, Sight(draft, block, colours, np.zeros_like(draft), spoilt=False), slot


@pytest.mark.parametrize("side", SIZES)
def test_a_bite_is_filled_with_what_the_composite_shows(side: int) -> None:
    cut, composite, sight, slot = scene(side, shows_ground=False)
    found = mended(cut, composite, sight)
    assert found[slot, 3].min() > 0.9
    assert np.abs(found[slot, :3] - OWN).max() < 0.1
    away = ~slot & (cut[..., 3] == 1)
    np.testing.assert_array_equal(found[away], cut[away])


@pytest.mark.parametrize("side", SIZES)
def test_a_gap_that_shows_the_ground_stays(side: int) -> None:
    cut, composite, sight, slot = scene(side, shows_ground=True)
    # A blur wide is its border.
    inner = np.asarray(ndimage.binary_erosion(slot, iterations=side // 256), bool)
    np.testing.assert_array_equal(mended(cut, composite, sight)[inner], cut[inner])


def test_a_wide_opening_and_the_outside_stay() -> None:
    cut, composite, sight, _ = scene(256, shows_ground=False)
    cut[..., 3] = 0
    cut[77:179, 77:110, 3] = 1
    cut[77:179, 140:179, 3] = 1
    assert not bites(cut[..., 3], composite, sight)[80:170, 112:138].any()
    assert not bites(np.zeros((256, 256), np.float32), composite, sight).any()
