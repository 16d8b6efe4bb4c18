"""Where the object is, on made-up latents."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from taue.backbones.sdxl import KEYS
from taue.equations import border, border_colour, key_distance
from taue.masks import find_object, grow, painted_distance, painted_spread, parts_captured
from taue.settings import Settings

SETTINGS = Settings()


def drawn(*rows: str) -> Tensor:
    return torch.tensor([[cell == "#" for cell in row] for row in rows])


def disc(height: int, width: int, x: float, y: float, radius: float) -> tuple[Tensor, Tensor]:
    """A disc and its rim of a cell each way, both [height, width]."""
    down = (torch.arange(height) + 0.5 - y)[:, None]
    across = (torch.arange(width) + 0.5 - x)[None, :]
    distance = (down**2 + across**2).sqrt()
    return (distance < radius).float(), ((distance - radius).abs() < 1).float()


def estimate(truth: Tensor, key: tuple[float, ...], noise: float = 0.1) -> Tensor:
    """A denoised estimate: a red object on a key colour, not quite flat."""
    thing, ground = (torch.tensor(c).view(1, 4, 1, 1) for c in ((-0.3, -0.6, 0.3, 0.1), key))
    ripple = torch.randn(1, 4, *truth.shape, generator=torch.Generator().manual_seed(0))
    return truth * thing + (1 - truth) * ground + noise * ripple


def overlap(one: Tensor, other: Tensor) -> float:
    return (torch.minimum(one, other).sum() / torch.maximum(one, other).sum()).item()


def test_parts_not_heard_are_dropped_and_holes_closed() -> None:
    coloured = drawn(
        "####....",
        "#..#..##",
        "#..#..##",
        "####....",
    )
    captured = drawn(
        "........",
        "#.......",  # one cell of the ring is enough
        "........",
        "......#.",  # captured, but nothing is there
    )
    expected = drawn("####....", "####....", "####....", "####....")
    assert torch.equal(parts_captured(coloured, captured), expected)
    assert not parts_captured(coloured, torch.zeros_like(captured)).any()


def test_a_cell_grows_by_its_eight_neighbours() -> None:
    seed = drawn(".....", "..#..", ".....", ".....").float()
    assert torch.equal(grow(seed), drawn(".###.", ".###.", ".###.", ".....").float())
    assert torch.equal(grow(seed, 0), seed)
    assert grow(seed, 2).sum() == 20


PLACES = {
    "middle": disc(16, 16, 8, 8, 4),
    "corner of a wide canvas": disc(9, 17, 12, 4, 3),
    "standing on the border": disc(16, 16, 8, 16, 5),
    "filling half the border's foot": disc(16, 16, 8, 16, 7.5),
    "large": disc(32, 32, 15, 17, 12),
}


@pytest.mark.parametrize("captured", ["everywhere inside", "as a ring"])
@pytest.mark.parametrize("key", [*KEYS, "dull"])
@pytest.mark.parametrize("place", PLACES)
def test_the_object_is_found_on_any_key(place: str, key: str, captured: str) -> None:
    truth, ring = PLACES[place]
    colour, noise = ((0.0, 0.2, 0.2, 0.0), 0.05) if key == "dull" else (KEYS[key], 0.1)
    attention = ring if captured == "as a ring" else truth
    found = find_object(estimate(truth, colour, noise), attention, SETTINGS)
    assert found.separated
    assert overlap(found.mask, truth) > 0.9


def along_the_border(cells: int, share: float) -> Tensor:
    """An object that stands on the whole foot of a square canvas, and on its sides as high up as
    makes it this share of the border, a quarter or more."""
    truth = torch.zeros(cells, cells)
    up = max(0, round(share * (4 * cells - 4)) - cells) // 2
    truth[-1 - up :] = 1
    truth[-cells // 3 :, cells // 4 : -cells // 4] = 1
    return truth


@pytest.mark.parametrize("share", [0.25, 0.4])
@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("side", [256, 512, 1024])
def test_an_object_along_the_border_is_found(side: int, key: str, share: float) -> None:
    truth = along_the_border(side // 8, share)
    assert border(truth).mean().item() == pytest.approx(share, abs=0.02)
    found = find_object(estimate(truth, KEYS[key]), truth, SETTINGS)
    assert found.separated
    assert overlap(found.mask, truth) > 0.95


def test_the_painted_key_is_that_of_the_border_cells_that_are_no_object() -> None:
    """Half of the border is the object's: the median of all of it is the key's brightest cell."""
    denoised = torch.zeros(1, 1, 16, 16)
    ring = torch.zeros(16, 16, dtype=torch.bool)
    ring[[0, -1], :] = ring[:, [0, -1]] = True
    denoised[0, 0, ring] = torch.cat([torch.linspace(-1, 1, 31), torch.full((29,), 10.0)])
    distance = painted_distance(denoised, 0.0)
    assert distance[1:-1, 1:-1].max() < 0.1  # these cells are 0, the middle of the key's own
    assert distance.max() == pytest.approx(10, abs=0.1)


@pytest.mark.parametrize("side", [256, 512, 1024])
def test_an_object_clear_of_the_border_leaves_key_and_spread_as_they_are(side: int) -> None:
    cells = side // 8
    truth, _ = disc(cells, cells, cells / 2, cells / 2, cells / 4)
    latents = estimate(truth, KEYS["green"])
    distance = painted_distance(latents, SETTINGS.mask_blur)
    expected = key_distance(latents, border_colour(latents), SETTINGS.mask_blur)
    assert torch.equal(distance, expected)
    assert painted_spread(distance) == border(expected).quantile(0.75).item()


def test_holes_are_closed_in_estimates_and_kept_in_what_is_finished() -> None:
    outer, ring = disc(32, 32, 16, 16, 10)
    hole, _ = disc(32, 32, 16, 16, 4)
    painted = estimate(outer - hole, KEYS["green"])
    assert overlap(find_object(painted, ring, SETTINGS).mask, outer) > 0.9
    kept = find_object(painted, ring, SETTINGS, solid=False).mask
    assert overlap(kept, outer - hole) > 0.9


def test_another_thing_on_the_canvas_is_no_part_of_the_object() -> None:
    truth, ring = disc(16, 16, 5, 5, 3)
    stray, _ = disc(16, 16, 12, 12, 2)
    found = find_object(estimate(truth + stray, KEYS["green"]), ring, SETTINGS)
    assert overlap(found.mask, truth) > 0.9


def test_the_papers_intersection_keeps_the_ring_only() -> None:
    truth, ring = disc(16, 16, 8, 8, 4)
    settings = replace(SETTINGS, mask_rule="intersection")
    found = find_object(estimate(truth, KEYS["green"]), ring, settings)
    assert torch.equal(found.mask, truth * ring)


def test_without_an_object_the_mask_is_the_attentions() -> None:
    flat = torch.tensor(KEYS["green"]).view(1, 4, 1, 1).expand(1, 4, 16, 16)
    attention, _ = disc(16, 16, 8, 8, 4)
    found = find_object(flat, attention, SETTINGS)
    assert not found.separated
    assert torch.equal(found.mask, attention)


@pytest.mark.parametrize("cells", [16, 32, 64, 128])
@pytest.mark.parametrize("seed", range(5))
def test_noise_alone_is_no_object(seed: int, cells: int) -> None:
    noise = torch.randn(1, 4, cells, cells, generator=torch.Generator().manual_seed(seed))
    captured, _ = disc(cells, cells, cells / 2, cells / 2, cells / 4)
    found = find_object(noise, captured, SETTINGS)
    assert not found.separated
    assert torch.equal(found.mask, captured)


def test_an_object_that_nobody_heard_is_not_taken() -> None:
    truth, _ = disc(16, 16, 8, 8, 4)
    found = find_object(estimate(truth, KEYS["green"]), torch.zeros(16, 16), SETTINGS)
    assert not found.separated
