"""The benchmark's measures, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.alpha_errors import (
    colour_error,
    connected_level,
    connectivity_error,
    errors,
    gradient_error,
)
from benchmarks.fringe import behind, fringed


def test_sad_and_mse_by_hand() -> None:
    found, true = np.array([[0.0, 0.5], [1.0, 1.0]]), np.array([[0.0, 1.0], [1.0, 0.75]])
    figures = errors(found, true)
    assert figures["sad"] == pytest.approx(0.75)
    assert figures["mse"] == pytest.approx((0.25 + 0.0625) / 4)


def test_the_same_alpha_has_no_error() -> None:
    alpha = np.random.default_rng(0).random((12, 12))
    assert set(errors(alpha, alpha).values()) == {0.0}


def test_the_gradient_error_of_a_ramp_by_hand() -> None:
    # Far from the border a ramp's gradient is its slope; a constant has none.
    ramp = np.tile(np.linspace(0, 1, 101), (3, 1))
    whole = gradient_error(ramp, np.zeros_like(ramp))
    assert whole == pytest.approx(3 * 101 * 0.01**2, rel=0.05)


def test_a_part_that_is_not_connected_counts_in_full() -> None:
    true = np.zeros((5, 9))
    true[1:4, 1:4] = 1
    found = true.copy()
    found[2, 7] = 1
    # The stray pixel is 1 above level 0, so phi is 0 instead of 1.
    assert connectivity_error(found, true) == pytest.approx(1)


def test_a_slight_departure_is_not_seen() -> None:
    true = np.ones((4, 4))
    found = true.copy()
    found[0, 0] = 0.9  # connected at 0.9 and 0.1 below the truth: under 0.15 of either
    assert connected_level(found, true)[0, 0] == pytest.approx(0.9)
    assert connectivity_error(found, true) == 0


def test_colours_count_on_the_edge_alone() -> None:
    found, true = np.zeros((1, 3, 3)), np.ones((1, 3, 3))
    true[0, 1] = 0.25
    assert colour_error(found, true, np.array([[0.0, 0.5, 1.0]])) == pytest.approx(0.25)


def test_fringe_by_hand() -> None:
    truth, key = np.array([[[1.0, 0, 0, 1]]]), np.array([[[0, 1.0, 0]]])
    clean = np.array([[[1.0, 0, 0, 0.4]]])
    spoiled = np.array([[[0.1, 0.9, 0, 0.8]]])  # the key's colour left in
    opaque = np.array([[[0, 1.0, 0, 1]]])  # no edge
    assert [fringed(rgba, truth, key, "black") for rgba in (clean, spoiled, opaque)] == [0, 1, 0]
    # Over a background that is the key, nothing can be told.
    assert fringed(spoiled, truth, np.array([[[1.0, 0, 1.0]]]), "magenta") == 0


def test_the_colours_of_the_object_about_a_pixel_are_its_own() -> None:
    # A gap in a red object is painted cyan; five pixels on, the object is cyan itself.
    red, cyan = [0.8, 0, 0, 1], [0, 0.8, 0.8, 1]
    truth = np.array([[red, [0, 0, 0, 0], red, red, red, red, cyan]])
    key = np.broadcast_to(np.array([0, 0.8, 0.3]), (1, 7, 3))
    found = truth.copy()
    found[0, 1] = [0, 0.75, 0.5, 0.9]
    counts = [fringed(found, truth, key, "white", reach) for reach in (0, 1, 4, 5)]
    assert counts == [1, 1, 1, 0]


def test_the_busy_backdrop_is_busy() -> None:
    texture = behind("busy", 10, 11)
    assert texture.shape == (10, 11, 3)
    assert texture.std() > 0.2
