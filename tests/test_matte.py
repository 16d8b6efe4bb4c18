"""Alpha of renderer objects on painted keys, against the truth."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from diffusers import AutoencoderTiny
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import erf
from torch import Tensor

from benchmarks.fringe import BACKDROPS, fringed
from benchmarks.matte_cases import make_case
from taue import matte, models
from taue.masks import grow
from taue.matte.measures import NEAR
from taue.paddy.scenes import COLOURS, KINDS, Box, ObjectSpec, SceneSpec, render

PAINTED = {"green": (60, 200, 80), "magenta": (200, 60, 180), "blue": (50, 70, 210)}
BOX = Box(0.25, 0.2, 0.5, 0.55)


def on_key(
    kind: str, colour: str, key: str, box: Box = BOX, side: int = 128
) -> tuple[Tensor, Tensor, Tensor]:
    """An object on a plain key: picture [3, H, W], true RGBA [4, H, W], cells [h, w]."""
    scene = render(SceneSpec((ObjectSpec(kind, colour, box),), None, PAINTED[key], 0), side)
    picture = torch.from_numpy(scene.composite).permute(2, 0, 1) / 255
    truth = torch.from_numpy(scene.objects[0].rgba).permute(2, 0, 1) / 255
    cells = F.adaptive_avg_pool2d(truth[None, 3:], (side // 8, side // 8))[0, 0]
    return picture, truth, (cells > 0.3).float()


def distinct(colour: str, key: str) -> bool:
    ends = torch.tensor([COLOURS[colour], PAINTED[key]]) / 255
    return bool((ends[0] - ends[1]).norm() > 0.5)


PAIRS = [(c, k) for c in COLOURS for k in PAINTED if distinct(c, k)]


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS[::3])
def test_alpha_is_right_for_every_colour_far_from_the_key(kind: str) -> None:
    left, top, right, bottom = BOX.pixels(128, 128)
    for colour, key in PAIRS[::4]:
        picture, truth, mask = on_key(kind, colour, key)
        rgba = matte.extract(picture, mask)
        error = (rgba[3] - truth[3])[top:bottom, left:right].abs().mean()
        assert error < 0.05, f"{colour} {kind} on {key}"
        # On its key again the layer is the picture.
        again = rgba[3] * rgba[:3] + (1 - rgba[3]) * picture[:, :1, :1]
        assert (again - picture).abs().mean() < 0.01


noises = st.integers(0, 2**31).map(lambda seed: torch.Generator().manual_seed(seed))


@pytest.mark.slow
@settings(max_examples=10, deadline=None)
@given(st.sampled_from(KINDS), st.sampled_from(PAIRS), noises)
def test_no_edge_pixel_shows_the_key(
    kind: str, pair: tuple[str, str], noise: torch.Generator
) -> None:
    picture, truth, mask = on_key(kind, *pair)
    slope = torch.linspace(-0.04, 0.04, 128).view(1, 1, -1)
    picture = (picture + slope * (1 - truth[3])).clamp(0, 1)
    picture = (picture + 0.01 * torch.randn(picture.shape, generator=noise)).clamp(0, 1)
    rgba = matte.extract(picture, mask).permute(1, 2, 0).numpy()
    key = np.broadcast_to(np.array(PAINTED[pair[1]]) / 255, (128, 128, 3))
    true = truth.permute(1, 2, 0).numpy()
    for backdrop in BACKDROPS:
        assert fringed(rgba, true, key, backdrop) == 0, backdrop
        assert fringed(rgba, true, key, backdrop, reach=0) <= 1, backdrop


@pytest.fixture(scope="module")
def network() -> AutoencoderTiny:
    """paddy's autoencoder."""
    return AutoencoderTiny.from_pretrained(models.PADDY / "vae").eval()


