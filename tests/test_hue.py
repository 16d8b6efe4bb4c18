"""Hues held to the scene's, and holes in which the key is painted darker."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from taue.hue import in_own_hues_beyond, scene_hued, scene_lit, surely
from taue.matte.hollow import hollowed
from test_shown import disc, ground, over

Floats = NDArray[np.float32]
WHITE, PINK, LEAF = (0.85, 0.85, 0.85), (0.95, 0.7, 0.95), (0.2, 0.7, 0.2)
SIDES = (256, 512, 1024)


def subject_of(colours: Floats, alpha: Floats) -> Floats:
    return np.dstack([colours, alpha]).astype(np.float32)


def hued(
    subject: Floats, composite: Floats, plate: Floats, alpha: Floats, harmony: float = 1.0
) -> Floats:
    sure = surely(subject, composite, plate, alpha > 0.5)
    return scene_hued(subject, composite, sure, harmony)


def saturation(colours: Floats) -> Floats:
    return colours.max(axis=-1) - colours.min(axis=-1)


@pytest.mark.slow
@pytest.mark.parametrize("side", SIDES)
def test_a_rim_tinted_by_its_key_becomes_white_again_and_a_leaf_stays_green(side: int) -> None:
    plate = ground(side)
    cup, leaf = disc(side, 0.5, 0.6, 0.2), disc(side, 0.5, 0.34, 0.07)
    composite = over(over(plate, cup, WHITE), leaf, LEAF)
    alpha = np.maximum(cup, leaf)
    tinted = over(np.full((side, side, 3), PINK, np.float32), disc(side, 0.5, 0.6, 0.17), WHITE)
    subject = subject_of(over(tinted, leaf, LEAF), alpha)
    found = hued(subject, composite, plate, alpha)
    rim = (cup == 1) & (disc(side, 0.5, 0.6, 0.175) == 0) & (disc(side, 0.5, 0.34, 0.1) == 0)
    assert saturation(subject[..., :3])[rim].min() > 0.2
    assert saturation(found[..., :3])[rim].max() < 0.03
    stem = disc(side, 0.5, 0.34, 0.03) == 1
    np.testing.assert_allclose(
        found[stem][:, :3], np.broadcast_to(LEAF, (stem.sum(), 3)), atol=0.02
    )
    np.testing.assert_array_equal(found[..., 3], alpha)


@settings(max_examples=20, deadline=None)
@given(st.floats(0, 1), st.tuples(st.floats(0.3, 0.7), st.floats(0.3, 0.7), st.floats(0.3, 0.7)))
def test_lightness_stays_and_harmony_says_how_far(
    harmony: float, colour: tuple[float, float, float]
) -> None:
    plate, cup = ground(64), disc(64, 0.5, 0.6, 0.3)
    subject = subject_of(np.full((64, 64, 3), colour, np.float32), cup)
    composite = over(plate, cup, (0.5, 0.5, 0.5))
    whole, part = (hued(subject, composite, plate, cup, share) for share in (1.0, harmony))
    np.testing.assert_allclose(
        whole[..., :3].mean(axis=-1), subject[..., :3].mean(axis=-1), atol=1e-5
    )
    np.testing.assert_allclose(part, (1 - harmony) * subject + harmony * whole, atol=1e-5)


def test_what_the_composite_shows_as_background_bounds_no_hue() -> None:
    # The composite's object is smaller: beside it the blue sky is no colour of the white object.
    plate, large, small = (
        np.full((256, 256, 3), (0.3, 0.5, 0.9), np.float32),
        disc(256, 0.5, 0.5, 0.25),
        disc(256, 0.5, 0.5, 0.15),
    )
    composite = over(plate, small, WHITE)
    subject = subject_of(np.full((256, 256, 3), (0.75, 0.9, 0.9), np.float32), large)
    found = hued(subject, composite, plate, large)
    assert saturation(found[..., :3])[large == 1].max() < 0.05


def test_nowhere_shown_a_subject_keeps_its_hues() -> None:
    plate, cup = ground(64), disc(64, 0.5, 0.6, 0.3)
    subject = subject_of(np.full((64, 64, 3), PINK, np.float32), cup)
    nowhere = surely(subject, plate, plate, np.zeros((64, 64), bool))
    np.testing.assert_array_equal(scene_hued(subject, plate, nowhere, 1.0), subject)
    np.testing.assert_array_equal(scene_lit(subject, plate, nowhere, 1.0), subject)


@pytest.mark.parametrize("side", SIDES)
def test_far_from_what_a_scene_shows_of_it_a_subject_is_darker_in_its_own_hue(side: int) -> None:
    """A tip that came out shorter: what is there is grey."""
    alpha, sure = disc(side, 0.5, 0.5, 0.3), disc(side, 0.35, 0.5, 0.1) > 0.5
    own = subject_of(np.full((side, side, 3), (0.8, 0.4, 0.5), np.float32), alpha)
    told = subject_of(np.full((side, side, 3), 0.4, np.float32), alpha)
    found = in_own_hues_beyond(told, own, sure)
    np.testing.assert_allclose(found[sure], told[sure], atol=1e-6)
    away = disc(side, 0.35, 0.5, 0.2) == 0
    ratios = found[away][:, :3] / own[away][:, :3]
    assert np.ptp(ratios, axis=1).max() < 1e-5
    assert 0.7 < ratios.mean() < 0.9
    np.testing.assert_allclose(in_own_hues_beyond(own, own, sure), own, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("side", SIDES)
def test_light_follows_broadly_and_detail_stays(side: int) -> None:
    plate, cup = ground(side), disc(side, 0.5, 0.6, 0.2)
    rows, columns = np.mgrid[0:side, 0:side] * 256 // side
    check = np.where((rows // 2 + columns // 2) % 2, 0.1, -0.1).astype(np.float32)
    subject = subject_of(np.full((side, side, 3), 0.6, np.float32) + check[..., None], cup)
    composite = over(plate, cup, (0.3, 0.3, 0.45))
    sure = surely(subject, composite, plate, cup > 0.5)
    found = scene_lit(subject, composite, sure, 1.0)
    inside = cup == 1
    wanted = np.broadcast_to(np.float32([0.3, 0.3, 0.45]), (side, side, 3)) + check[..., None]
    assert np.abs(found[..., :3] - wanted)[inside].max() < 0.03
    np.testing.assert_array_equal(found[..., 3], cup)
    half = scene_lit(subject, composite, sure, 0.5)
    np.testing.assert_allclose(half, (subject + found) / 2, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("colour", [(0.8, 0.65, 0.1), (0.05, 0.05, 0.05), (0.9, 0.9, 0.9)])
def test_a_hole_with_the_key_in_shade_is_a_hole(
    side: int, colour: tuple[float, float, float]
) -> None:
    magenta, hole = np.float32([1, 0, 1]), disc(side, 0.5, 0.5, 0.05)
    alpha = disc(side, 0.5, 0.5, 0.3)
    key = np.full((side, side, 3), magenta, np.float32)
    picture = over(over(key, alpha, colour), hole, (0.75, 0.1, 0.9))
    body = np.full((side, side, 3), colour, np.float32)
    believed = np.where(hole > 0.5, 0.5, alpha).astype(np.float32)
    found, left = hollowed(picture, key, body, believed, side // 32)
    assert left[disc(side, 0.5, 0.5, 0.03) == 1].max() < 0.15
    assert left[(disc(side, 0.5, 0.5, 0.25) == 1) & (disc(side, 0.5, 0.5, 0.08) == 0)].min() == 1
    np.testing.assert_allclose(
        found[alpha == 1], np.broadcast_to(colour, (int((alpha == 1).sum()), 3))
    )


def test_an_object_of_the_keys_own_hue_keeps_its_alpha() -> None:
    key, alpha = np.full((128, 128, 3), (0, 1, 0), np.float32), disc(128, 0.5, 0.5, 0.3)
    pale = (0.5, 0.7, 0.5)
    body = np.full((128, 128, 3), pale, np.float32)
    _, left = hollowed(over(key, alpha, pale), key, body, alpha, 4)
    assert left[disc(128, 0.5, 0.5, 0.24) == 1].min() == 1


def test_a_key_without_hue_takes_nothing() -> None:
    key, alpha = np.full((64, 64, 3), 0.5, np.float32), disc(64, 0.5, 0.5, 0.3)
    colour, left = hollowed(key, key, key, alpha, 2)
    np.testing.assert_array_equal(left, alpha)
    np.testing.assert_array_equal(colour, key)
