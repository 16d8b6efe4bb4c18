"""The rim of an object that a decoder blurred."""

from __future__ import annotations

import numpy as np
import pytest

from taue.matte.rim import own_rim, settled, steepness, without_specks
from taue.matte.trimap import edge_width

SIZES = [256, 512, pytest.param(1024, marks=pytest.mark.slow)]
RED, DARK = np.array([0.8, 0.2, 0.2], np.float32), np.array([0.1, 0.0, 0.2], np.float32)


def disc(side: int, radius: float, softness: float, at: float = 0.5) -> np.ndarray:
    """Radius and softness in sides, the centre so far from the left."""
    y, x = (np.indices((side, side)) + 0.5) / side - np.array([0.5, at])[:, None, None]
    return np.clip((radius - np.hypot(x, y)) / softness + 0.5, 0, 1).astype(np.float32)


def plain(colour: np.ndarray, side: int) -> np.ndarray:
    return np.broadcast_to(colour, (side, side, 3)).astype(np.float32)


@pytest.mark.slow
@pytest.mark.parametrize("side", SIZES)
def test_faint_spots_off_a_sharp_object_are_none_of_it(side: int) -> None:
    edge = edge_width(8, side)
    body, speck = disc(side, 0.2, 0.012), 0.25 * disc(side, 0.01, 0.012, at=0.74)
    _, found = settled(plain(RED, side), np.maximum(body, speck), edge)
    assert not found[speck > 0].any()
    assert np.abs(found - body)[speck == 0].max() < 0.13


@pytest.mark.slow
@pytest.mark.parametrize("side", SIZES)
def test_an_edge_that_is_soft_in_the_scene_stays_to_the_last_digit(side: int) -> None:
    edge = edge_width(8, side)
    soft = disc(side, 0.2, 0.06)
    assert steepness(soft, edge).max() == 0
    _, found = settled(plain(RED, side), soft, edge)
    np.testing.assert_array_equal(found, soft)


@pytest.mark.parametrize("side", SIZES)
def test_a_dark_outline_takes_the_colour_that_is_inside(side: int) -> None:
    edge = edge_width(8, side)
    alpha, inside = disc(side, 0.2, 0.012), disc(side, 0.197, 0.002)
    colour = inside[..., None] * RED + (1 - inside[..., None]) * DARK
    found = own_rim(colour.astype(np.float32), alpha, edge)
    seen = alpha > 0
    assert np.abs(colour - RED)[seen].max() > 0.5
    assert np.abs(found - RED)[seen].max() < 0.1


@pytest.mark.parametrize("side", SIZES)
def test_what_is_thin_keeps_its_own_colour(side: int) -> None:
    # A mast above a hull: no pixel of it is deep, and the hull's colour is near.
    edge = edge_width(8, side)
    y, x = (np.indices((side, side)) + 0.5) / side
    mast = (np.abs(x - 0.5) < 0.006) & (y > 0.2) & (y < 0.55)
    hull = (np.abs(x - 0.5) < 0.2) & (y >= 0.5) & (y < 0.7)
    colour = np.where(hull[..., None], DARK, RED).astype(np.float32)
    found = own_rim(colour, (mast | hull).astype(np.float32), edge)
    assert np.abs(found - RED)[mast & (y < 0.48)].max() < 0.02
    assert np.abs(found - DARK)[hull & (y > 0.52)].max() < 0.02


def test_a_pale_thin_part_that_hangs_on_stays_and_a_loose_crumb_goes() -> None:
    alpha = disc(256, 0.2, 0.012)
    alpha[126:129, 178:220] = np.maximum(alpha[126:129, 178:220], 0.35)
    alpha[40:42, 40:42] = 0.9
    found = without_specks(alpha, 8)
    assert found[127, 178:220].min() >= 0.3
    assert found[40, 40] == 0


def test_an_object_smaller_than_a_crumb_is_still_the_object() -> None:
    alpha = np.zeros((64, 64), np.float32)
    alpha[30:32, 30:32] = 1
    assert without_specks(alpha, 8)[30, 30] == 1
    empty = np.zeros((64, 64), np.float32)
    colour, found = settled(plain(RED, 64), empty, 8)
    assert not found.any()
    np.testing.assert_array_equal(colour, plain(RED, 64))
