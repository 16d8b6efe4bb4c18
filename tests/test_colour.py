"""Colours on the line between two others."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from taue.colour import BLACK, OPPONENTS, across, along, chroma, hue, luma

colours = arrays(np.float64, 3, elements=st.floats(0, 1))


@given(colours, colours, st.floats(-1, 2))
def test_a_mixture_is_found_on_the_line_and_nowhere_beside_it(
    start: np.ndarray, end: np.ndarray, share: float
) -> None:
    length = float(np.linalg.norm(end - start))
    found = along(start + share * (end - start), start, end, least=1e-3)
    assert found == pytest.approx(share * min(1, (length / 1e-3) ** 2), abs=1e-6)
    here = np.asarray(share)
    assert across(start + share * (end - start), start, end, here) == pytest.approx(0, abs=1e-9)


@given(colours, colours, colours)
def test_the_place_on_the_line_is_the_nearest(
    colour: np.ndarray, start: np.ndarray, end: np.ndarray
) -> None:
    if np.linalg.norm(end - start) < 0.01:
        return
    best = along(colour, start, end, least=1e-6)
    distance = across(colour, start, end, best)
    for other in (best - 0.1, best + 0.1, np.asarray(0.0), np.asarray(1.0)):
        assert distance <= across(colour, start, end, other) + 1e-9


def test_a_picture_of_colours_against_one_key() -> None:
    key, picture = np.array([0.0, 1.0, 0.0]), np.array([[[0.0, 0.5, 0.0], [0.3, 0.0, 0.4]]])
    np.testing.assert_allclose(along(picture, BLACK, key, least=0.1), [[0.5, 0.0]])
    np.testing.assert_allclose(across(picture, BLACK, key, np.zeros((1, 2))), [[0.5, 0.5]])


@given(st.floats(0, 255), colours)
def test_grey_has_light_alone(grey: float, colour: np.ndarray) -> None:
    one = np.full(3, grey)
    assert luma(one) == pytest.approx(grey)
    assert hue(one) == pytest.approx(0, abs=1e-9)
    pixels = np.full((1, 1, 3), round(grey), np.uint8)
    assert not chroma(pixels).any()
    # A hue says nothing of how light a colour is, and is made of the two opponents alone.
    part = sum((colour @ opponent) * opponent for opponent in OPPONENTS)
    assert hue(colour + grey) == pytest.approx(part, abs=1e-4)


def test_green_is_lighter_than_red_and_red_than_blue() -> None:
    red, green, blue = np.eye(3)
    assert luma(green) > luma(red) > luma(blue)
    assert luma(np.ones((2, 3, 3), np.float32)).dtype == np.float32
