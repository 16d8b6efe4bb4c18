"""The laws of the verdict: pure functions of what was asked and what was seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taue.box import Box
from taue.paddy.judge import SeenObject, Sighting, regions
from taue.paddy.judge.findings import (
    Asked,
    Cutout,
    SeenLayer,
    Verdict,
    parse_background,
    parse_object,
)
from taue.paddy.judge.matching import assign, floats, in_view, too_many, unlit
from taue.paddy.judge.told import MARK, as_json, in_sum, remarks
from taue.paddy.judge.verdict import judge_layers
from taue.paddy.scenes import BACKGROUNDS, COLOURS, KINDS, object_caption
from taue.paddy.scenes.words import RGB

SIDE = 64
WHERE = "outer space"  # where nothing can float
KEY = np.array([30, 220, 30])
HERE, THERE = Box(0.25, 0.25, 0.25, 0.25), Box(0.625, 0.625, 0.25, 0.25)


def square(box: Box = HERE) -> np.ndarray:
    mask = np.zeros((SIDE, SIDE), bool)
    left, top, right, bottom = box.pixels(SIDE, SIDE)
    mask[top:bottom, left:right] = True
    return mask


def thing(kind: str = "apple", colour: str = "red", box: Box = HERE) -> SeenObject:
    return SeenObject(kind, colour, 0.9, 0.9, 0.8, box, square(box))


def flat(colour: RGB) -> np.ndarray:
    return np.full((SIDE, SIDE, 3), colour, np.uint8)


def layer(
    *objects: SeenObject, where: str | None = WHERE, ground: RGB = (200, 170, 120)
) -> SeenLayer:
    """A picture of squares in the objects' colours, and a sighting that is right about it."""
    pixels, mask = flat(ground), np.zeros((SIDE, SIDE), np.float32)
    for one in objects:
        pixels[one.mask] = COLOURS[one.colour]
        mask[one.mask] = 1
    return SeenLayer(pixels, Sighting(objects, where, 0.99, mask))


def foreground(*objects: SeenObject) -> SeenLayer:
    return layer(*objects, where=None, ground=(30, 220, 30))


def verdict(
    composite: SeenLayer | None = None,
    background: SeenLayer | None = None,
    raw: SeenLayer | None = None,
    cutout: Cutout | None = None,
    prompt: str = "a red apple",
    where: str = WHERE,
    box: Box | None = None,
) -> Verdict:
    """A right result but for what is given."""
    return judge_layers(
        [Asked(prompt, box)],
        where,
        composite or layer(thing()),
        background or layer(),
        [raw or foreground(thing())],
        [cutout or Cutout(flat(COLOURS["red"]), square().astype(np.float32))],
    )


def test_a_right_result_is_right_in_everything() -> None:
    right = verdict(box=HERE)
    assert right.right is True
    (subject,) = right.subjects
    assert (subject.mask_iou, subject.alpha_iou, subject.box_iou) == (1, 1, 1)
    assert (subject.residue, subject.key, subject.twice) == (0, 0, 0)
    assert not right.not_judged
    assert remarks(right) == []


@pytest.mark.parametrize("other", [thing(kind="car"), thing(colour="blue")])
@pytest.mark.parametrize("where", ["composite", "raw"])
def test_one_wrong_name_in_one_layer_is_told_there(other: SeenObject, where: str) -> None:
    make = layer if where == "composite" else foreground
    (subject,) = verdict(**{where: make(other)}).subjects
    told = subject.composite if where == "composite" else subject.foreground
    assert told.kind == (other.kind == "apple")
    assert told.colour == (other.colour == "red")
    rest = subject.foreground if where == "composite" else subject.composite
    assert rest.kind
    assert rest.colour
    assert not subject.right


