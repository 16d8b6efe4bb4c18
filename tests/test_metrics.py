"""PSNR and SSIM over regions, against cases worked out by hand."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taue import metrics

ALL = np.ones((16, 16), bool)


def plain(value: float, size: int = 16) -> np.ndarray:
    return np.full((size, size, 3), value)


def test_psnr_by_hand() -> None:
    # An error of 0.1 everywhere: MSE 0.01, 10 log10(1 / 0.01) = 20 dB.
    assert metrics.psnr(plain(0.5), plain(0.6), ALL) == pytest.approx(20)
    # One of three channels off by 0.3: MSE 0.09 / 3 = 0.03.
    other = plain(0.5)
    other[..., 1] = 0.8
    assert metrics.psnr(plain(0.5), other, ALL) == pytest.approx(-10 * math.log10(0.03))


def test_psnr_counts_bytes_to_255() -> None:
    black, grey = np.zeros((4, 4, 3), np.uint8), np.full((4, 4, 3), 51, np.uint8)
    region = np.ones((4, 4), bool)
    assert metrics.psnr(black, grey, region) == pytest.approx(-20 * math.log10(51 / 255))
    assert metrics.psnr(black, np.full((4, 4, 3), 255, np.uint8), region) == pytest.approx(0)


def test_only_the_region_counts() -> None:
    one, other = plain(0.5), plain(0.5)
    other[:8] = 0.9
    other[8:] = 0.6
    lower = np.arange(16)[:, None] >= np.full(16, 8)
    assert metrics.psnr(one, other, lower) == pytest.approx(20)
    assert metrics.psnr(one, one, ALL) == math.inf
    nowhere = np.zeros((16, 16), bool)
    assert metrics.psnr(one, other, nowhere) is None
    assert metrics.ssim(one, other, nowhere) is None


def test_ssim_of_plain_colours_by_hand() -> None:
    # Without variance SSIM is its luminance term, (2ab + c1) / (a^2 + b^2 + c1), c1 = 0.01^2.
    a, b, c1 = 0.5, 0.7, 1e-4
    expected = (2 * a * b + c1) / (a * a + b * b + c1)
    assert metrics.ssim(plain(a), plain(b), ALL) == pytest.approx(expected, abs=1e-6)


def test_ssim_of_opposite_patterns_by_hand() -> None:
    # Checkerboards of opposite sign: covariance is minus the variance v; means are equal.
    sign = np.where(np.indices((32, 32)).sum(0) % 2 == 0, 1.0, -1.0)[..., None] * np.ones(3)
    one, other = 0.5 + 0.1 * sign, 0.5 - 0.1 * sign
    middle = np.zeros((32, 32), bool)
    middle[8:24, 8:24] = True
    variance, c2 = 0.01, 0.03**2
    expected = (-2 * variance + c2) / (2 * variance + c2)
    assert metrics.ssim(one, other, middle) == pytest.approx(expected, abs=2e-3)
    assert metrics.ssim(one, one, middle) == pytest.approx(1)


def test_ssim_looks_at_the_region_only() -> None:
    rng = np.random.default_rng(0)
    one = rng.random((64, 64, 3))
    other = one.copy()
    other[:, 40:] = rng.random((64, 24, 3))
    left = np.zeros((64, 64), bool)
    left[:, :34] = True  # the window of 11 reaches 5 pixels further, to column 38
    assert metrics.ssim(one, other, left) == pytest.approx(1)
    right = ~left
    assert (metrics.ssim(one, other, right) or 1) < 0.5


def test_inside_is_what_is_nearly_opaque() -> None:
    alpha = np.array([[0.0, 0.5, 0.9, 0.91, 1.0]])
    assert metrics.inside(alpha).tolist() == [[False, False, False, True, True]]


def test_outside_is_beyond_the_grown_union() -> None:
    one, other = np.zeros((40, 60)), np.zeros((40, 60))
    one[10, 20], other[30, 59] = 1, 0.01
    expected = np.ones((40, 60), bool)
    expected[2:19, 12:29] = False  # 8 pixels in every direction
    expected[22:39, 51:60] = False
    np.testing.assert_array_equal(metrics.outside([one, other]), expected)
    assert metrics.outside([np.ones((4, 4))]).sum() == 0
    assert metrics.outside([np.zeros((4, 4))]).all()


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_both_are_symmetric_and_bounded(seed: int) -> None:
    rng = np.random.default_rng(seed)
    one, other = rng.random((2, 16, 16, 3))
    region = rng.random((16, 16)) > 0.5
    assert metrics.psnr(one, other, region) == metrics.psnr(other, one, region)
    ssim = metrics.ssim(one, other, region)
    assert ssim == pytest.approx(metrics.ssim(other, one, region))
    assert ssim is None or -1 <= ssim <= 1


def test_shapes_that_do_not_fit() -> None:
    for one, other, region in (
        (plain(0.5), plain(0.5, 8), ALL),
        (plain(0.5), plain(0.5), ALL[:8]),
        (plain(0.5)[..., 0], plain(0.5)[..., 0], ALL),
    ):
        with pytest.raises(ValueError, match="fit together"):
            metrics.psnr(one, other, region)
        with pytest.raises(ValueError, match="fit together"):
            metrics.ssim(one, other, region)
