"""The stack: exact at every pixel, with the least effects, of the right owner."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from made_scenes import apart, overlapping
from taue.box import Box
from taue.errors import TaueError
from taue.paddy import scenes
from taue.stack import Layer, Pictures, coverage, darkened, exact, flatten, largest_error, raw
from taue.stack.effects import TOLERANCE, least_effects, nearest_subject
from taue.stack.flatten import clear, finished, lay_over
from taue.stack.mixing import least_change, shares
from taue.stack.model import LONGEST_NAME, label
from taue.stack.outgrown import with_outgrown
from taue.straight import continued

BYTE = st.one_of(st.sampled_from([0, 1, 2, 127, 128, 253, 254, 255]), st.integers(0, 255))


def bytes_of(*shape: int) -> st.SearchStrategy[np.ndarray]:
    return hnp.arrays(np.uint8, shape, elements=BYTE)


@st.composite
def any_pictures(draw: st.DrawFn) -> Pictures:
    height, width = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    count = draw(st.integers(1, 3))
    return Pictures(
        draw(bytes_of(height, width, 3)),
        draw(bytes_of(height, width, 3)),
        tuple(draw(bytes_of(height, width, 4)) for _ in range(count)),
        tuple(f"subject {i}" for i in range(count)),
    )


def in_doubles(layers: tuple[Layer, ...]) -> np.ndarray:
    """Source-over written down once more, without rounding."""
    picture = np.zeros((*layers[0].pixels.shape[:2], 3))
    for layer in layers:
        alpha = layer.pixels[..., 3:] / 255
        picture = alpha * layer.pixels[..., :3] + (1 - alpha) * picture
    return picture


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(any_pictures())
def test_any_pictures_at_all_recompose(pictures: Pictures) -> None:
    stack = exact(pictures)
    assert largest_error(flatten(stack.layers), pictures.composite) <= 1
    off = np.abs(in_doubles(stack.layers) - pictures.composite).max()
    assert off <= TOLERANCE + 0.01  # before any rounding, so that readers may round as they like
    alphas = with_outgrown(pictures.composite, pictures.background, pictures.subjects)
    for layer, one, alpha in zip(stack.of("subject"), pictures.subjects, alphas, strict=True):
        np.testing.assert_array_equal(layer.pixels[..., 3], alpha)
        assert (alpha >= one[..., 3]).all()
    shown = sum((layer.pixels[..., 3] > 0).astype(int) for layer in stack.of("effects"))
    assert np.max(shown) <= 1  # each pixel has one owner
    roles = [layer.role for layer in stack.layers]
    count = len(pictures.subjects)
    assert roles == ["background", *["effects"] * count, *["subject"] * count]


@settings(max_examples=50, deadline=None)
@given(any_pictures())
def test_grouping_changes_no_pixel(pictures: Pictures) -> None:
    stack = exact(pictures)
    regrouped = [layer for _, layers in stack.groups() for layer in layers]
    assert sorted(map(id, regrouped)) == sorted(map(id, stack.layers))
    np.testing.assert_array_equal(flatten(regrouped), flatten(stack.layers))


def test_effects_go_with_their_subject_where_the_order_allows_it() -> None:
    names = [(name, len(layers)) for name, layers in exact(apart()).groups()]
    first, second = (layer.name for layer in exact(apart()).of("subject"))
    assert names == [(None, 1), (first, 2), (second, 2)]
    names = [(name, len(layers)) for name, layers in exact(overlapping()).groups()]
    assert names == [(None, 1), ("effects", 1), (first, 2), (second, 1)]


def test_colours_come_from_the_composite_where_seen_and_from_the_own_picture_where_hidden() -> None:
    pictures = overlapping()
    behind, before = (s[..., 3] for s in pictures.subjects)
    stack = exact(pictures)
    apple, car = (layer.pixels for layer in stack.of("subject"))
    hidden = (behind > 0) & (before == 255)
    assert hidden.sum() > 50
    np.testing.assert_array_equal(apple[hidden], pictures.subjects[0][hidden])
    for pixels, seen in ((apple, (behind == 255) & (before == 0)), (car, before == 255)):
        np.testing.assert_array_equal(pixels[seen][:, :3], pictures.composite[seen])
    assert (apple != pictures.subjects[0]).any()  # the sunset's light


def test_a_subject_goes_on_with_the_colours_of_the_scene_where_it_is_clear() -> None:
    pictures = overlapping()
    for layer, own in zip(exact(pictures).of("subject"), pictures.subjects, strict=True):
        clear = layer.pixels[..., 3] == 0
        assert clear.any()
        found = continued(layer.pixels[..., :3], layer.pixels[..., 3])
        np.testing.assert_array_equal(layer.pixels[clear][:, :3], found[clear])
        assert (layer.pixels[clear] != own[clear]).any()


def test_colours_go_on_from_what_is_clearly_seen() -> None:
    colours = np.array([[[1, 1, 1], [9, 9, 9], [5, 5, 5], [7, 7, 7]]], np.uint8)
    alpha = np.array([[0, 3, 200, 0]], np.uint8)
    assert continued(colours, alpha)[0, :, 0].tolist() == [5, 9, 5, 5]
    assert continued(colours, np.zeros_like(alpha)) is colours


def test_raw_is_untouched() -> None:
    pictures = overlapping()
    stack = raw(pictures)
    assert [layer.role for layer in stack.layers] == ["background", "subject", "subject"]
    for layer, one in zip(stack.of("subject"), pictures.subjects, strict=True):
        np.testing.assert_array_equal(layer.pixels, one)
    np.testing.assert_array_equal(stack.merged, flatten(stack.layers))
    assert coverage(stack.layers) == 0


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(bytes_of(3), bytes_of(3))
def test_no_smaller_alpha_would_do(target: np.ndarray, under: np.ndarray) -> None:
    effects = least_effects(target.astype(np.float32), under)
    alpha, base = int(effects[3]), under.astype(float)
    mixed = base + (effects[:3] - base) * alpha / 255
    assert np.abs(mixed - target).max() <= TOLERANCE + 0.01
    if alpha:
        best = np.clip(base + (target - base) * 255 / max(alpha - 1, 1e-9), 0, 255)
        assert np.abs(base + (best - base) * (alpha - 1) / 255 - target).max() > TOLERANCE - 1e-6


def test_a_background_near_enough_needs_no_effects() -> None:
    under = np.arange(1, 255, dtype=np.uint8)[:, None].repeat(3, axis=1)
    for change in (-1, 0, 1):
        assert not least_effects(under.astype(np.float32) + change, under).any()
    assert (least_effects(under[1:].astype(np.float32) - 2, under[1:])[:, 3] > 0).all()


@settings(deadline=None)
@given(hnp.arrays(np.float32, (3, 4), elements=st.floats(0, 1, width=32)))
def test_shares_are_what_source_over_shows(alphas: np.ndarray) -> None:
    seen, free = shares(alphas)
    np.testing.assert_allclose(seen.sum(axis=0) + free, 1, atol=1e-5)
    for layer in range(3):  # a white layer among black ones
        shown = np.zeros(4)
        for j, alpha in enumerate(alphas):
            shown = alpha * (j == layer) + (1 - alpha) * shown
        np.testing.assert_allclose(seen[layer], shown, atol=1e-5)


@pytest.mark.slow
@settings(deadline=None)
@given(
    hnp.arrays(np.float32, (3, 2, 3), elements=st.floats(0, 255, width=32)),
    hnp.arrays(np.float32, (2, 2), elements=st.floats(0, 1, width=32)),
    hnp.arrays(np.float32, (2, 3), elements=st.floats(0, 255, width=32)),
)
def test_the_least_change_mixes_to_the_target(
    guesses: np.ndarray, alphas: np.ndarray, target: np.ndarray
) -> None:
    seen, free = shares(alphas)
    weights = np.concatenate([free[None], seen])
    colours = least_change(guesses, weights, target)
    assert colours.min() >= 0 and colours.max() <= 255
    np.testing.assert_allclose((weights[..., None] * colours).sum(axis=0), target, atol=0.01)


def test_guesses_that_fit_are_left_alone() -> None:
    guesses = np.array([[[100, 50, 0]], [[200, 150, 250]]], np.float32)
    weights = np.array([[0.25], [0.75]], np.float32)
    target = (weights[..., None] * guesses).sum(axis=0)
    np.testing.assert_allclose(least_change(guesses, weights, target), guesses, atol=1e-3)


def test_each_pixel_belongs_to_its_nearest_subject() -> None:
    one, two = np.zeros((2, 1, 10), np.uint8)
    one[0, 0] = two[0, 9] = 200
    nearest = nearest_subject([one, two])
    assert nearest.tolist() == [[0] * 5 + [1] * 5]
    assert nearest_subject([one, np.zeros_like(one)]).tolist() == [[0] * 10]
    assert nearest_subject([one, one]).tolist() == [[1] * 10]  # the upper one


@pytest.mark.parametrize("light", ["a sunny beach", "a dark forest", "a kitchen"])
def test_effects_are_the_shadow(light: str) -> None:
    thing = scenes.ObjectSpec("apple", "green", Box(0.3, 0.4, 0.4, 0.4))
    scene = scenes.render(scenes.SceneSpec((thing,), light, None, 5), 128)
    rgba = scene.objects[0].rgba
    stack = exact(Pictures(scene.composite, scene.plate, (rgba,), ("apple",)))
    seen = rgba[..., 3] == 0
    true, found = scene.shadow > 0.1, darkened(stack.layers)
    assert (true & seen).sum() > 100
    assert (true & found & seen).sum() >= 0.85 * ((true | found) & seen).sum()
    alpha = stack.of("effects")[0].pixels[..., 3] / 255
    assert alpha[seen & (scene.shadow == 0)].max() <= 0.02
    np.testing.assert_allclose(alpha[seen], scene.shadow[seen], atol=0.03)


def test_coverage_by_hand() -> None:
    pixels = np.zeros((2, 2, 4), np.uint8)
    pixels[0, 0, 3], pixels[1, 1, 3] = 255, 51
    assert coverage([Layer("e", "effects", 1, pixels)]) == pytest.approx(1.2 / 4)


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (9, 2)])
def test_clear_and_full_subjects_of_any_size(size: tuple[int, int]) -> None:
    rng = np.random.default_rng(1)
    composite, background = rng.integers(0, 256, (2, *size, 3), dtype=np.uint8)
    for alpha in (0, 255):
        subject = np.full((*size, 4), alpha, np.uint8)
        stack = exact(Pictures(composite, background, (subject,), ("x",)))
        assert largest_error(flatten(stack.layers), composite) <= 1
        if alpha:
            np.testing.assert_array_equal(flatten(stack.layers), composite)
            assert coverage(stack.layers) == 0


def test_pictures_that_do_not_fit_together() -> None:
    pictures = overlapping()
    with pytest.raises(TaueError, match=r"background is uint8 .*; give uint8 \[96, 160, 3\]"):
        replace(pictures, background=pictures.background[1:])
    with pytest.raises(TaueError, match="subject 2 is float64"):
        replace(pictures, subjects=(pictures.subjects[0], pictures.subjects[1] / 255))
    with pytest.raises(TaueError, match="subjects are missing"):
        replace(pictures, subjects=(), names=())
    with pytest.raises(TaueError, match="names are 1 for 2 subjects"):
        replace(pictures, names=("one",))


def test_bounds_hold_what_is_visible() -> None:
    pixels = np.full((5, 6, 4), 200, np.uint8)
    pixels[..., 3] = 0
    assert Layer("x", "effects", 1, pixels).bounds == (0, 0, 1, 1)
    pixels[1, 2, 3] = pixels[3, 3, 3] = 1
    layer = Layer("x", "effects", 1, pixels)
    assert layer.bounds == (2, 1, 4, 4)
    assert layer.cropped.shape == (3, 2, 4)


def test_labels() -> None:
    assert label("  a\nred\tapple\0 ") == "a red apple"
    assert label("\u202e\ud800") == "layer"
    assert label("果" * 300) == "果" * LONGEST_NAME


def test_layers_beyond_the_canvas_and_opacity() -> None:
    white = np.full((2, 2, 4), 255, np.uint8)
    picture = clear(3, 3)
    lay_over(picture, white, -1, -1)
    lay_over(picture, white, 2, 2, opacity=0.5)
    for left, top in ((3, 0), (0, -2), (-9, -9)):
        lay_over(picture, white, left, top)
    alpha = finished(picture)[..., 3]
    assert alpha.tolist() == [[255, 0, 0], [0, 0, 0], [0, 0, 128]]
    assert finished(picture)[2, 2].tolist() == [255, 255, 255, 128]
