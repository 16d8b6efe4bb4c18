"""Placing: measuring finer than cells, moving and scaling without stretching."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from taue.box import Box
from taue.placing import Placement, bounding_box, place, surrounded_by_key
from taue.seedling import Seedling
from taue.space import Level

law = settings(max_examples=60, deadline=None)
fractions = st.floats(0.05, 0.6)


def covered(box: Box, height: int, width: int) -> Tensor:
    """How much of each cell a box covers [height, width], exactly."""

    def along(start: float, extent: float, count: int) -> Tensor:
        edges = torch.arange(count + 1, dtype=torch.float64)
        low, high = start * count, (start + extent) * count
        return (edges[1:].clamp(max=high) - edges[:-1].clamp(min=low)).clamp(min=0)

    return torch.outer(along(box.y, box.height, height), along(box.x, box.width, width))


@law
@given(fractions, fractions, fractions, fractions, st.integers(16, 40), st.integers(16, 40))
def test_a_boxs_coverage_is_measured_within_half_a_cell(
    x: float, y: float, width: float, height: float, rows: int, columns: int
) -> None:
    box = Box(x * (1 - width), y * (1 - height), max(width, 0.15), max(height, 0.15))
    found = bounding_box(covered(box, rows, columns))
    assert abs(found.x - box.x) < 0.51 / columns
    assert abs(found.y - box.y) < 0.51 / rows
    assert abs(found.x + found.width - box.x - box.width) < 0.51 / columns
    assert abs(found.y + found.height - box.y - box.height) < 0.51 / rows


def test_a_bounding_box_by_hand() -> None:
    presence = torch.zeros(4, 8)
    presence[1, 2:5] = torch.tensor([0.75, 1.0, 0.75])
    # Half is crossed two thirds of the way from centre to centre: at 2.5 - 1/3 and 4.5 + 1/3.
    found = bounding_box(presence)
    assert found.x == pytest.approx((2.5 - 1 / 3) / 8)
    assert found.width == pytest.approx((2 + 2 / 3) / 8)
    # Up and down half of one cell's value is reached half a cell away.
    assert found.y == pytest.approx(1 / 4)
    assert found.height == pytest.approx(1 / 4)


def test_a_full_map_is_the_whole_canvas_and_an_empty_one_is_refused() -> None:
    assert bounding_box(torch.ones(5, 7)) == Box(0, 0, 1, 1)
    with pytest.raises(ValueError, match="nothing"):
        bounding_box(torch.full((5, 7), 0.4))


@law
@given(st.data())
def test_what_is_fitted_lies_in_its_box_as_large_as_it_can(data: st.DataObject) -> None:
    def box() -> Box:
        width, height = data.draw(fractions), data.draw(fractions)
        x, y = data.draw(st.floats(0, 1 - width)), data.draw(st.floats(0, 1 - height))
        return Box(x, y, width, height)

    found, wanted = box(), box()
    fit = Placement.fit(found, wanted)
    placed = fit.apply(found)
    assert placed.width <= wanted.width + 1e-6 and placed.height <= wanted.height + 1e-6
    assert placed.centre[0] == pytest.approx(wanted.centre[0], abs=1e-6)
    assert placed.y + placed.height == pytest.approx(wanted.y + wanted.height, abs=1e-6)
    assert placed.width / placed.height == pytest.approx(found.width / found.height, rel=1e-4)
    touches = placed.width / wanted.width, placed.height / wanted.height
    assert max(touches) == pytest.approx(1, rel=1e-4)


@law
@given(
    st.integers(-3, 3), st.integers(-3, 3), st.integers(12, 20), st.integers(12, 20),
    st.integers(0, 2**31),
)  # fmt: skip
def test_whole_cells_move_exactly(
    down: int, right: int, rows: int, columns: int, seed: int
) -> None:
    values = torch.randn(2, 3, rows, columns, generator=torch.Generator().manual_seed(seed))
    centre = (0.5 + right / columns, 0.5 + down / rows)
    moved = place(values, Placement((0.5, 0.5), centre, 1.0))
    kept = moved[..., max(0, down) : rows + min(0, down), max(0, right) : columns + min(0, right)]
    came = values[
        ..., max(0, -down) : rows - max(0, down), max(0, -right) : columns - max(0, right)
    ]
    torch.testing.assert_close(kept, came, atol=1e-4, rtol=0)


@law
@given(st.floats(0.4, 2.5), st.floats(0.3, 0.7), st.floats(0.3, 0.7))
def test_a_disc_comes_where_and_as_large_as_it_is_told(scale: float, x: float, y: float) -> None:
    rows, columns = torch.meshgrid(torch.arange(40.0), torch.arange(40.0), indexing="ij")
    distance = ((rows + 0.5 - 20).square() + (columns + 0.5 - 20).square()).sqrt()
    disc = (0.5 + (4.5 - distance)).clamp(0, 1)
    found = bounding_box(disc)
    placement = Placement(found.centre, (x, y), scale)
    got, expected = bounding_box(place(disc[None, None], placement)[0, 0]), placement.apply(found)
    assert got.centre == pytest.approx(expected.centre, abs=0.5 / 40)
    assert got.width == pytest.approx(expected.width, abs=1 / 40)


def test_what_comes_from_beyond_the_canvas_repeats_the_border() -> None:
    values = torch.zeros(1, 1, 8, 8)
    values[..., 0] = 5.0
    moved = place(values, Placement((0.5, 0.5), (0.75, 0.5), 1.0))
    torch.testing.assert_close(moved[..., :3], torch.full((1, 1, 8, 3), 5.0))
    assert moved[..., 3:].abs().max() < 1e-4


def test_only_the_object_and_its_edge_leave_the_key() -> None:
    denoised = torch.full((1, 4, 16, 16), 0.5)
    denoised[..., 6:9, 6:9] = 2.0  # the object
    denoised[..., 1, 1] = -3.0  # a stray spot
    mask = torch.zeros(16, 16)
    mask[6:9, 6:9] = 1
    seedling = Seedling(denoised, torch.zeros_like(denoised), Level(1.0, 1.0), mask, mask)
    clean = surrounded_by_key(seedling)
    expected = torch.full_like(denoised, 0.5)
    expected[..., 6:9, 6:9] = 2.0
    torch.testing.assert_close(clean, expected)