@pytest.mark.slow
@pytest.mark.parametrize("number", [11, 111, 131, 191, 227, 233, 235, 239])
def test_what_the_autoencoder_blurred_with_the_key_is_freed_of_it(
    network: AutoencoderTiny, number: int
) -> None:
    # Boats, whose mast and sail it runs together, hair, and wheels, whose far rim alone is pure.
    case = make_case(number, 256, network)
    picture = torch.from_numpy(case.picture).permute(2, 0, 1)
    rgba = matte.extract(picture, case.mask).permute(1, 2, 0).numpy()
    count = sum(fringed(rgba, case.truth, case.key, b, reach=0) for b in BACKDROPS)
    assert count == 0, case.name


@pytest.mark.slow
def test_a_trunk_stays_brown_though_key_and_leaves_mix_to_brown(network: AutoencoderTiny) -> None:
    # Green leaves on magenta: a twelfth of the tree, all of its trunk, once turned green.
    case = make_case(3, 256, network)
    assert case.name == "3: green tree on magenta"
    rgba = matte.extract(torch.from_numpy(case.picture).permute(2, 0, 1), case.mask)
    inner = case.truth[..., 3] == 1
    before = np.abs(case.picture - case.truth[..., :3]).mean(axis=-1)[inner]
    after = np.abs(rgba[:3].permute(1, 2, 0).numpy() - case.truth[..., :3]).mean(axis=-1)[inner]
    assert (after > before + 0.1).mean() < 0.02


def test_scaling_meets_no_key() -> None:
    picture, _, mask = on_key("heart", "red", "green")
    rgba = matte.extract(picture, mask)
    half = F.interpolate(rgba[None], scale_factor=0.37, mode="bilinear")[0]  # not premultiplied
    edge = (half[3] > 0.02) & (half[3] < 0.98)
    assert edge.sum() > 50
    red, green = half[0][edge], half[1][edge]
    assert (red > green + 0.15).all()
    assert (rgba[0] > rgba[1] + 0.15).all()  # away from the object too


def test_a_hole_in_the_mask_is_a_hole_in_the_layer() -> None:
    picture, truth, mask = on_key("cup", "red", "green", Box(0.1, 0.1, 0.8, 0.8))
    rows = slice(40, 90)
    within = torch.zeros(128, 128, dtype=torch.bool)
    for row in range(rows.start, rows.stop):  # what lies between two parts of the cup
        filled = truth[3, row].nonzero().flatten()
        within[row, filled[0] : filled[-1]] = True
    hole = within & (truth[3] == 0)
    assert hole.sum() > 50
    filled_mask = mask.clone()
    filled_mask[2:14, 2:14] = 1
    rgba = matte.extract(picture, filled_mask)
    assert rgba[3][hole].mean() < 0.05


def test_a_thin_part_that_the_mask_missed_is_kept_and_a_stray_one_is_not() -> None:
    picture, truth, _ = on_key("ball", "red", "green", Box(0.1, 0.3, 0.4, 0.4))
    picture[:, 62:66, 60:86] = torch.tensor([0.4, 0.28, 0.17]).view(3, 1, 1)  # a handle
    picture[:, 20:30, 100:110] = torch.tensor([0.8, 0.1, 0.1]).view(3, 1, 1)  # something else
    mask = (F.adaptive_avg_pool2d(truth[None, 3:], (16, 16))[0, 0] > 0.3).float()
    alpha = matte.extract(picture, mask)[3]
    assert alpha[63:65, 62:84].min() > 0.5  # thinner than an edge's width, it stays soft
    assert not alpha[10:40, 90:120].any()
    assert not alpha[:, 94:].any()


def test_alpha_is_zero_well_beyond_the_mask() -> None:
    picture, _, mask = on_key("heart", "red", "green")
    mask[:, 8:] = 0  # half of the heart is somebody else's
    rgba = matte.extract(picture, mask)
    near = F.interpolate(grow(mask, NEAR + 1)[None, None], scale_factor=8, mode="nearest")[0, 0]
    assert rgba[3, 45:65, 45:64].min() > 0.95
    assert not rgba[3][near == 0].any()


def test_an_object_may_be_cut_off_by_the_canvas() -> None:
    picture, truth, _ = on_key("ball", "yellow", "green")
    picture, truth = picture[:, :, 64:], truth[:, :, 64:]
    mask = (F.adaptive_avg_pool2d(truth[None, 3:], (16, 8))[0, 0] > 0.3).float()
    alpha = matte.extract(picture, mask)[3]
    assert (alpha - truth[3]).abs().mean() < 0.01
    assert (alpha[:, 0] - truth[3, :, 0]).abs().max() < 0.5