def test_every_fault_is_found_alone() -> None:
    faults = {
        "missing": verdict(composite=layer()),
        "twice": verdict(composite=layer(thing(), thing(box=THERE))),
        "left_behind": verdict(background=layer(thing())),
    }
    fringed = foreground(thing()).pixels
    wide = np.maximum(square(), square(Box(0.2, 0.2, 0.35, 0.35))).astype(np.float32)
    faults["key_left"] = verdict(cutout=Cutout(fringed, wide))
    for name, judged in faults.items():
        (subject,) = judged.subjects
        assert judged.right is False
        for other in faults:
            assert bool(getattr(subject, other)) == (other == name), (name, other)
        (line,) = remarks(judged)
        assert line.startswith(MARK)


def test_a_rim_of_key_in_the_composite_is_found_but_not_on_a_key_coloured_background() -> None:
    rim = regions.ring_around(square(), 0.04)
    composite = layer(thing())
    composite.pixels[rim] = KEY
    (subject,) = verdict(composite=composite).subjects
    assert subject.key_left
    green = layer(thing(), ground=(30, 220, 30))
    (subject,) = verdict(composite=green, background=layer(ground=(30, 220, 30))).subjects
    assert not subject.key_left


def test_backgrounds_are_judged_in_both_layers() -> None:
    night = "a city at night"
    one = verdict(composite=layer(thing(), where=night))
    other = verdict(background=layer(where=night))
    assert (one.composite_background, one.background, one.right) == (False, True, False)
    assert (other.composite_background, other.background, other.right) == (True, False, False)


def test_what_is_not_in_the_words_is_not_judged() -> None:
    strange = verdict(prompt="a red zebra", where="the moon")
    assert strange.right is None
    assert strange.subjects == ()
    assert strange.not_judged == ("a red zebra", "the moon")
    # What can be judged still can be wrong.
    assert verdict(prompt="a red zebra", background=layer(where="a kitchen")).right is False


def test_two_subjects_keep_their_numbers_and_their_objects() -> None:
    apple, car = thing(), thing("car", "blue", THERE)
    cutouts = [
        Cutout(flat(COLOURS[one.colour]), one.mask.astype(np.float32)) for one in (apple, car)
    ]
    judged = judge_layers(
        [Asked("a red apple"), Asked("a blue car")],
        WHERE,
        layer(car, apple),
        layer(),
        [foreground(apple), foreground(car)],
        cutouts,
    )
    assert judged.right is True
    assert [(s.number, s.box) for s in judged.subjects] == [(1, HERE), (2, THERE)]
    swapped = [Asked("a blue car"), Asked("a red apple")]
    layers = [foreground(apple), foreground(car)]
    wrong = judge_layers(swapped, WHERE, layer(car, apple), layer(), layers, cutouts)
    assert not any(s.composite.kind or s.composite.colour for s in wrong.subjects)


places = st.sampled_from([HERE, THERE, Box(0, 0, 0.5, 0.5)])
objects = st.lists(st.builds(thing, kind=st.sampled_from(KINDS[:3]), box=places), max_size=4)


@given(seen=objects, kinds=st.lists(st.sampled_from([*KINDS[:3], None]), min_size=1, max_size=3))
def test_no_object_is_two_subjects_and_surplus_adds_up(
    seen: list[SeenObject], kinds: list[str | None]
) -> None:
    alphas = [square((HERE, THERE, HERE)[i]) for i in range(len(kinds))]
    places = [place for place in assign(kinds, alphas, seen) if place is not None]
    assert len(set(places)) == len(places)
    surplus = too_many(kinds, seen)
    for kind in {kind for kind in kinds if kind is not None}:
        told = sum(n for n, own in zip(surplus, kinds, strict=True) if own == kind)
        there = sum(one.kind == kind for one in seen)
        assert told == max(0, there - kinds.count(kind))


def test_an_object_that_moved_is_taken_for_its_subject() -> None:
    moved = thing(box=THERE)
    assert assign(["apple"], [square()], [moved]) == [0]
    assert assign(["car"], [square()], [moved]) == [None]


def test_nearer_subjects_hide_farther_ones() -> None:
    views = [in_view([square(), square()], i) for i in (0, 1)]
    assert not views[0].any()
    np.testing.assert_array_equal(views[1], square())


