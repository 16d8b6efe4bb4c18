"""Outlines without frays, on blurred pictures alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from scipy import ndimage

from taue import matte
from taue.matte.outline import outline, smoothed
from taue.matte.trimap import edge_width

SIZES = [256, 512, pytest.param(1024, marks=pytest.mark.slow)]
RED, GREEN = np.array([0.8, 0.2, 0.2], np.float32), np.array([0.0, 1.0, 0.0], np.float32)


def disc(side: int, radius: float, softness: float, at: float = 0.5) -> np.ndarray:
    """Radius and softness in sides, the centre so far from the left."""
    y, x = (np.indices((side, side)) + 0.5) / side - np.array([0.5, at])[:, None, None]
    return np.clip((radius - np.hypot(x, y)) / softness + 0.5, 0, 1).astype(np.float32)


def frayed(alpha: np.ndarray) -> np.ndarray:
    """Alpha with pixels at random on either side of its edge, at 256 places a side."""
    step = len(alpha) // 256
    rng = np.random.default_rng(5)
    crumbs = np.kron(rng.random((256, 256)), np.ones((step, step)))
    inside = alpha > 0.5
    slopes = ndimage.gaussian_gradient_magnitude(alpha, 2.5 * step)
    near = np.asarray(slopes * step > 0.03, bool)
    return np.where(near & (crumbs < 0.2), np.where(inside, 0.1, 0.9), alpha).astype(np.float32)


def loose(alpha: np.ndarray) -> int:
    """Crumbs off the object and pinholes in it."""
    crumbs: Any = ndimage.label(alpha > 0.5)
    holes: Any = ndimage.label(alpha < 0.5)
    return crumbs[1] + holes[1] - 2


def plain(colour: np.ndarray, side: int) -> np.ndarray:
    return np.broadcast_to(colour, (side, side, 3)).astype(np.float32)


@pytest.mark.slow
@pytest.mark.parametrize("side", SIZES)
def test_a_frayed_outline_becomes_the_smooth_one(side: int) -> None:
    truth = disc(side, 0.2, 0.012)
    torn = frayed(truth)
    _, found = smoothed(plain(RED, side), torn, edge_width(8, side))
    before, after = (np.abs(a - truth).sum() for a in (torn, found))
    assert after < 0.4 * before
    assert loose(found) < 0.15 * loose(torn)


@pytest.mark.parametrize("side", SIZES)
def test_a_clean_outline_stays(side: int) -> None:
    truth = disc(side, 0.2, 0.012)
    _, found = smoothed(plain(RED, side), truth, edge_width(8, side))
    assert np.abs(found - truth).max() < 0.1


@pytest.mark.slow
@pytest.mark.parametrize("side", SIZES)
def test_an_edge_that_is_soft_in_the_scene_stays_to_the_last_digit(side: int) -> None:
    soft = disc(side, 0.2, 0.06)
    _, found = smoothed(plain(RED, side), soft, edge_width(8, side))
    np.testing.assert_array_equal(found, soft)


def test_where_alpha_moves_the_colour_is_the_objects() -> None:
    truth = disc(256, 0.2, 0.012)
    torn = frayed(truth)
    colour = np.where((torn > 0.5)[..., None], RED, GREEN).astype(np.float32)
    recoloured, found = smoothed(colour, torn, 8)
    raised = (found - torn) > 0.3
    assert raised.sum() > 100
    assert np.abs(recoloured - RED)[raised].max() < 0.2


def test_a_handle_and_its_hole_stay() -> None:
    y, x = np.indices((256, 256)) - 128
    ring = np.clip(4 - np.abs(np.hypot(x, y) - 12), 0, 1).astype(np.float32)
    _, found = smoothed(plain(RED, 256), ring, 8)
    assert found[128, 128] == 0
    assert found[128, 140] > 0.9
    assert np.abs(found - ring).sum() < 0.1 * ring.sum()


@pytest.mark.parametrize("side", SIZES)
def test_single_pixels_of_a_rim_are_as_their_neighbours(side: int) -> None:
    truth = disc(side, 0.2, 0.012)
    rim = np.argwhere((truth > 0.2) & (truth < 0.8))[:: 7 * side // 256]
    specked = truth.copy()
    specked[tuple(rim.T)] += np.where(np.arange(len(rim)) % 2, 0.2, -0.2).astype(np.float32)
    _, found = smoothed(plain(RED, side), specked, edge_width(8, side))
    assert len(rim) > 20
    assert 0 <= found.min() and found.max() <= 1
    assert np.abs(found - truth)[tuple(rim.T)].mean() < 0.1


def test_nothing_stays_nothing_and_everything_everything() -> None:
    for alpha in (np.zeros((64, 64), np.float32), np.ones((64, 64), np.float32)):
        _, found = smoothed(plain(RED, 64), alpha, 8)
        np.testing.assert_array_equal(found, alpha)


def test_a_sharp_picture_keeps_its_frays_and_a_blurred_one_loses_them() -> None:
    torn = frayed(disc(256, 0.2, 0.004))
    rgba = np.dstack([plain(RED, 256), torn])
    sharp = torn[..., None] * RED + (1 - torn[..., None]) * GREEN
    soft = ndimage.gaussian_filter(sharp, (2, 2, 0))
    mask = torch.from_numpy((disc(32, 0.2, 0.01) > 0.5).astype(np.float32))
    np.testing.assert_array_equal(matte.outlined(rgba, sharp.astype(np.float32), mask), rgba)
    found = matte.outlined(rgba, soft.astype(np.float32), mask)
    assert loose(found[..., 3]) < 0.1 * loose(torn)
    empty = np.zeros_like(rgba)
    np.testing.assert_array_equal(matte.outlined(empty, soft.astype(np.float32), mask), empty)


@pytest.mark.parametrize("at", [0.5, 0.1])
def test_an_outline_is_the_same_on_a_larger_canvas_and_nowhere_without_an_object(at: float) -> None:
    alpha = frayed(disc(256, 0.2, 0.03, at))
    edge = edge_width(8, 256)
    wide = outline(np.pad(alpha, ((30, 30), (0, 60))), edge)
    fine = len(wide) // (256 + 60)
    found = outline(alpha, edge)
    assert found.any()
    np.testing.assert_array_equal(wide[30 * fine : -30 * fine, : -60 * fine], found)
    assert not outline(np.zeros_like(alpha), edge).any()
