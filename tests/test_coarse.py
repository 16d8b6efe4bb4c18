"""What is told on a coarser grid, and brought back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taue.coarse import SIDE, coarse, coarse_region, fine, fine_region
from test_shown import disc

canvases = st.tuples(st.integers(1, 1100), st.integers(1, 1100))


@pytest.mark.slow
@given(canvases, st.sampled_from([(), (2,), (1, 3)]))
def test_the_coarse_grid_is_as_fine_as_it_must_be_and_no_finer(
    size: tuple[int, int], rest: tuple[int, ...]
) -> None:
    values = np.full((*size, *rest), 0.3, np.float32)
    small = coarse(values)
    assert small.shape[2:] == rest
    assert min(SIDE, *size) <= min(small.shape[:2]) < 2 * SIDE
    assert coarse(small) is small
    back = fine(small, size)
    assert back.shape == values.shape
    np.testing.assert_allclose(back, values, atol=1e-6)


@given(st.integers(1, 511), st.integers(1, 700))
def test_a_small_canvas_is_its_own_grid(height: int, width: int) -> None:
    values = np.zeros((height, width), np.float32)
    assert coarse(values) is values and fine(values, values.shape) is values
    region = values > 0
    assert coarse_region(region) is region and fine_region(region, region.shape) is region


@pytest.mark.parametrize("size", [(512, 512), (1024, 1024), (832, 1216), (1023, 700)])
def test_a_ramp_comes_back_as_it_was(size: tuple[int, int]) -> None:
    """Each side's means lie in their squares' middles, whatever is left over at the far sides."""
    y, x = (np.indices(size) + 0.5).astype(np.float32) / 1000
    values = np.dstack([y, x, x + y])
    back, step = fine(coarse(values), size), min(size) // SIDE
    inside = (slice(step, -2 * step),) * 2
    np.testing.assert_allclose(back[inside], values[inside], atol=1e-5)


@pytest.mark.parametrize("side", [512, 1024])
def test_a_region_keeps_its_outline_to_within_a_coarse_pixel(side: int) -> None:
    region = disc(side, 0.4, 0.55, 0.2) > 0.5
    back = fine_region(coarse_region(region), region.shape)
    step = side // SIDE
    assert not (back & ~(disc(side, 0.4, 0.55, 0.2 + step / side) > 0.5)).any()
    assert not ((disc(side, 0.4, 0.55, 0.2 - step / side) > 0.5) & ~back).any()
