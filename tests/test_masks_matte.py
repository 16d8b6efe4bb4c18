"""Where the object is, and its alpha: on made-up latents and on pictures of known alpha."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from taue import matte
from taue.masks import find_object, grow, parts_heard
from taue.paddy.scenes import COLOURS, KINDS, Box, ObjectSpec, SceneSpec, render
from taue.settings import KEYS, Settings

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


# Masks


def test_parts_not_heard_are_dropped_and_holes_closed() -> None:
    coloured = drawn(
        "####....",
        "#..#..##",
        "#..#..##",
        "####....",
    )
    heard = drawn(
        "........",
        "#.......",  # one cell of the ring is enough
        "........",
        "......#.",  # heard, but nothing is there
    )
    expected = drawn("####....", "####....", "####....", "####....")
    assert torch.equal(parts_heard(coloured, heard), expected)
    assert not parts_heard(coloured, torch.zeros_like(heard)).any()


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


@pytest.mark.parametrize("heard", ["everywhere inside", "as a ring"])
@pytest.mark.parametrize("key", [*KEYS, "dull"])
@pytest.mark.parametrize("place", PLACES)
def test_the_object_is_found_on_any_key(place: str, key: str, heard: str) -> None:
    truth, ring = PLACES[place]
    colour, noise = ((0.0, 0.2, 0.2, 0.0), 0.05) if key == "dull" else (KEYS[key], 0.1)
    attention = ring if heard == "as a ring" else truth
    found = find_object(estimate(truth, colour, noise), attention, SETTINGS)
    assert found.separated
    assert overlap(found.mask, truth) > 0.9


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


@pytest.mark.parametrize("seed", range(5))
def test_noise_alone_is_no_object(seed: int) -> None:
    noise = torch.randn(1, 4, 16, 16, generator=torch.Generator().manual_seed(seed))
    heard, _ = disc(16, 16, 8, 8, 4)
    found = find_object(noise, heard, SETTINGS)
    assert not found.separated
    assert torch.equal(found.mask, heard)


def test_an_object_that_nobody_heard_is_not_taken() -> None:
    truth, _ = disc(16, 16, 8, 8, 4)
    found = find_object(estimate(truth, KEYS["green"]), torch.zeros(16, 16), SETTINGS)
    assert not found.separated


# Alpha

PAINTED = {"green": (60, 200, 80), "magenta": (200, 60, 180), "blue": (50, 70, 210)}
BOX = Box(0.25, 0.2, 0.5, 0.55)


def on_key(kind: str, colour: str, key: str) -> tuple[Tensor, Tensor, Tensor]:
    """An object on a plain key: picture [3, H, W], true alpha [H, W], cells [h, w]."""
    scene = render(SceneSpec((ObjectSpec(kind, colour, BOX),), None, PAINTED[key], 0), 128)
    picture = torch.from_numpy(scene.composite).permute(2, 0, 1) / 255
    alpha = torch.from_numpy(scene.objects[0].rgba[..., 3]) / 255
    cells = F.adaptive_avg_pool2d(alpha[None, None], (16, 16))[0, 0]
    return picture, alpha, (cells > 0.3).float()


def distinct(colour: str, key: str) -> bool:
    ends = torch.tensor([COLOURS[colour], PAINTED[key]]) / 255
    return bool((ends[0] - ends[1]).norm() > 0.5)


PAIRS = [(c, k) for c in COLOURS for k in PAINTED if distinct(c, k)]


@pytest.mark.parametrize("kind", KINDS[::3])
def test_alpha_is_right_for_every_colour_far_from_the_key(kind: str) -> None:
    left, top, right, bottom = BOX.pixels(128, 128)
    for colour, key in PAIRS:
        picture, alpha, mask = on_key(kind, colour, key)
        rgba = matte.extract(picture, mask)
        error = (rgba[3] - alpha)[top:bottom, left:right].abs().mean()
        assert error < 0.05, f"{colour} {kind} on {key}"
        # On its key again the layer is the picture.
        again = rgba[3] * rgba[:3] + (1 - rgba[3]) * picture[:, :1, :1]
        assert (again - picture).abs().mean() < 0.01


def test_alpha_is_zero_beyond_the_mask_grown_by_a_cell() -> None:
    picture, _, mask = on_key("ball", "red", "green")
    mask[:, 8:] = 0  # half of the ball is somebody else's
    rgba = matte.extract(picture, mask)
    near = F.interpolate(grow(mask)[None, None], scale_factor=8, mode="nearest")[0, 0]
    assert rgba[3, :, :64].max() == 1
    assert not rgba[3][near == 0].any()
    assert rgba.min() >= 0 and rgba.max() <= 1


def test_a_mask_over_everything_takes_the_key_from_the_border() -> None:
    picture, alpha, _ = on_key("ball", "red", "green")
    rgba = matte.extract(picture, torch.ones(16, 16))
    assert (rgba[3] - alpha).abs().mean() < 0.05


def test_an_empty_mask_gives_an_empty_layer() -> None:
    picture, _, _ = on_key("ball", "red", "green")
    assert not matte.extract(picture, torch.zeros(16, 16))[3].any()


def test_a_half_covered_pixel_is_freed_of_the_key_by_hand() -> None:
    # Half of (1, 0.2, 0) over half of (0, 1, 0.4); where alpha is 0 the picture stays.
    picture = torch.tensor([[[0.5, 0.3]], [[0.6, 0.9]], [[0.2, 0.4]]])
    own = matte.unmixed(picture, torch.tensor([[0.5, 0.0]]), torch.tensor([0.0, 1.0, 0.4]))
    expected = torch.tensor([[[1.0, 0.3]], [[0.2, 0.9]], [[0.0, 0.4]]])
    torch.testing.assert_close(own, expected)


def test_the_painted_key_is_the_median_outside_by_hand() -> None:
    picture = torch.tensor([[[0.1, 0.2, 0.9]], [[0.5, 0.6, 0.0]], [[0.3, 0.3, 0.3]]])
    outside = torch.tensor([[True, True, False]])
    key = matte.painted_key(picture, outside)  # the lower of two is the median
    torch.testing.assert_close(key, torch.tensor([0.1, 0.5, 0.3]))