@given(st.sampled_from(tuple(COLOURS)), st.sampled_from(KINDS), st.sampled_from(["", "A ", "the "]))
def test_objects_are_read_back(colour: str, kind: str, article: str) -> None:
    assert parse_object(object_caption(colour, kind)) == (colour, kind)
    assert parse_object(f"  {article}{colour.upper()}  {kind}.") == (colour, kind)


@pytest.mark.parametrize("prompt", ["", "apple", "a red", "a red apple tree", "two red apples"])
def test_other_prompts_are_no_objects(prompt: str) -> None:
    assert parse_object(prompt) is None


def test_backgrounds_are_read_back() -> None:
    for name in BACKGROUNDS:
        assert parse_background(name) == name
        assert parse_background(f" {name.title()}. ") == name
    assert parse_background("beach at sunset") == "a beach at sunset"
    assert parse_background("a beach") is None


boxes = st.builds(
    Box, st.floats(0, 0.5), st.floats(0, 0.5), st.floats(0.05, 0.5), st.floats(0.05, 0.5)
)


@given(boxes, boxes)
def test_box_overlap_is_a_symmetric_share(one: Box, other: Box) -> None:
    assert one.iou(one) == pytest.approx(1)
    assert one.iou(other) == pytest.approx(other.iou(one))
    assert 0 <= one.iou(other) <= 1 + 1e-9


@given(st.integers(0, 2**32 - 1))
def test_region_overlap_is_that_of_sets(seed: int) -> None:
    one, other = np.random.default_rng(seed).random((2, 8, 8)) < 0.4
    first, second = ({int(i) for i in np.flatnonzero(x)} for x in (one, other))
    expected = len(first & second) / len(first | second) if first | second else None
    assert regions.iou(one, other) == expected


def test_light_that_the_scene_does_not_have_is_noticed() -> None:
    neutral = flat((200, 180, 160))
    night = "a city at night"
    lit = (neutral * np.array(BACKGROUNDS[night].ambient)).astype(np.uint8)
    assert unlit(neutral, neutral, square(), night)
    assert not unlit(neutral, lit, square(), night)
    assert not unlit(neutral, neutral, square(), "a sunny beach")
    assert not unlit(neutral, neutral, square(), None)


def test_an_object_in_the_air_without_a_shadow_floats() -> None:
    plate = flat((200, 170, 120))
    shaded = plate.copy()
    shaded[32:38, 14:34] = 90
    assert floats(plate, plate, square(), "a desert")
    assert not floats(shaded, plate, square(), "a desert")
    assert not floats(plate, plate, square(THERE), "a desert")
    assert not floats(plate, plate, square(), "outer space")


def test_remarks_say_what_is_seen_of_whom() -> None:
    (subject,) = verdict().subjects
    told = {
        "is there 2 times": verdict(composite=layer(thing(), thing(box=THERE))),
        "is left in the background": verdict(background=layer(thing())),
        "lost its shape": verdict(composite=layer()),
        "floats above the ground": Verdict((replace(subject, floating=True),), True, True),
        "keeps its own light": Verdict((replace(subject, unlit=True, floating=True),), True, True),
    }
    for words, judged in told.items():
        (line,) = remarks(judged)
        assert line.startswith(f"{MARK}subject 1 (a red apple) {words}")


def test_sums_are_shares_of_what_was_judged() -> None:
    some = [verdict(), verdict(composite=layer()), verdict(prompt="a zebra", where="the moon")]
    total = in_sum(some)
    assert (total["results"], total["subjects"], total["not_judged"]) == (3, 2, 1)
    assert total["right"] == total["missing"] == total["composite_kind"] == 0.5
    assert total["foreground_kind"] == total["background"] == 1
    assert in_sum([])["right"] is None
    document = as_json(some[1])
    assert document["right"] is False
    assert document["subjects"][0]["missing"] is True
