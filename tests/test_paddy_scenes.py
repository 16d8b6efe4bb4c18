"""The scene renderer: its pictures, their parts, its words and the training mix."""

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest

from taue.paddy.scenes import (
    ASPECT,
    BACKGROUNDS,
    COLOURS,
    HELD_OUT,
    KINDS,
    VOCABULARY,
    Box,
    ObjectSpec,
    SceneSpec,
    is_held_out,
    object_caption,
    render,
    sample_spec,
    sample_training,
    whole_captions,
)
from taue.paddy.scenes.sampling import OBJECTS_ONLY_SHARE, PLAIN_SHARE, SCENE_SHARE

SIZES = (128, 64, (96, 160))


@pytest.fixture(scope="module")
def training() -> list[tuple[SceneSpec, str]]:
    rng = np.random.default_rng(7)
    return [sample_training(rng) for _ in range(6000)]


def test_the_same_seed_gives_the_same_scene() -> None:
    for seed in range(12):
        one = sample_spec(np.random.default_rng(seed))
        other = sample_spec(np.random.default_rng(seed))
        assert one == other
        first, second = render(one), render(other)
        np.testing.assert_array_equal(first.composite, second.composite)
        np.testing.assert_array_equal(first.plate, second.plate)


def test_the_seed_varies_the_plate() -> None:
    for background in BACKGROUNDS:
        one, other = (render(SceneSpec((), background, None, seed)).plate for seed in (0, 1))
        assert (one != other).any(), background


@pytest.mark.parametrize("size", SIZES)
def test_the_composite_is_its_parts(size: int | tuple[int, int]) -> None:
    rng = np.random.default_rng(1)
    shape = (size, size) if isinstance(size, int) else size
    for _ in range(20):
        scene = render(sample_training(rng)[0], size)
        assert scene.composite.dtype == scene.plate.dtype == np.uint8
        assert scene.composite.shape == scene.plate.shape == (*shape, 3)
        assert scene.shadow.shape == shape
        assert scene.shadow.dtype == np.float32
        picture = scene.plate.astype(np.float64) * (1 - scene.shadow[..., None])
        for thing in scene.objects:
            np.testing.assert_array_equal(thing.rgba[..., 3], thing.lit[..., 3])
            alpha = thing.lit[..., 3:] / 255
            picture = picture * (1 - alpha) + thing.lit[..., :3] * alpha
        assert np.abs(picture - scene.composite).max() <= 1


@pytest.mark.parametrize("size", [128, (96, 160), (200, 128)])
@pytest.mark.parametrize("kind", KINDS)
def test_a_box_holds_its_object_tightly(kind: str, size: int | tuple[int, int]) -> None:
    box = Box(0.21, 0.17, 0.5, 0.55)
    scene = render(SceneSpec((ObjectSpec(kind, "red", box),), None, (0, 255, 0), 0), size)
    alpha = scene.objects[0].rgba[..., 3] > 127
    height, width = alpha.shape
    rows, columns = np.flatnonzero(alpha.any(1)), np.flatnonzero(alpha.any(0))
    assert columns[0] / width == pytest.approx(box.x, abs=0.03)
    assert rows[0] / height == pytest.approx(box.y, abs=0.03)
    assert (columns[-1] + 1) / width == pytest.approx(box.x + box.width, abs=0.03)
    assert (rows[-1] + 1) / height == pytest.approx(box.y + box.height, abs=0.03)


def test_objects_wear_their_colour_with_no_fringe() -> None:
    box = Box(0.2, 0.2, 0.6, 0.6)
    for colour, rgb in COLOURS.items():
        scene = render(SceneSpec((ObjectSpec("heart", colour, box),), None, (9, 9, 9), 0))
        rgba = scene.objects[0].rgba.astype(int)
        assert (rgba[rgba[..., 3] == 0][:, :3] == rgb).all()
        assert np.abs(rgba[rgba[..., 3] == 255][:, :3].mean(0) - rgb).max() < 45


def test_shadows_fall_only_on_ground() -> None:
    thing = ObjectSpec("cup", "red", Box(0.3, 0.4, 0.4, 0.4))
    for background, words in BACKGROUNDS.items():
        shadow = render(SceneSpec((thing,), background, None, 3)).shadow
        assert shadow.min() >= 0
        assert shadow.max() <= 0.46
        assert (shadow.max() > 0.3) == words.ground
    assert render(SceneSpec((thing,), None, (200, 9, 9), 3)).shadow.max() == 0


def test_held_out_pairs_are_balanced() -> None:
    assert len(HELD_OUT) == 20
    assert Counter(kind for _, kind in HELD_OUT) == dict.fromkeys(KINDS, 1)
    assert Counter(colour for colour, _ in HELD_OUT) == dict.fromkeys(COLOURS, 2)


@pytest.mark.slow
def test_held_out_pairs_are_never_trained(training: list[tuple[SceneSpec, str]]) -> None:
    seen = {(thing.colour, thing.kind) for spec, _ in training for thing in spec.objects}
    assert not any(is_held_out(*pair) for pair in seen)
    assert len(seen) == 180


