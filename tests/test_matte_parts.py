"""The steps of the matte: laws, and figures by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import erf

from taue.matte.closed_form import closed_form, closed_form_within, matting_laplacian
from taue.matte.colour import own_colour
from taue.matte.despill import drained, mixed
from taue.matte.haze import without_haze
from taue.matte.key import basis, biweight, painted_key
from taue.matte.line import beside, projected
from taue.matte.measures import SHARP
from taue.matte.pure import pure_colours, purest
from taue.matte.sharpness import averaged, sharpness
from taue.matte.trimap import Trimap, band_width, edge_width, narrowed, trimap, widened

pictures = arrays(np.float32, (6, 7, 3), elements=st.floats(0, 1, width=32))
GREEN = np.array([0.25, 0.75, 0.25], np.float32)
RED = np.array([0.8, 0.1, 0.1], np.float32)


def soft_disc(side: int, radius: float, softness: float) -> np.ndarray:
    y, x = np.indices((side, side)) + 0.5 - side / 2
    return np.clip((radius - np.hypot(x, y)) / softness + 0.5, 0, 1).astype(np.float32)


def mixture(alpha: np.ndarray) -> np.ndarray:
    return alpha[..., None] * RED + (1 - alpha[..., None]) * GREEN


# The key


@settings(max_examples=20, deadline=None)
@given(arrays(np.float64, (6, 3), elements=st.floats(-0.04, 0.04)), st.integers(0, 3))
def test_a_quadratic_key_is_found_though_a_fifth_is_something_else(
    terms: np.ndarray, corner: int
) -> None:
    true = basis(40, 50) @ (terms + np.array([[0.5], *[[0]] * 5]))
    picture = true.astype(np.float32)
    picture[10 * corner : 10 * corner + 10, 5:45] = 1  # a fifth
    found = painted_key(picture, np.ones((40, 50), bool))
    assert np.abs(found - true).max() < 0.01


def test_without_an_outside_the_key_is_the_borders() -> None:
    picture = np.full((32, 32, 3), GREEN, np.float32)
    picture[4:-4, 4:-4] = RED
    found = painted_key(picture, np.zeros((32, 32), bool))
    np.testing.assert_allclose(found, np.broadcast_to(GREEN, (32, 32, 3)), atol=1e-3)


def test_the_biweight_by_hand() -> None:
    # The median is 1, so the reach is 6.
    weights = biweight(np.array([0.0, 1.0, 3.0, 1.0, 6.0, 0.5, 9.0, 0.0]))
    expected = [1, (35 / 36) ** 2, (3 / 4) ** 2, (35 / 36) ** 2, 0, (143 / 144) ** 2, 0, 1]
    np.testing.assert_allclose(weights, expected)


# The trimap


def test_widening_and_narrowing_by_hand() -> None:
    dot = np.zeros((5, 6), bool)
    dot[2, 2] = True
    assert widened(dot, 1).sum() == 9
    assert np.array_equal(narrowed(widened(dot, 1), 1), dot)
    assert narrowed(np.ones((5, 6), bool), 3).all()  # the canvas's border takes nothing away


def test_the_trimap_of_a_disc() -> None:
    alpha = soft_disc(128, 30, 2)
    areas = trimap(0.8 * alpha, 0.04, alpha > 0.5, 8)
    assert not (areas.opaque & areas.clear).any()
    assert (alpha[areas.opaque] == 1).all()
    assert (alpha[areas.clear] == 0).all()
    ring = np.pi * ((30 + 1 + 2 * band_width((128, 128))) ** 2 - 24**2)
    assert 0 < areas.unknown.sum() < 1.3 * ring


def test_a_wide_soft_edge_is_unknown_as_a_whole() -> None:
    alpha = soft_disc(128, 30, 12)
    areas = trimap(0.8 * alpha, 0.04, alpha > 0.5, 8)
    assert alpha[areas.opaque].min() > 0.8
    assert alpha[areas.clear].max() < 0.05


def test_what_is_known_is_imposed() -> None:
    areas = Trimap(np.array([[True, False, False]]), np.array([[False, True, False]]))
    assert areas.impose(np.array([[0.2, 0.3, 0.4]], np.float32)).tolist() == [
        [1, 0, pytest.approx(0.4)]
    ]


# Closed form


@settings(max_examples=20, deadline=None)
@given(pictures)
def test_the_laplacian_is_symmetric_and_blind_to_a_constant(picture: np.ndarray) -> None:
    laplacian = matting_laplacian(picture, np.ones((6, 7), bool), 1e-3).toarray()
    np.testing.assert_allclose(laplacian, laplacian.T, atol=1e-9)
    np.testing.assert_allclose(laplacian.sum(axis=1), 0, atol=1e-9)
    assert np.linalg.eigvalsh(laplacian).min() > -1e-9


@settings(max_examples=20, deadline=None)
@given(pictures, arrays(np.float64, 3, elements=st.floats(-1, 1)))
def test_alpha_linear_in_colour_costs_next_to_nothing(
    picture: np.ndarray, slope: np.ndarray
) -> None:
    laplacian = matting_laplacian(picture, np.ones((6, 7), bool), 1e-6)
    alpha = (picture @ slope + 0.3).ravel()
    # Per window the cost is at most epsilon times the squared slope (Levin et al., Equation 4).
    assert abs(alpha @ (laplacian @ alpha)) <= 20 * 1e-6 * (slope @ slope) + 1e-9


def test_a_laplacian_by_hand() -> None:
    # One window, all of one colour: every pixel agrees with every other, 1/9 each.
    laplacian = matting_laplacian(np.ones((3, 3, 3), np.float32), np.ones((3, 3), bool), 1e-3)
    np.testing.assert_allclose(laplacian.toarray(), np.eye(9) - 1 / 9, atol=1e-12)


@pytest.mark.parametrize("solve", [closed_form, closed_form_within])
def test_a_soft_edge_is_found_from_what_is_known(
    solve: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray],
) -> None:
    true = soft_disc(48, 14, 6)
    unknown = (true > 0.02) & (true < 0.98)
    guess = np.where(unknown, 0.5, true).astype(np.float32)
    found = solve(mixture(true), guess, unknown)
    assert np.abs(found - true).max() < 0.03


def test_a_large_band_at_half_the_size_is_as_right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("taue.matte.closed_form.LARGE", 800)
    true = soft_disc(97, 30, 8)
    unknown = (true > 0.02) & (true < 0.98)
    found = closed_form_within(mixture(true), np.where(unknown, 0.5, true), unknown)
    assert np.abs(found - true).max() < 0.1
    assert np.array_equal(found[~unknown], true[~unknown])


def test_an_edge_is_as_soft_as_the_picture_is_large_and_no_less_than_a_cell() -> None:
    assert [edge_width(8, side) for side in (128, 256, 512, 1024)] == [8, 8, 16, 32]


@pytest.mark.parametrize("side", [256, 512, 1024])
def test_haze_begins_at_the_same_share_of_the_picture(side: int) -> None:
    unit = side // 256
    alpha = np.zeros((64, 40 * unit), np.float32)
    alpha[:, : 10 * unit] = 0.8
    alpha[:, 10 * unit :] = 0.3
    clean = without_haze(alpha, edge_width(8, side))[32]
    assert (clean[10 * unit : 14 * unit - 1] == alpha[0, -1]).all()  # half an edge's width
    assert 0 < clean[16 * unit] < 0.3
    assert not clean[18 * unit :].any()


def test_haze_fades_within_a_cell_of_the_object_and_a_thin_part_stays() -> None:
    alpha = np.zeros((20, 30), np.float32)
    alpha[:, :10] = 0.8
    alpha[:12, 10:] = 0.3  # broad
    alpha[15:18, 10:] = 0.3  # three pixels wide: thin for cells of 4
    clean = without_haze(alpha, 4)
    np.testing.assert_allclose(clean[5, 9:16], [0.8, 0.3, 0.3, 0.15, 0, 0, 0], atol=1e-6)
    assert np.array_equal(clean[15:18], alpha[15:18])
    assert np.array_equal(without_haze(0 * alpha, 4), 0 * alpha)


# Colours


def test_the_own_colour_reaches_everywhere() -> None:
    alpha = soft_disc(64, 14, 5)
    key = np.broadcast_to(GREEN, (64, 64, 3))
    found = own_colour(mixture(alpha), alpha, key)
    np.testing.assert_allclose(found, np.broadcast_to(RED, found.shape), atol=0.02)


@settings(max_examples=20, deadline=None)
@given(arrays(np.float32, (8, 9, 3), elements=st.floats(0, 1, width=32)))
def test_what_is_opaque_keeps_its_colour(picture: np.ndarray) -> None:
    alpha = np.ones((8, 9), np.float32)
    found = own_colour(picture, alpha, np.zeros_like(picture))
    np.testing.assert_allclose(found, picture, atol=1e-3)


def test_projection_by_hand() -> None:
    # F - K = (0.8, -0.6, 0), of length 1; I is half way, and 0.3 beside the line.
    key, own = np.array([[[0, 0.6, 0.5]]]), np.array([[[0.8, 0, 0.5]]])
    picture = np.array([[[0.4, 0.3, 0.8]]])
    assert projected(picture, key, own, 0).item() == pytest.approx(0.5)
    # 0.1 of the length is noise: (0.5 - 0.1) / 0.9.
    assert projected(picture, key, own, 0.1).item() == pytest.approx(0.4 / 0.9)
    assert projected(own, key, own, 0.1).item() == pytest.approx(1)
    assert projected(key, key, own, 0.1).item() == 0


def test_beside_the_line_by_hand() -> None:
    key, own = np.zeros((1, 1, 3)), np.array([[[1.0, 0, 0]]])
    on_line = np.array([[[0.5, 0, 0]]])
    # 0.3 along and 0.4 across: sine 0.8, with 0.225 for noise 0.35, half way from 0.2 to 0.5.
    off_line = np.array([[[0.3, 0.4, 0]]])
    assert beside(on_line, key, own, 0).item() == 0
    assert beside(off_line, key, own, 0).item() == 1
    assert beside(off_line, key, own, 0.225).item() == pytest.approx(0.5)


# Veils of key


def test_a_hard_edge_is_sharp_and_a_blurred_one_is_not() -> None:
    assert sharpness(0.8 * soft_disc(128, 30, 1), 128) > SHARP
    assert sharpness(0.8 * soft_disc(128, 30, 5), 128) < SHARP
    assert sharpness(np.zeros((32, 32), np.float32), 32) == 1


def finely_drawn(side: int, blur: float) -> np.ndarray:
    """A disc by the area of its pixels, blurred with a standard deviation of pixels of 256."""
    fine = 2 if side == 1024 else 2048 // side
    n = side * fine
    y, x = np.indices((n, n), np.float32) + 0.5 - n / 2
    depth = (n / 4 - np.hypot(x, y)) * 256 / n
    alpha = 0.5 + 0.5 * erf(depth / (2**0.5 * max(blur, 1e-6)))
    return alpha.reshape(side, fine, side, fine).mean(axis=(1, 3)).astype(np.float32)


@pytest.mark.parametrize("side", [256, 512, 1024])
def test_the_same_blur_reads_the_same_at_any_size(side: int) -> None:
    # By every fourth pixel of 1024 this was 0.52, no veil, and at 256 it is 0.48.
    found = sharpness(0.8 * finely_drawn(side, 0.6), side)
    assert found == pytest.approx(0.48, abs=0.01)
    assert found < SHARP


@pytest.mark.parametrize("side", [256, 512, 1024])
def test_a_hard_edge_is_sharp_at_any_size(side: int) -> None:
    assert sharpness(0.8 * finely_drawn(side, 0), side) > 0.7


def test_squares_are_averaged_and_the_border_repeated() -> None:
    values = np.array([[1.0, 2, 3], [3, 4, 5], [7, 9, 6]])
    np.testing.assert_allclose(averaged(values, 2), [[2.5, 4], [8, 6]])
    assert np.array_equal(averaged(values, 1), values)


def test_a_mixture_of_key_is_no_pure_colour() -> None:
    # From the left: 10 pixels of the object, 6 of a veil, 4 of key.
    column = np.arange(20)[None].repeat(20, axis=0)
    alpha = (column < 16).astype(np.float32)
    veil, key = np.where(column < 10, 1, 0.6), np.broadcast_to(GREEN, (20, 20, 3))
    pure = pure_colours(mixture(veil), key, alpha, 1, 6)
    assert len(pure.places) == 200
    assert pure.places[:, 1].max() < 10
    # If a veil may be three pixels wide at most, the half of it that is deeper is an object's own.
    assert pure_colours(mixture(veil), key, alpha, 1, 3).places[:, 1].max() == 12
    offsets = 0.5 * pure.offsets[:3]
    found = purest(pure, pure.places[:3], offsets, 120)
    np.testing.assert_allclose(found, np.broadcast_to(RED - GREEN, (3, 3)), atol=1e-5)


def test_a_shade_is_no_veil_and_a_mixture_is_one() -> None:
    key, white = np.array([[[0.2, 0.8, 0.2]]]), np.full((1, 1, 3), 0.9)
    veil, grey = 0.5 * key + 0.5 * white, 0.5 * white
    assert mixed(veil, key, white, np.array([[0.5]])).item() == pytest.approx(1)
    line = (white - key)[0, 0]
    along = np.array([[(grey - key)[0, 0] @ line / (line @ line)]])
    assert mixed(grey, key, white, along).item() == 0


@settings(max_examples=20, deadline=None)
@given(st.floats(0.2, 1), st.floats(0.3, 1))
def test_draining_explains_the_pixel_as_before(share: float, left: float) -> None:
    # A gap of 4 pixels between red walls; what fills it is partly key, and passes for the object.
    alpha = np.ones((32, 32), np.float32)
    alpha[:, 14:18] = left * 0.9
    key = np.broadcast_to(GREEN, (32, 32, 3)).astype(np.float32)
    colour = mixture(np.where(alpha < 1, share, 1).astype(np.float32))
    pure = pure_colours(colour, key, alpha, 4, 4)
    drier, less = drained(key, colour, alpha, pure, 8, 32)
    before = alpha[..., None] * colour + (1 - alpha[..., None]) * key
    after = less[..., None] * drier + (1 - less[..., None]) * key
    np.testing.assert_allclose(after, before, atol=1e-5)
    np.testing.assert_allclose(drier[:, 14:18], np.broadcast_to(RED, (32, 4, 3)), atol=1e-3)
    assert np.array_equal(less[:, :14], alpha[:, :14])