def test_a_mask_over_everything_takes_the_key_from_the_border() -> None:
    picture, truth, _ = on_key("ball", "red", "green")
    rgba = matte.extract(picture, torch.ones(16, 16))
    assert (rgba[3] - truth[3]).abs().mean() < 0.03


def test_an_empty_mask_gives_an_empty_layer() -> None:
    picture, _, _ = on_key("ball", "red", "green")
    assert not matte.extract(picture, torch.zeros(16, 16))[3].any()


def test_nothing_but_key_gives_an_empty_layer() -> None:
    picture = torch.tensor(PAINTED["green"]).view(3, 1, 1).expand(3, 128, 128) / 255
    assert not matte.extract(picture, torch.ones(16, 16))[3].any()


@pytest.mark.slow
def test_a_large_picture_is_no_worse() -> None:
    picture, truth, mask = on_key("duck", "yellow", "green", side=512)
    rgba = matte.extract(picture, mask)
    edge = (truth[3] > 0) & (truth[3] < 1)
    assert (rgba[3] - truth[3]).abs().mean() < 0.003
    assert (rgba[:3] - truth[:3]).abs()[:, edge].mean() < 0.1


@pytest.mark.slow
@pytest.mark.parametrize("side", [256, 512, 1024])
def test_a_soft_edge_is_kept_at_any_size(side: int) -> None:
    # Out of focus, by the same share of the picture: at 1024 haze once began within the edge.
    y, x = np.indices((side, side)) + 0.5 - side / 2
    alpha = 0.5 + 0.5 * erf((0.25 * side - np.hypot(x, y)) / (3 / 256 * side * 2**0.5))
    true = torch.from_numpy(alpha).float()
    ends = torch.tensor([COLOURS["red"], PAINTED["green"]]).view(2, 3, 1, 1) / 255
    picture = true * ends[0] + (1 - true) * ends[1]
    mask = (F.adaptive_avg_pool2d(true[None, None], (side // 8, side // 8))[0, 0] > 0.3).float()
    found = matte.extract(picture, mask)[3]
    faint = (true > 0.05) & (true < 0.45)
    assert (found[faint] == 0).float().mean() < 0.05
    assert (found - true)[(true > 0.01) & (true < 0.99)].abs().mean() < 0.08


@pytest.mark.slow
@pytest.mark.parametrize("side", [256, 512, 1024])
def test_a_thin_part_is_kept_as_far_off_at_any_size(side: int) -> None:
    picture, truth, _ = on_key("ball", "red", "green", Box(0.1, 0.3, 0.4, 0.4), side)
    unit = side // 128
    handle = slice(63 * unit, 65 * unit), slice(60 * unit, 80 * unit)
    picture[:, *handle] = torch.tensor([0.4, 0.28, 0.17]).view(3, 1, 1)
    mask = (F.adaptive_avg_pool2d(truth[None, 3:], (side // 8, side // 8))[0, 0] > 0.3).float()
    assert matte.extract(picture, mask)[3][handle].min() > 0.5


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(
    st.sampled_from([(8, 8), (8, 12), (9, 16)]),
    st.floats(0, 1),
    st.sampled_from(["noise", "black", "halves"]),
    noises,
)
def test_anything_gives_a_sane_layer(
    cells: tuple[int, int], share: float, what: str, noise: torch.Generator
) -> None:
    size = cells[0] * 8, cells[1] * 8
    picture = torch.rand(3, *size, generator=noise)
    if what == "black":
        picture = picture * 0
    if what == "halves":
        picture = (picture * 0 + torch.linspace(0, 1, size[1])).round()
    mask = (torch.rand(*cells, generator=noise) < share).float()
    rgba = matte.extract(picture, mask)
    assert rgba.shape == (4, *size) and rgba.dtype == torch.float32
    assert rgba.isfinite().all() and rgba.min() >= 0 and rgba.max() <= 1