def test_held_out_scenes_hold_nothing_else() -> None:
    rng = np.random.default_rng(2)
    for count in (1, 2, 3):
        for _ in range(40):
            spec = sample_spec(rng, held_out=True, objects=count)
            assert len(spec.objects) == count
            assert all(is_held_out(thing.colour, thing.kind) for thing in spec.objects)


def test_sampled_objects_are_apart_and_on_the_ground() -> None:
    rng = np.random.default_rng(3)
    for _ in range(400):
        spec = sample_spec(rng)
        longest = 0.66 if len(spec.objects) == 1 else 0.42
        for thing in spec.objects:
            box = thing.box
            assert max(box.width, box.height) <= longest + 1e-6
            assert box.width / box.height == pytest.approx(ASPECT[thing.kind])
            if spec.background != "outer space":
                assert 0.66 - 1e-6 <= box.y + box.height <= 0.97 + 1e-6
        for words in ("kind", "colour"):
            assert len({getattr(thing, words) for thing in spec.objects}) == len(spec.objects)


@pytest.mark.slow
def test_shares_of_the_training_mix(training: list[tuple[SceneSpec, str]]) -> None:
    count = len(training)
    scenes = [(s, c) for s, c in training if s.background and s.objects]
    plates = [(s, c) for s, c in training if not s.objects]
    plains = [(s, c) for s, c in training if s.plain]
    assert len(scenes) / count == pytest.approx(0.56, abs=0.02)
    assert len(plates) / count == pytest.approx(0.19, abs=0.02)
    assert len(plains) / count == pytest.approx(0.25, abs=0.02)
    assert all(caption == spec.background for spec, caption in plates)
    assert all(caption == spec.objects_caption for spec, caption in plains)
    bare = [spec for spec, caption in scenes if caption == spec.objects_caption]
    assert len(bare) / len(scenes) == pytest.approx(0.46, abs=0.03)
    # Exactly by the shares, and within sampling error by count.
    assert SCENE_SHARE * OBJECTS_ONLY_SHARE >= PLAIN_SHARE
    assert len(bare) / (len(bare) + len(plains)) > 0.48
    commas = [c for s, c in scenes if c == f"{s.objects_caption}, {s.background}"]
    assert len(commas) / (len(scenes) - len(bare)) == pytest.approx(0.25, abs=0.04)


@pytest.mark.slow
def test_plain_colours_are_uniform(training: list[tuple[SceneSpec, str]]) -> None:
    plains = np.array([spec.plain for spec, _ in training if spec.plain])
    assert np.abs(plains.mean(0) - 127.5).max() < 8
    # Each of the eight octants of the cube comes up about as often.
    octants = np.bincount((plains // 128) @ np.array([4, 2, 1]), minlength=8)
    assert octants.min() > 0.75 * octants.mean()
    assert octants.max() < 1.25 * octants.mean()
    assert Counter(map(tuple, plains.tolist())).most_common(1)[0][1] <= 2


def test_captions() -> None:
    assert object_caption("red", "apple") == "a red apple"
    assert object_caption("orange", "fish") == "an orange fish"
    things = [object_caption("red", "apple"), object_caption("blue", "car")]
    assert whole_captions(things[:1], "a beach at sunset") == [
        "a red apple on a beach at sunset",
        "a beach at sunset with a red apple",
        "a red apple, a beach at sunset",
    ]
    things.append(object_caption("pink", "star"))
    assert whole_captions(things, "a desert")[0] == (
        "a red apple, a blue car and a pink star in a desert"
    )


@pytest.mark.slow
def test_every_word_is_in_the_vocabulary(training: list[tuple[SceneSpec, str]]) -> None:
    used = {word for _, caption in training for word in caption.replace(",", "").split()}
    used |= {w for s, _ in training for c in s.captions for w in c.replace(",", "").split()}
    assert used == set(VOCABULARY)
    assert all(word == word.lower() for word in VOCABULARY)
    assert all(caption in spec.captions for spec, caption in training)


BOX = Box(0.2, 0.2, 0.5, 0.5)


@pytest.mark.parametrize(
    ("field", "make"),
    [
        ("kind", lambda: ObjectSpec("dragon", "red", BOX)),
        ("colour", lambda: ObjectSpec("ball", "teal", BOX)),
        ("x", lambda: Box(0.7, 0.2, 0.5, 0.5)),
        ("height", lambda: Box(0.2, 0.2, 0.5, 0.0)),
        ("background", lambda: SceneSpec((), "a moon base", None, 0)),
        ("background, plain", lambda: SceneSpec((), None, None, 0)),
        ("background, plain", lambda: SceneSpec((), "a desert", (1, 2, 3), 0)),
        ("plain", lambda: SceneSpec((), None, (1, 2, 256), 0)),
        ("seed", lambda: SceneSpec((), "a desert", None, -1)),
        ("size", lambda: render(SceneSpec((), "a desert", None, 0), 63)),
        ("size", lambda: render(SceneSpec((), "a desert", None, 0), (128, 1025))),
        ("objects", lambda: sample_spec(np.random.default_rng(0), objects=4)),
    ],
)
def test_bad_input_names_its_field(field: str, make: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=field):
        make()


def test_every_background_at_the_extremes() -> None:
    for background in BACKGROUNDS:
        for size in (64, (64, 256), (1024, 64)):
            assert render(SceneSpec((), background, None, 5), size).plate.std() > 5
