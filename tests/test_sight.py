"""What is known of each subject before its layer is made."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from taue.box import Box
from taue.sight import sighted
from test_shown import BLUE, RED, SIDES, disc, ground, over


def cut(alpha: np.ndarray, colour: tuple[float, float, float] = RED) -> np.ndarray:
    """A foreground cut out, RGBA [H, W, 4]."""
    flat = np.broadcast_to(np.array(colour, np.float32), (*alpha.shape, 3))
    return np.dstack([flat, alpha]).astype(np.float32)


@pytest.mark.slow
@pytest.mark.parametrize("side", SIDES)
def test_a_composite_that_draws_a_little_larger_spoils_nothing(side: int) -> None:
    plate, draft = ground(side), disc(side, 0.5, 0.55, 0.17)
    composite = over(plate, disc(side, 0.5, 0.55, 0.19), RED)
    (one,) = sighted(composite, plate, [cut(draft)], [None], [Box(0.3, 0.35, 0.4, 0.4)])
    assert not one.spoilt
    assert one.region[disc(side, 0.5, 0.55, 0.18) > 0.5].mean() > 0.98
    assert not one.hidden.any()


@pytest.mark.slow
@pytest.mark.parametrize("side", SIDES)
def test_an_object_that_the_canvas_cuts_in_the_composite_alone_is_spoilt(side: int) -> None:
    plate, draft = ground(side), disc(side, 0.15, 0.5, 0.12)
    drawn = over(plate, disc(side, 0.09, 0.5, 0.18), RED)
    (one,) = sighted(drawn, plate, [cut(draft)], [None], [None])
    assert one.spoilt
    cut_already = disc(side, 0.05, 0.5, 0.15)
    (other,) = sighted(drawn, plate, [cut(cut_already)], [None], [None])
    assert not other.spoilt  # its foreground has the same flaw: nothing is won by that


@pytest.mark.slow
@pytest.mark.parametrize("side", SIDES)
def test_an_object_far_larger_than_its_box_is_spoilt_where_it_has_one(side: int) -> None:
    plate, draft = ground(side), disc(side, 0.5, 0.5, 0.07)
    composite = over(plate, disc(side, 0.5, 0.5, 0.13), RED)
    box = Box(0.42, 0.42, 0.16, 0.16)
    (one,) = sighted(composite, plate, [cut(draft)], [None], [box])
    (free,) = sighted(composite, plate, [cut(draft)], [None], [None])
    assert one.spoilt
    assert not free.spoilt


def test_what_the_composite_has_ground_for_is_hidden_and_has_the_scenes_light() -> None:
    side = 256
    plate, draft = ground(side), disc(side, 0.5, 0.55, 0.17)
    behind = disc(side, 0.77, 0.55, 0.12)
    composite = over(over(plate, draft, RED), behind, BLUE)
    dim = tuple(0.5 * c for c in RED)
    one, front = sighted(
        composite, plate, [cut(draft, dim), cut(behind, BLUE)], [None, None], [None, None]
    )
    assert not (one.region & front.region).any()
    np.testing.assert_array_equal(one.hidden, one.draft & ~one.region)
    assert one.hidden[(draft > 0.5) & (behind > 0.5)].all()
    seen = one.region & (disc(side, 0.42, 0.55, 0.05) > 0.5)
    assert np.abs(one.colours[seen] - np.array(RED)).max() < 0.1  # lit as the composite shows it


@pytest.mark.parametrize("side", SIDES)
def test_a_front_that_came_out_larger_leaves_no_rim_in_what_it_hides(side: int) -> None:
    """The composite draws the blue disc a little larger, with a soft edge: none of its blue counts
    as what is seen of the red one, nor gives that its light."""
    plate, draft = ground(side), disc(side, 0.45, 0.55, 0.17)
    front = disc(side, 0.72, 0.55, 0.12)
    outgrown = ndimage.gaussian_filter(disc(side, 0.72, 0.55, 0.126), 0.006 * side)
    composite = over(over(plate, draft, RED), outgrown, BLUE)
    cuts = [cut(draft), cut(front, BLUE)]
    rear, _ = sighted(composite, plate, cuts, [None, None], [None, None])
    assert composite[rear.region & (draft > 0.99)][:, 2].max() < 0.2
    assert rear.covered[(draft > 0.5) & (front > 0.5)].all()
    assert not (rear.covered & rear.region).any()
    assert np.abs(rear.colours[draft > 0.5] - np.array(RED)).max() < 0.02


@pytest.mark.parametrize("side", SIDES)
def test_of_what_is_hidden_in_part_the_foreground_leads(side: int) -> None:
    """The composite draws the red disc beside the blue one larger than its box: its layer has the
    foreground's shape all the same, in the light that the composite shows."""
    plate, draft = ground(side), disc(side, 0.45, 0.55, 0.12)
    front = disc(side, 0.6, 0.55, 0.12)
    composite = over(over(plate, disc(side, 0.4, 0.55, 0.19), RED), front, BLUE)
    cuts = [cut(draft, (0.6, 0.075, 0.075)), cut(front, BLUE)]
    boxes = [Box(0.33, 0.43, 0.24, 0.24), None]
    rear, other = sighted(composite, plate, cuts, [None, None], boxes)
    assert not rear.spoilt
    for region in (rear.shape, rear.covered, rear.hidden):
        np.testing.assert_array_equal(region, draft > 0.5)
    assert not rear.region.any()
    assert np.abs(rear.colours[draft > 0.5] - np.array(RED)).max() < 0.1
    np.testing.assert_array_equal(other.shape, other.region)
    assert other.region.any()


def test_what_could_not_be_told_from_its_key_is_where_attention_saw_it() -> None:
    side = 128
    plate, seen = ground(side), disc(side, 0.5, 0.55, 0.17)
    composite = over(plate, seen, RED)
    nothing = cut(np.zeros((side, side), np.float32))
    (one,) = sighted(composite, plate, [nothing], [seen], [None])
    assert not one.spoilt
    assert one.region[seen > 0.5].mean() > 0.95
