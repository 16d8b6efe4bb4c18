"""What a composite shows of its subjects, shadows, and the light on what was cut out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

from taue.layering import laid_over
from taue.painted_key import best_key
from taue.relight import relit
from taue.shown import (
    background_instead,
    clear_of_shade,
    cleared,
    fringe,
    shown,
    unexplained,
    without_ground,
)
from taue.stack import Layer, flatten
from taue.stack.shade import as_layer, shade, shaded, shared

SIDES = (256, 512, 1024)
RED, BLUE = (0.8, 0.1, 0.1), (0.1, 0.2, 0.8)

Floats = NDArray[np.float32]


def ground(side: int) -> Floats:
    """Sky over a meadow."""
    y = np.linspace(0, 1, side, dtype=np.float32)[:, None, None]
    sky, meadow = np.float32([0.5, 0.7, 0.95]), np.float32([0.35, 0.65, 0.3])
    return np.broadcast_to(np.where(y < 0.5, sky, meadow), (side, side, 3)).copy()


def disc(side: int, x: float, y: float, radius: float) -> Floats:
    """1 inside a circle, in fractions of the side, with an edge of a pixel."""
    rows, columns = (np.mgrid[0:side, 0:side] + 0.5) / side
    away = np.hypot(columns - x, rows - y)
    return ((radius - away) * side + 0.5).clip(0, 1).astype(np.float32)


def shadow(side: int, y: float = 0.72) -> Floats:
    """A soft shadow on the meadow, half of the light at most."""
    rows, columns = (np.mgrid[0:side, 0:side] + 0.5) / side
    return (0.5 * np.exp(-(((columns - 0.5) / 0.15) ** 2) - ((rows - y) / 0.04) ** 2)).astype(
        np.float32
    )


def over(picture: Floats, alpha: Floats, colour: tuple[float, float, float]) -> Floats:
    mixed = picture * (1 - alpha[..., None]) + np.array(colour) * alpha[..., None]
    return mixed.astype(np.float32)


@pytest.mark.slow
@pytest.mark.parametrize("side", SIDES)
def test_what_outgrew_its_foreground_is_shown_and_its_shadow_is_not(side: int) -> None:
    plate, object_ = ground(side), disc(side, 0.5, 0.55, 0.17)
    cloud = disc(side, 0.15, 0.15, 0.06)
    composite = over(shaded(plate, shadow(side)), object_, RED)
    composite = over(composite, cloud, (1, 1, 1))
    (found,) = shown(composite, plate, [disc(side, 0.5, 0.55, 0.13)])
    truth = object_ > 0.5
    assert (found & truth).sum() / (found | truth).sum() > 0.95
    assert not found[cloud > 0].any()


def test_where_an_object_looks_like_its_background_the_foreground_decides() -> None:
    plate, draft = ground(256), disc(256, 0.5, 0.3, 0.15)
    (found,) = shown(plate, plate, [draft])  # the sky's own colour
    np.testing.assert_array_equal(found, draft > 0.5)


def test_each_subject_gets_its_own_and_the_one_in_front_all_of_it() -> None:
    plate = ground(256)
    behind, front = disc(256, 0.4, 0.5, 0.14), disc(256, 0.58, 0.5, 0.14)
    composite = over(over(plate, disc(256, 0.4, 0.5, 0.16), RED), front, BLUE)
    one, two = shown(composite, plate, [behind, front])
    assert not (one & two).any()
    assert two[front > 0.5].all()
    beside = disc(256, 0.58, 0.5, 0.14 + 5 / 256) > 0  # where the one in front may have come out
    assert one[(disc(256, 0.4, 0.5, 0.15) > 0.5) & ~beside].mean() > 0.95


def test_nothing_is_shown_of_nothing() -> None:
    plate = ground(128)
    (found,) = shown(over(plate, disc(128, 0.5, 0.5, 0.2), RED), plate, [np.zeros((128, 128))])
    assert not found.any()


def test_a_shade_of_the_background_is_explained_unless_it_is_nearly_black() -> None:
    plate = ground(128)
    assert not unexplained(plate * np.float32(0.6), plate).any()
    assert unexplained(plate * np.float32(0.1), plate).all()
    assert unexplained(over(plate, np.ones((128, 128), np.float32), RED), plate).all()


@pytest.mark.parametrize(
    ("colour", "key"),
    [((0.1, 0.45, 0.2), "magenta"), ((0.4, 0.15, 0.6), "green"), ((0.9, 0.9, 0.9), "green")],
)
def test_the_key_is_the_farthest_from_the_objects_colours(
    colour: tuple[float, float, float], key: str
) -> None:
    region = disc(128, 0.5, 0.5, 0.3) > 0.5
    picture = over(np.ones((128, 128, 3), np.float32), region.astype(np.float32), colour)
    assert best_key(picture, region) == key
    assert best_key(picture, np.zeros_like(region)) == "magenta"


@pytest.mark.slow
@pytest.mark.parametrize("side", SIDES)
def test_what_shows_the_ground_is_none_of_the_subject(side: int) -> None:
    plate, draft = ground(side), disc(side, 0.5, 0.55, 0.2)
    gap = disc(side, 0.5, 0.55, 0.08) > 0.5
    composite = over(plate, np.where(gap, 0, draft).astype(np.float32), RED)
    (found,) = shown(composite, plate, [draft])
    assert found[gap].all()  # the foreground was whole there
    ground_there = background_instead(composite, plate, over(plate, draft, RED))
    left = without_ground(found, ground_there)
    inner = disc(side, 0.5, 0.55, 0.06) > 0.5
    assert not left[inner].any()
    assert left[(draft > 0.5) & (disc(side, 0.5, 0.55, 0.1) == 0)].mean() > 0.99


@pytest.mark.slow
@pytest.mark.parametrize("side", SIDES)
def test_a_background_that_came_out_another_time_is_none_of_the_subject(side: int) -> None:
    plate, draft = ground(side), disc(side, 0.5, 0.55, 0.17)
    invented = over(plate, disc(side, 0.62, 0.5, 0.14), (0.1, 0.6, 0.2))  # a bush, nowhere drawn
    composite = over(plate, disc(side, 0.5, 0.55, 0.19), RED)
    (found,) = shown(composite, invented, [draft])
    bush = (disc(side, 0.62, 0.5, 0.14) > 0.5) & (disc(side, 0.5, 0.55, 0.2) == 0)
    assert found[bush].mean() > 0.5
    own = over(plate, draft, RED)
    left = cleared(composite, invented, found, draft, own, ~(found | (draft > 0.5)))
    assert left[bush].mean() < 0.02
    grown = (disc(side, 0.5, 0.55, 0.18) > 0.5) & (draft == 0)
    assert left[grown].mean() > 0.9  # what the composite drew larger stays


@pytest.mark.parametrize("side", [256, pytest.param(512, marks=pytest.mark.slow)])
def test_a_hole_of_the_foreground_is_the_subjects_in_its_own_colours_alone(side: int) -> None:
    plate = ground(side)
    draft = disc(side, 0.5, 0.55, 0.2) - disc(side, 0.5, 0.55, 0.07)
    hole, inner = disc(side, 0.5, 0.55, 0.07), disc(side, 0.5, 0.55, 0.05) > 0.5
    # Nearer to the subject than to anything beyond it, yet neither: a trunk behind a handle.
    behind = over(over(plate, draft, RED), hole, (0.62, 0.28, 0.2))
    shut = over(over(plate, draft, RED), hole, RED)
    for composite, stays in ((behind, False), (shut, True)):
        (found,) = shown(composite, plate, [draft])
        assert found[inner].all()
        own = over(plate, draft, RED)
        left = cleared(composite, plate, found, draft, own, ~(found | (draft > 0.5)))
        assert left[inner].mean() == stays
        assert left[draft > 0.5].mean() > 0.97


@pytest.mark.parametrize("side", SIDES)
def test_a_rim_of_ground_goes_and_what_only_looks_like_it_farther_in_stays(side: int) -> None:
    region = disc(side, 0.5, 0.5, 0.3) > 0.5
    width = side / 256
    rim = region & (disc(side, 0.5, 0.5, 0.3 - 2 / 256) <= 0.5)
    window = disc(side, 0.5, 0.5, 0.05) > 0.5
    trunk = region.copy()
    trunk[:, : side // 2 - side // 20] = trunk[:, side // 2 + side // 20 :] = False
    assert not (fringe(region, rim | window) ^ rim).any()
    lost = np.nonzero(fringe(region, trunk))
    ways = np.hypot(lost[0] + 0.5 - side / 2, lost[1] + 0.5 - side / 2)
    assert (0.3 * side - ways).max() < 4 * width + 1  # no deeper than what may be a rim


def test_what_hangs_on_by_a_line_goes_with_the_ground_and_a_region_of_ground_alone_stays() -> None:
    region = np.zeros((256, 256), bool)
    region[100:160, 100:160] = True
    region[130, 160:220] = True
    left = without_ground(region, np.zeros_like(region))
    assert left[100:160, 100:160].all()
    assert not left[:, 165:].any()
    np.testing.assert_array_equal(without_ground(region, region), region)


@pytest.mark.slow
@pytest.mark.parametrize("side", SIDES)
def test_a_shadow_that_touches_is_found_as_it_was_laid(side: int) -> None:
    plate, object_, dark = ground(side), disc(side, 0.5, 0.55, 0.17), shadow(side)
    found = shade(over(shaded(plate, dark), object_, RED), plate, [object_])
    free = (object_ == 0) & (dark > 0.12)
    assert np.abs(found - dark)[free].max() < 0.1
    assert np.abs(found - dark)[free].mean() < 0.03
    assert not found[: side // 3].any()


def test_no_shadow_is_made_of_what_is_far_thin_or_bright() -> None:
    side = 256
    plate, object_ = ground(side), disc(side, 0.5, 0.55, 0.17)
    far = shaded(plate, disc(side, 0.1, 0.9, 0.06) * np.float32(0.5))
    assert not shade(over(far, object_, RED), plate, [object_]).any()
    ring = disc(side, 0.5, 0.55, 0.178) * np.float32(0.5)  # an edge that came out two pixels off
    assert shade(over(shaded(plate, ring), object_, RED), plate, [object_]).max() < 0.05
    bright = over(plate, shadow(side), (1, 1, 1))
    assert not shade(over(bright, object_, RED), plate, [object_]).any()


@pytest.mark.slow
@pytest.mark.parametrize("side", SIDES)
def test_a_subject_has_one_shadow_and_what_is_dark_above_it_is_none(side: int) -> None:
    plate, object_, dark = ground(side), disc(side, 0.5, 0.55, 0.17), shadow(side)
    above = disc(side, 0.5, 0.36, 0.06) * np.float32(0.4)
    found = shade(over(shaded(plate, np.maximum(dark, above)), object_, RED), plate, [object_])
    assert not found[: side // 2][object_[: side // 2] == 0].any()
    assert found[: side // 2].max() < 0.02
    assert found[int(0.7 * side) :].max() > 0.8 * dark[object_ == 0].max()


@pytest.mark.slow
@pytest.mark.parametrize("side", SIDES)
def test_beneath_a_foot_the_shadow_goes_on(side: int) -> None:
    plate, dark = ground(side), shadow(side)
    rows, columns = (np.mgrid[0:side, 0:side] + 0.5) / side
    foot = ((np.abs(columns - 0.5) < 0.03) & (rows > 0.3) & (rows < 0.74)).astype(np.float32)
    found = shade(over(shaded(plate, dark), foot, RED), plate, [foot])
    under, beside = found[int(0.72 * side), side // 2], found[int(0.72 * side), int(0.56 * side)]
    assert under > 0.9 * beside > 0.3


@pytest.mark.slow
@pytest.mark.parametrize("half", [0.04, 0.06])
@pytest.mark.parametrize("side", SIDES)
def test_a_stem_leaves_no_outline_in_its_shadow(side: int, half: float) -> None:
    plate, dark = ground(side), shadow(side)
    rows, columns = (np.mgrid[0:side, 0:side] + 0.5) / side
    stem = ((np.abs(columns - 0.5) < half) & (rows > 0.3) & (rows < 0.74)).astype(np.float32)
    found = shade(over(shaded(plate, dark), stem, RED), plate, [stem])
    across = slice(int((0.48 - half) * side), int((0.52 + half) * side))
    row = found[int(0.72 * side), across]
    assert row.min() > 0.85 * row.max() > 0.2


@pytest.mark.slow
@pytest.mark.parametrize("side", SIDES)
def test_a_rim_that_came_out_dark_is_no_outline_in_the_shadow(side: int) -> None:
    plate, object_, dark = ground(side), disc(side, 0.5, 0.55, 0.17), shadow(side)
    rim = disc(side, 0.5, 0.55, 0.18) * np.float32(0.6)
    picture = over(shaded(shaded(plate, rim), dark), object_, RED)
    found, without = (
        shade(one, plate, [object_]) for one in (picture, over(shaded(plate, dark), object_, RED))
    )
    free = object_ == 0
    assert np.abs(found - without)[free].max() < 0.15
    # Nothing finer than a spot: no step from pixel to pixel, at any size.
    assert max(np.abs(np.diff(found, axis=axis)).max() for axis in (0, 1)) * side / 256 < 0.07


@pytest.mark.slow
@pytest.mark.parametrize("side", SIDES)
def test_where_the_ground_came_out_brighter_and_darker_nothing_is_shadow(side: int) -> None:
    plate, object_ = ground(side), disc(side, 0.5, 0.55, 0.17)
    drawn = shaded(plate, disc(side, 0.46, 0.75, 0.045) * np.float32(0.3))
    drawn = shaded(drawn, disc(side, 0.54, 0.75, 0.045) * np.float32(-0.3))
    assert not shade(over(drawn, object_, RED), plate, [object_]).any()


@pytest.mark.slow
@pytest.mark.parametrize("side", SIDES)
def test_a_line_that_was_drawn_elsewhere_does_not_cut_the_shadow(side: int) -> None:
    plate, object_, dark = ground(side), disc(side, 0.5, 0.55, 0.17), shadow(side)
    thick, y = max(1, side // 128), int(0.74 * side)
    before, after = plate.copy(), plate.copy()
    before[y : y + thick] = (0.9, 0.2, 0.9)
    after[y + 3 * thick : y + 4 * thick] = (0.9, 0.2, 0.9)
    picture = over(shaded(after, dark), object_, RED)
    found, free = shade(picture, before, [object_]), (object_ == 0) & (dark > 0.12)
    assert np.abs(found - dark)[free].mean() < 0.05


@pytest.mark.slow
@pytest.mark.parametrize("side", SIDES)
def test_in_outer_space_what_is_a_little_darker_is_no_shadow(side: int) -> None:
    object_, dark = disc(side, 0.5, 0.55, 0.17), shadow(side)
    for light, wanted in ((0.08, False), (0.2, True)):
        plate = np.full((side, side, 3), light, np.float32)
        found = shade(over(shaded(plate, dark), object_, RED), plate, [object_])
        assert bool(found.any()) == wanted


@pytest.mark.slow
@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize(("y", "wanted"), [(0.72, True), (0.6, False), (0.4, False)])
def test_a_shadow_lies_at_the_foot(side: int, y: float, wanted: bool) -> None:
    plate, object_ = np.full((side, side, 3), 0.7, np.float32), disc(side, 0.5, 0.55, 0.17)
    dark = np.roll(shadow(side, y), side // 6, axis=1)
    found = shade(over(shaded(plate, dark), object_, RED), plate, [object_])
    assert bool(found.any()) == wanted


@pytest.mark.slow
@pytest.mark.parametrize("side", SIDES)
def test_a_shadow_does_not_climb_its_subject(side: int) -> None:
    plate, dark = np.full((side, side, 3), 0.7, np.float32), shadow(side)
    rows, columns = (np.mgrid[0:side, 0:side] + 0.5) / side
    post = ((rows > 0.3) & (rows < 0.7) & (np.abs(columns - 0.5) < 0.1)).astype(np.float32)
    beside = (rows > 0.4) & (rows < 0.72) & (np.abs(np.abs(columns - 0.5) - 0.12) < 0.025)
    picture = over(shaded(plate, np.maximum(dark, beside * np.float32(0.3))), post, RED)
    found = shade(picture, plate, [post])
    assert found[int(0.7 * side) :].max() > 0.4
    assert found[int(0.4 * side) : side // 2].max() < 0.02


@pytest.mark.slow
@pytest.mark.parametrize("side", SIDES)
def test_a_shadow_with_a_veil_above_it_is_one(side: int) -> None:
    """As of a fish over the ground: what is a little darker goes on up its sides."""
    plate, object_ = np.full((side, side, 3), 0.7, np.float32), disc(side, 0.5, 0.55, 0.17)
    veil = disc(side, 0.5, 0.5, 0.23) * np.float32(0.1)
    picture = over(shaded(plate, np.maximum(shadow(side), veil)), object_, RED)
    found = shade(picture, plate, [object_])
    assert found[int(0.7 * side) :].max() > 0.3
    assert found[: int(0.45 * side)].max() < 0.02


def test_each_subject_has_its_own_shadow() -> None:
    side = 256
    plate, alphas = ground(side), [disc(side, x, 0.55, 0.1) for x in (0.25, 0.75)]
    dark = np.maximum(*(disc(side, x, 0.66, 0.05) * np.float32(0.4) for x in (0.25, 0.75)))
    picture = shaded(plate, dark)
    for alpha in alphas:
        picture = over(picture, alpha, RED)
    found = shade(picture, plate, alphas)
    assert found[:, : side // 2].max() > 0.3
    assert found[:, side // 2 :].max() > 0.3


def test_nothing_and_everything_cast_no_shadow() -> None:
    plate = ground(64)
    for alpha in (np.zeros((64, 64), np.float32), np.ones((64, 64), np.float32)):
        assert not shade(plate * np.float32(0.5), plate, [alpha]).any()


@given(st.integers(0, 2**32 - 1), st.integers(1, 4))
def test_shared_darkness_is_the_whole_again_and_has_no_seam(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    dark = shadow(64) * np.float32(rng.uniform(0.2, 1.9))
    alphas = [disc(64, rng.uniform(0.1, 0.9), rng.uniform(0.1, 0.9), 0.1) for _ in range(count)]
    parts = shared(dark, alphas)
    clear = np.prod([1 - part for part in parts], axis=0)
    np.testing.assert_allclose(1 - clear, dark, atol=1e-5)
    smoothest = np.abs(np.diff(dark, axis=1)).max()
    assert all(
        np.abs(np.diff(part, axis=1)).max() < smoothest + 0.25 * dark.max() for part in parts
    )


def test_laid_over_each_other_the_layers_are_what_readers_show() -> None:
    plate = np.round(ground(64) * 255) / np.float32(255)
    light = as_layer(shadow(64))
    rgba = np.dstack([np.full((64, 64, 3), 200, np.uint8), (disc(64, 0.5, 0.5, 0.2) * 255)])
    rgba = rgba.astype(np.uint8)
    composite = laid_over(plate, [light / np.float32(255), rgba / np.float32(255)])
    bottom = np.dstack([np.round(plate * 255), np.full((64, 64), 255)]).astype(np.uint8)
    layers = [
        Layer("background", "background", None, bottom),
        Layer("effects", "effects", 1, light),
        Layer("subject", "subject", 1, rgba),
    ]
    assert np.abs(flatten(layers) - composite * 255).max() <= 0.5 + 1e-3


def test_harmony_takes_light_over_by_its_share_and_never_shape() -> None:
    alpha = disc(128, 0.5, 0.5, 0.3)
    subject = np.dstack([np.full((128, 128, 3), 0.5, np.float32), alpha])
    lit = over(ground(128), alpha, (0.7, 0.5, 0.3))
    found = [relit([subject], lit, ground(128), harmony)[0] for harmony in (0.0, 0.5, 1.0)]
    np.testing.assert_array_equal(found[0], subject)
    for picture, share in zip(found, (0, 0.5, 1), strict=True):
        np.testing.assert_array_equal(picture[..., 3], alpha)
        wanted = np.float32([0.5, 0.5, 0.5]) + share * np.float32([0.2, 0, -0.2])
        np.testing.assert_allclose(picture[64, 64, :3], wanted, atol=0.01)


@pytest.mark.parametrize("side", [128, 512])
def test_what_is_behind_lends_a_rim_no_light(side: int) -> None:
    alpha = disc(side, 0.5, 0.5, 0.3)
    subject = np.dstack([np.full((side, side, 3), 0.2, np.float32), alpha])
    behind = np.ones((side, side, 3), np.float32)
    picture = over(behind, alpha, (0.2, 0.2, 0.2))
    # As a decoder shows it: what is behind is mixed into the object's last pixels.
    blurred = ndimage.gaussian_filter(picture, (side / 192, side / 192, 0))
    found = relit([subject], blurred.astype(np.float32), behind, 1.0)[0]
    assert np.abs(blurred - 0.2)[alpha > 0.9].max() > 0.2
    assert np.abs(found[..., :3] - 0.2)[alpha > 0.9].max() < 0.05


def test_what_another_subject_hides_takes_the_light_beside_it() -> None:
    alpha = disc(128, 0.4, 0.5, 0.2)
    low = np.dstack([np.full((128, 128, 3), 0.5, np.float32), alpha])
    high = np.dstack([np.full((128, 128, 3), 0.9, np.float32), disc(128, 0.55, 0.5, 0.15)])
    lit = over(over(ground(128), alpha, (0.6, 0.5, 0.5)), high[..., 3], (0, 0, 0))
    found, _ = relit([low, high], lit, ground(128), 1.0)
    np.testing.assert_allclose(found[64, 66, :3], (0.6, 0.5, 0.5), atol=0.02)


@pytest.mark.parametrize("side", SIDES)
def test_what_shows_a_shadow_in_a_subjects_place_lends_it_no_light(side: int) -> None:
    """The composite drew the object shorter: where its foot was to be there is a shadow."""
    plate, alpha = ground(side), disc(side, 0.5, 0.65, 0.2)
    shaded_red = (0.6, 0.08, 0.08)
    subject = over(plate, alpha, shaded_red)
    there = np.where(np.indices((side, side))[0] < 0.78 * side, alpha, 0).astype(np.float32)
    composite = over(shaded(plate, shadow(side, y=0.83)), there, shaded_red)
    region = alpha > 0.9
    left = clear_of_shade(region, composite, plate, subject)
    assert left[there > 0.9].mean() > 0.9
    assert not left[region & (there == 0)].any()
    lit = np.dstack([np.full((side, side, 3), (0.65, 0.1, 0.1), np.float32), alpha])
    (found,) = relit([lit], composite, plate, 1.0)
    np.testing.assert_allclose(
        found[region & (there == 0), :3].mean(axis=0), (0.6, 0.08, 0.08), atol=0.02
    )


def test_a_subject_of_which_nothing_else_is_shown_is_lit_by_what_there_is() -> None:
    plate, region = ground(128), disc(128, 0.5, 0.5, 0.2) > 0.5
    red = np.broadcast_to(np.float32(RED), (128, 128, 3))
    np.testing.assert_array_equal(clear_of_shade(region, plate, plate, red), region)
