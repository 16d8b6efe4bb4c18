"""Where the composite draws a subject larger than its alpha, the layer takes it all."""

from dataclasses import replace

import numpy as np
import pytest

from made_scenes import overlapping
from taue.box import Box
from taue.paddy import scenes
from taue.stack import Pictures, exact, flatten, largest_error
from taue.stack.outgrown import mixture, with_outgrown

GRASS = np.array([120, 180, 80], np.uint8)
SQUARE = (slice(30, 60), slice(30, 60))
"""Where the composite draws the object; its own alpha ends three pixels earlier on all sides."""

SHADOW = (slice(60, 66), slice(24, 66))


def outgrown_square(colour: tuple[int, int, int]) -> Pictures:
    """A square of one colour on grass, with a shadow at its foot."""
    background = np.broadcast_to(GRASS, (96, 96, 3)).copy()
    composite = background.copy()
    composite[SHADOW] = composite[SHADOW] * 0.6
    composite[SQUARE] = colour
    subject = np.zeros((96, 96, 4), np.uint8)
    subject[..., :3] = colour
    subject[33:57, 33:57, 3] = 255
    return Pictures(composite, background, (subject,), ("square",))


@pytest.mark.parametrize("colour", [(200, 30, 30), (240, 240, 240), (20, 20, 60)])
def test_what_a_subject_has_outgrown_is_its_own_and_its_shadow_is_not(
    colour: tuple[int, int, int],
) -> None:
    stack = exact(outgrown_square(colour))
    subject, effects = stack.of("subject")[0].pixels, stack.of("effects")[0].pixels
    assert (subject[SQUARE][..., 3] >= 250).mean() > 0.99  # all but its corners
    np.testing.assert_array_equal(subject[35:55, 30][:, :3], np.broadcast_to(colour, (20, 3)))
    assert (subject[SHADOW][..., 3] == 0).all()
    assert (effects[SHADOW][..., 3] > 0).all()
    assert (effects[SQUARE][..., 3] > 5).mean() < 0.01
    assert largest_error(flatten(stack.layers), stack.merged) <= 1


def test_a_shadow_that_the_alpha_covers_does_not_go_on() -> None:
    # The scene drew the object shorter than its alpha: what is seen at its foot is a shadow.
    pictures = outgrown_square((200, 30, 30))
    (subject,) = pictures.subjects
    subject[57:63, 36:54, 3] = 255
    alpha = exact(pictures).of("subject")[0].pixels[..., 3]
    np.testing.assert_array_equal(alpha[SHADOW], subject[SHADOW][..., 3])
    assert (alpha[45, 30:60] == 255).all()


def test_something_else_that_the_alpha_covers_does_not_go_on() -> None:
    # Where the alpha is too wide, another thing is seen that the background layer does not have.
    pictures = outgrown_square((200, 30, 30))
    composite = pictures.composite.copy()
    composite[30:45, 57:75] = (40, 60, 200)
    pictures.subjects[0][33:42, 57:63, 3] = 255
    alpha = exact(replace(pictures, composite=composite)).of("subject")[0].pixels[..., 3]
    assert (alpha[:, 64:] == 0).all()


def test_what_does_not_hang_on_to_the_subject_is_not_its_own() -> None:
    pictures = outgrown_square((200, 30, 30))
    composite = pictures.composite.copy()
    composite[40:50, 64:68] = (200, 30, 30)  # another red thing, four pixels off
    alpha = exact(replace(pictures, composite=composite)).of("subject")[0].pixels[..., 3]
    assert (alpha[:, 62:] == 0).all()


def test_far_from_the_subject_nothing_is_its_own() -> None:
    pictures = outgrown_square((200, 30, 30))
    composite = pictures.composite.copy()
    composite[40:50, 60:96] = (200, 30, 30)
    alpha = exact(replace(pictures, composite=composite)).of("subject")[0].pixels[..., 3]
    assert (alpha[45, 57:62] == 255).all()
    assert (alpha[:, 66:] == 0).all()


@pytest.mark.parametrize("kind", ["apple", "boat", "chair", "lamp", "tree", "cup"])
@pytest.mark.parametrize("background", ["a dark forest", "a kitchen", "snowy mountains"])
def test_a_true_alpha_stays_as_it_is(kind: str, background: str) -> None:
    thing = scenes.ObjectSpec(kind, "yellow", Box(0.25, 0.3, 0.5, 0.5))
    scene = scenes.render(scenes.SceneSpec((thing,), background, None, 7), 128)
    rgba = scene.objects[0].rgba
    (after,), before = with_outgrown(scene.composite, scene.plate, [rgba]), rgba[..., 3]
    assert (after >= before).all()
    assert (after.astype(float) - before).sum() / 255 < 2  # pixels


def test_where_subjects_meet_alphas_stay() -> None:
    pictures = overlapping()
    before = [subject[..., 3] for subject in pictures.subjects]
    after = with_outgrown(pictures.composite, pictures.background, pictures.subjects)
    touched = (before[0] > 0) & (before[1] > 0)
    assert touched.any()
    for old, new in zip(before, after, strict=True):
        np.testing.assert_array_equal(new[touched], old[touched])


def test_a_pixel_goes_to_its_nearest_subject() -> None:
    pictures = outgrown_square((200, 30, 30))
    left, right = (pictures.subjects[0].copy() for _ in range(2))
    left[:, 42:, 3], right[:, :48, 3] = 0, 0  # six pixels of one square, in three and three
    after = with_outgrown(pictures.composite, pictures.background, [left, right])
    shown = (after[:, 45, 41:49] > 0).astype(int)
    assert shown.tolist() == [[1, 1, 1, 1, 0, 0, 0, 0], [0, 0, 0, 0, 1, 1, 1, 1]]


def test_mixtures_by_hand() -> None:
    ground, own = np.full((1, 1, 3), 200.0), np.array([[[0.0, 0, 200]]])
    half = 0.5 * ground + 0.5 * own
    assert mixture(half, ground, own).item() == pytest.approx((0.5 - 0.1) / 0.9)
    assert mixture(own, ground, own).item() == pytest.approx(1)
    assert mixture(0.7 * ground, ground, own).item() == 0  # a shadow
    assert mixture(ground, ground, own).item() == 0
    assert mixture(np.array([[[0.0, 200, 0]]]), ground, own).item() == 0  # something else
    assert mixture(half, ground, ground + 20).item() == 0  # what looks like the ground
