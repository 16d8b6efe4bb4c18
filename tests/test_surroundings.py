"""What a composite draws its subjects over is no surroundings."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from taue.surroundings import without_outgrowth

GRIDS = (32, 64, 128)
"""Of canvases of 256, 512 and 1024."""

OBJECT, SKY, MEADOW = (2.0, -1.0, 0.5, 0.0), (-1.0, 0.5, 1.0, 0.0), (-0.5, 1.0, -1.0, 0.5)


def disc(grid: int, radius: float) -> Tensor:
    """1 in a circle in the middle, in shares of the grid [h, w]."""
    y, x = torch.meshgrid(*[(torch.arange(grid) + 0.5) / grid - 0.5] * 2, indexing="ij")
    return (torch.hypot(x, y) < radius).float()


def estimate(grid: int, object_: Tensor) -> Tensor:
    """An object before a sky and a meadow, with some noise [1, 4, h, w]."""
    sky = (torch.arange(grid) < grid // 2).float()[:, None].expand(grid, grid)
    shares = torch.stack([object_, sky * (1 - object_), (1 - sky) * (1 - object_)])
    latents = torch.einsum("khw,kc->chw", shares, torch.tensor([OBJECT, SKY, MEADOW]))
    noise = torch.randn(latents.shape, generator=torch.Generator().manual_seed(0))
    return (latents + 0.1 * noise)[None]


@pytest.mark.parametrize("grid", GRIDS)
def test_what_an_object_outgrew_its_mask_by_is_not_planted(grid: int) -> None:
    planted, drawn = disc(grid, 0.2), disc(grid, 0.25)
    found = without_outgrowth(1 - planted, estimate(grid, drawn))
    assert not found[planted > 0].any()
    assert found[(drawn > 0) & (planted == 0)].mean() < 0.02
    assert found[drawn == 0].mean() > 0.98


@pytest.mark.parametrize("grid", GRIDS)
def test_surroundings_of_an_object_as_large_as_its_mask_stay(grid: int) -> None:
    planted = disc(grid, 0.2)
    found = without_outgrowth(1 - planted, estimate(grid, planted))
    assert (found != 1 - planted).float().mean() < 0.002


def test_a_thing_of_its_colours_that_does_not_touch_it_stays() -> None:
    """Another red thing is a part of the scene."""
    planted = disc(32, 0.2)
    thing = torch.zeros(32, 32)
    thing[2:5, 14:18] = 1
    found = without_outgrowth(1 - planted, estimate(32, planted + thing))
    assert found[thing > 0].all()


@given(value=st.sampled_from([0.0, 1.0]), seed=st.integers(0, 99))
def test_nothing_and_everything_stay(value: float, seed: int) -> None:
    noise = torch.randn((1, 4, 16, 16), generator=torch.Generator().manual_seed(seed))
    whole = torch.full((16, 16), value)
    assert torch.equal(without_outgrowth(whole, noise), whole)


@given(seed=st.integers(0, 99), radius=st.floats(0.1, 0.4))
def test_surroundings_only_ever_lose(seed: int, radius: float) -> None:
    noise = torch.randn((1, 4, 16, 16), generator=torch.Generator().manual_seed(seed))
    outside = 1 - disc(16, radius)
    found = without_outgrowth(outside, noise)
    assert (found <= outside).all()
