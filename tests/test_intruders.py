"""What a scene shows in the place of a subject that it drew smaller."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage

from taue import Box, Subject, TauePipeline
from taue.arrays import Region
from taue.colour import OPPONENTS
from taue.hue import scene_hued, scene_lit
from taue.intruders import without_intruders
from taue.settings import Settings
from taue.stack.mixing import Floats

SIZES = (256, 512, 1024)
GREEN, BROWN = (0.15, 0.5, 0.2), (0.6, 0.45, 0.35)
SKY, WINDOW = (0.12, 0.1, 0.3), (0.95, 0.85, 0.5)
NIGHT = np.array((0.5, 0.5, 0.6), np.float32)


def rows(side: int, top: float, bottom: float) -> Region:
    """A band across the middle half of a canvas, ends as shares of it."""
    region = np.zeros((side, side), bool)
    region[round(top * side) : round(bottom * side), side // 4 : 3 * side // 4] = True
    return region


def tree(side: int) -> tuple[Floats, Region, Region]:
    """A tree, RGBA, its crown and its trunk."""
    crown, trunk = rows(side, 0.2, 0.7), rows(side, 0.7, 0.85)
    colours = np.where(crown[..., None], GREEN, BROWN)
    return np.dstack([colours, crown | trunk]).astype(np.float32), crown, trunk


def night(subject: Floats, shown: Region) -> Floats:
    """A scene at night that shows so much of it, before windows."""
    side = len(shown)
    windows = (np.indices((side, side)) // max(1, side // 20) % 3 == 0).all(axis=0)
    ground = np.where(windows[..., None], WINDOW, SKY).astype(np.float32)
    drawn = np.where(shown[..., None], subject[..., :3] * NIGHT, ground).astype(np.float32)
    blur = side / 256
    return np.asarray(ndimage.gaussian_filter(drawn, (blur, blur, 0)), np.float32)


@pytest.mark.parametrize("side", SIZES)
def test_what_stands_where_a_crown_was_is_none_of_it(side: int) -> None:
    subject, crown, trunk = tree(side)
    whole = crown | trunk
    kept = whole & ~rows(side, 0.2, 0.33)
    inside = np.asarray(ndimage.binary_erosion(whole, iterations=3 * side // 256), bool)
    left = without_intruders(subject, night(subject, kept), inside, ~whole)
    assert not left[rows(side, 0.2, 0.3)].any()
    assert left[rows(side, 0.4, 0.65) & inside].all()


@pytest.mark.parametrize("side", SIZES)
def test_of_what_is_whole_in_any_one_light_all_is_its_own(side: int) -> None:
    subject, crown, trunk = tree(side)
    inside = np.asarray(ndimage.binary_erosion(crown | trunk, iterations=3 * side // 256), bool)
    for light in (NIGHT, np.ones(3, np.float32), np.array((1.1, 0.8, 0.6), np.float32)):
        shown = (subject[..., :3] * light).astype(np.float32)
        left = without_intruders(subject, shown, inside, ~(crown | trunk))
        assert np.array_equal(left, inside)


def test_where_nothing_would_be_left_all_stays() -> None:
    subject, crown, trunk = tree(64)
    nowhere = np.zeros((64, 64), bool)
    assert not without_intruders(subject, subject[..., :3], nowhere, ~crown).any()
    odd = np.where(crown[..., None], GREEN, WINDOW).astype(np.float32)
    odd[::2] = SKY
    sure = crown | trunk
    assert without_intruders(subject, odd, sure, ~sure).any()


@pytest.mark.parametrize("side", SIZES)
def test_what_is_not_shown_has_the_light_of_what_is_and_no_tint_of_it(side: int) -> None:
    """A crown's green goes down in the dark by more than its red: that is not the trunk's light."""
    subject, crown, trunk = tree(side)
    dark = (subject[..., :3] * np.float32(0.5)).astype(np.float32)
    lit = scene_lit(subject, dark, rows(side, 0.25, 0.65), 1.0)[..., :3]
    far = trunk & rows(side, 0.76, 0.85)
    light = lit[far] / np.array(BROWN)
    assert np.ptp(light) < 1e-3 and abs(light.mean() - 0.5) < 0.05
    assert np.abs(lit[crown] - np.array(GREEN) / 2).max() < 0.02


def test_hues_that_were_bounded_stay_where_nothing_of_them_is_shown() -> None:
    subject, crown, trunk = tree(256)
    sure, far = rows(256, 0.25, 0.65), trunk & rows(256, 0.76, 0.85)
    shown = subject[..., :3]
    kept = scene_hued(subject, shown, sure, 1.0, keyed=False)
    assert np.array_equal(kept[far], subject[far])
    # A key may have left its tint anywhere.
    keyed = scene_hued(subject, shown, sure, 1.0)
    assert np.abs(keyed[far] - subject[far]).max() > 0.05
    assert np.abs(kept[crown] - keyed[crown]).max() == 0


@pytest.mark.slow
def test_a_layer_leaves_its_keys_tint_in_the_scene_that_it_was_made_in(
    painter: TauePipeline,
) -> None:
    """What other scenes start from is in the hues of that composite already."""
    layers = painter(
        [Subject("a white cup", box=Box(0.2, 0.2, 0.6, 0.6))],
        "snowy mountains",
        generator=torch.Generator().manual_seed(3),
        settings=Settings(num_inference_steps=10, tries=1),
    )
    assert layers.seedlings[0].layer is not None
    layer = layers.seedlings[0].layer.permute(1, 2, 0).numpy()
    shown = np.asarray(layers.raw_composite)[..., :3].astype(np.float32) / 255
    solid = layer[..., 3] > 0.9
    tint = OPPONENTS[0]  # green to magenta, on which the keys lie
    assert (layer[..., :3] @ tint)[solid].max() < (shown @ tint)[solid].max() + 0.03
