"""Every equation against a case worked out by hand, and the laws that hold for any numbers."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from torch import Tensor

from taue import equations
from taue.backbones.base import content_positions

law = hypothesis_settings(deadline=None, max_examples=40, derandomize=True)
sides = st.integers(1, 20)
seeds = st.integers(0, 2**31)


def row(*values: float) -> Tensor:
    return torch.tensor([values], dtype=torch.float32)


def planes(*channels: list[list[float]]) -> Tensor:
    return torch.tensor([channels])


def uniform(seed: int, *shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def close(one: Tensor, other: Tensor, atol: float = 1e-6) -> None:
    torch.testing.assert_close(one, other, atol=atol, rtol=0)


def test_inject_key_by_hand() -> None:
    noise = planes([[2.0, 4.0]], [[-1.0, 3.0]])
    key = torch.tensor([0.0, 1.0])
    # A quarter of the way from (2, -1) to (0, 1) outside; untouched inside.
    injected = equations.inject_key(noise, row(1, 0), key, 0.25)
    close(injected, planes([[1.5, 4.0]], [[-0.5, 3.0]]))


@law
@given(seeds, sides, sides)
def test_inject_key_of_strength_zero_is_the_identity(seed: int, height: int, width: int) -> None:
    noise = uniform(seed, 1, 4, height, width)
    outside = uniform(seed + 1, height, width).round()
    key = torch.tensor([0.0, 1.0, 1.0, 0.0])
    assert torch.equal(equations.inject_key(noise, outside, key, 0.0), noise)


def test_key_strength_by_hand() -> None:
    assert equations.key_strength(0.3, 2**0.5) == 0.3  # SDXL's own, to the bit
    # A key of twice that length: 0.3 / (0.3 + 0.7 * 2).
    assert equations.key_strength(0.3, 2 * 2**0.5) == pytest.approx(3 / 17)
    # And of a fifth of the share: 0.06 / (0.06 + 0.7 * 2).
    assert equations.key_strength(0.3, 2 * 2**0.5, 0.2) == pytest.approx(6 / 146)
    assert equations.key_strength(0.0, 0.0) == 0
    assert equations.key_strength(1.0, 5.0) == 1


def test_layout_probability_by_hand() -> None:
    # Cells of a 2 x 2 grid lie at 0.25 and 0.75: one half box apart across, two half boxes down.
    p = equations.layout_probability(2, 2, (0.25, 0.25), (1.0, 0.5), 1.0)
    close(p, torch.tensor([[1.0, 0.606531], [0.135335, 0.082085]]))  # e^0, e^-1/2, e^-2, e^-5/2
    p = equations.layout_probability(2, 2, (0.25, 0.25), (1.0, 0.5), 1.0, bounds=(0.2, 0.8))
    close(p, torch.tensor([[0.8, 0.563918], [0.281201, 0.249251]]))
    # Half the sigma is four times the exponent.
    p = equations.layout_probability(1, 2, (0.25, 0.5), (1.0, 1.0), 0.5)
    close(p, row(1.0, 0.135335))


def test_layout_mask_by_hand() -> None:
    close(equations.layout_mask(row(0.3, 0.7, 0.5), row(0.5, 0.5, 0.5)), row(1, 0, 0))


@pytest.mark.parametrize(
    ("steps", "ratio", "k"),
    [
        (50, 0.5, 25),
        (50, 0.75, 38),  # 50 - floor(12.5)
        (50, 0.25, 13),  # 50 - floor(37.5)
        (20, 0.3, 6),
        (10, 0.9, 9),  # in floats 10 (1 - 0.9) is 0.99999..., which is 1
        (2, 0.01, 1),
        (2, 0.99, 1),
    ],
)
def test_harvest_step_by_hand(steps: int, ratio: float, k: int) -> None:
    assert equations.harvest_step(steps, ratio) == k


@pytest.mark.slow
@law
@given(st.floats(0, 1, exclude_min=True, exclude_max=True))
def test_harvest_step_leaves_a_step_before_and_after(ratio: float) -> None:
    for steps in range(2, 1001):
        assert 1 <= equations.harvest_step(steps, ratio) <= steps - 1


@law
@given(st.integers(2, 1000), st.floats(0.001, 0.999), st.floats(0.001, 0.999))
def test_harvest_step_rises_with_the_ratio(steps: int, one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert equations.harvest_step(steps, low) <= equations.harvest_step(steps, high)


def test_scale_to_unit_by_hand() -> None:
    close(equations.scale_to_unit(row(2, 3, 6)), row(0, 0.25, 1))
    close(equations.scale_to_unit(row(7, 7)), row(0, 0))


def test_gaussian_blur_by_hand() -> None:
    # sigma 1/2: weights 1, e^-2, e^-8, which sum to 1.271341 over both sides.
    blurred = equations.gaussian_blur(row(0, 0, 0, 1, 0, 0, 0), 0.5)
    close(blurred, row(0, 0.000264, 0.106451, 0.786570, 0.106451, 0.000264, 0))
    # The repeated border: an edge cell is its own neighbour.
    close(equations.gaussian_blur(row(1, 0, 0, 0), 0.5), row(0.893285, 0.106715, 0.000264, 0))
    sharp = row(1, 5, 2)
    assert equations.gaussian_blur(sharp, 0.0) is sharp


@law
@given(seeds, sides, sides, st.floats(0.1, 3))
def test_gaussian_blur_stays_within_the_values(
    seed: int, height: int, width: int, sigma: float
) -> None:
    values = uniform(seed, height, width)
    blurred = equations.gaussian_blur(values, sigma)
    assert blurred.shape == values.shape
    assert values.min() - 1e-5 <= blurred.min() and blurred.max() <= values.max() + 1e-5


def test_greenness_by_hand() -> None:
    latents = planes([[9.0, 9.0]], [[1.0, 2.0]], [[3.0, -1.0]], [[9.0, 9.0]])
    close(equations.greenness(latents, 0.0), row(4, 1))
    # One blurred cell of the sum: 4 x 0.893285 + 1 x 0.106715, from the border case above.
    close(equations.greenness(latents, 0.5), row(3.679854, 1.320146), atol=1e-5)


def test_border_by_hand() -> None:
    values = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]])
    # Top, bottom, then what is left of the left and right sides: everything but the middle.
    close(equations.border(values), torch.tensor([1.0, 2, 3, 7, 8, 9, 4, 6]))


def test_stable_guidance_by_hand() -> None:
    # From 4 to 3 a step takes a quarter of the way: 2 / (1/4) is more than 7.5, of a half less.
    assert equations.stable_guidance(7.5, 4, 3, 1024, 2) == 7.5
    assert equations.stable_guidance(7.5, 4, 2, 1024, 2) == 4
    assert equations.stable_guidance(7.5, 4, 2, 1024, 3) == 6
    assert equations.stable_guidance(7.5, 0.4, 0, 1024, 2) == 2  # to the picture itself
    assert equations.stable_guidance(7.5, 4, 4, 1024, 2) == 7.5  # Heun's second look at a level
    # The mean of 4 x 4 cells of 32 x 32 has a quarter of a cell's noise, of 16 x 16 of 128 x 128
    # a sixteenth.
    assert equations.stable_guidance(7.5, 4.1, 2, 1024, 2) == 7.5
    assert equations.stable_guidance(7.5, 16, 8, 128**2, 2) == 4
    assert equations.stable_guidance(7.5, math.inf, 9, 128**2, 2) == 7.5  # noise alone


@given(
    scale=st.floats(1, 20), kept=st.lists(st.floats(0, 0.99), min_size=1), error=st.floats(-9, 9)
)
def test_stable_guidance_leaves_no_error_larger(
    scale: float, kept: list[float], error: float
) -> None:
    """An error that guidance answers in full, however the steps fall."""
    left = error
    for share in kept:
        left *= 1 - equations.stable_guidance(scale, 1.0, share, 1024, 2) * (1 - share)
    assert abs(left) <= abs(error) + 1e-9


def test_release_step_by_hand() -> None:
    # 50 steps, harvested at 25: 0.6 leaves two fifths of the 25 steps left, that is 10.
    assert equations.release_step(50, 25, 0.6) == 35
    assert equations.release_step(50, 25, 1.0) == 25
    assert equations.release_step(50, 25, 0.0) == 50


def test_border_colour_by_hand() -> None:
    latents = planes(
        [[1.0, 2.0, 3.0], [8.0, 100.0, 4.0], [7.0, 6.0, 5.0]],
        [[-2.0, -2.0, -2.0], [-2.0, 100.0, -2.0], [-2.0, -2.0, 50.0]],
    )
    # The lower median of 1..8, and of seven -2 and one 50: an outlier is nothing.
    close(equations.border_colour(latents), torch.tensor([4.0, -2.0]))


def test_key_distance_by_hand() -> None:
    latents = planes([[1.0, 4.0]], [[1.0, 5.0]])
    # (4, 5) - (1, 1) = (3, 4), which is 5 away.
    close(equations.key_distance(latents, torch.tensor([1.0, 1.0]), 0.0), row(0, 5))


def test_object_mask_by_hand() -> None:
    value, attention = row(0.1, 0.1, 0.9, 0.9, 0.5), row(0.9, 0.1, 0.9, 0.1, 0.9)
    close(equations.object_mask(value, 0.5, attention, 0.35), row(1, 0, 0, 0, 0))


def test_high_pass_by_hand() -> None:
    impulse = planes([[0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
    # The centre gains 0.4 x 4 / 4, each neighbour loses 0.4 / 4, corners see nothing.
    expected = planes([[0.0, -0.1, 0.0], [-0.1, 1.4, -0.1], [0.0, -0.1, 0.0]])
    close(equations.high_pass(impulse, 0.4), expected)
    # An edge cell repeated beyond the border: 8 loses only to its right, (8 - 4) / 4.
    close(equations.high_pass(planes([[8.0, 4.0]]), 1.0), planes([[9.0, 3.0]]))


@law
@given(seeds, sides, sides, st.floats(0, 4))
def test_high_pass_leaves_constants_and_kappa_zero_alone(
    seed: int, height: int, width: int, kappa: float
) -> None:
    latents = uniform(seed, 1, 4, height, width)
    assert torch.equal(equations.high_pass(latents, 0.0), latents)
    constant = latents[..., :1, :1].expand_as(latents)
    close(equations.high_pass(constant, kappa), constant, atol=1e-5)


def test_extend_edges_by_hand() -> None:
    # Two rings by default: the object's 7 goes two cells out, then the old values stand.
    latents, mask = planes([[7.0, 0.0, 0.0, 5.0, 6.0]]), row(1, 0, 0, 0, 0)
    close(equations.extend_edges(latents, mask), planes([[7.0, 7.0, 7.0, 5.0, 6.0]]))
    close(equations.extend_edges(latents, mask, rings=0), latents)
    # Between 2 and 4 lies their mean.
    close(
        equations.extend_edges(planes([[2.0, 90.0, 4.0]]), row(1, 0, 1)),
        planes([[2.0, 3.0, 4.0]]),
    )


@law
@given(seeds, sides, sides, st.integers(0, 4))
def test_extend_edges_leaves_the_inside_alone(
    seed: int, height: int, width: int, rings: int
) -> None:
    latents = uniform(seed, 1, 4, height, width)
    mask = uniform(seed + 1, height, width).round()
    extended = equations.extend_edges(latents, mask, rings)
    assert torch.equal(extended * mask, latents * mask)
    if mask.any():  # and invents nothing beyond the object's own range, or the old value
        inside = latents[..., mask > 0]
        low, high = inside.min() - 1e-5, inside.max() + 1e-5
        assert (((extended >= low) & (extended <= high)) | (extended == latents)).all()


def test_planted_by_hand() -> None:
    one, two = torch.tensor([1.0]), torch.tensor([2.0])
    close(equations.planted(one, two, 1.0, 10.0), torch.tensor([21.0]))  # 1 + 10 x 2
    # Flow matching at t = 3/4: 1/4 of the signal.
    close(equations.planted(one, two, 0.25, 0.75), torch.tensor([1.75]))
    close(equations.planted(one, two, 0.0, 1.0), two)  # nothing but noise


def test_noise_surplus_by_hand() -> None:
    assert equations.noise_surplus(3.0, 10.0, 1.0) == 0
    one, two = torch.tensor([1.0]), torch.tensor([2.0])
    # Half the extra noise: 1 + 3 x 2 + 0.5 (10 - 3) 2.
    start = 10.0 + equations.noise_surplus(3.0, 10.0, 0.5)
    close(equations.planted(one, two, 1.0, start), torch.tensor([14.0]))


def test_transplant_by_hand() -> None:
    planted, latents = row(8, 8, 8), row(4, 4, 4)
    close(equations.transplant(row(1, 0, 0.25), planted, latents), row(8, 4, 5))


def test_blend_noise_by_hand() -> None:
    close(equations.blend_noise(row(1, 0, 0.5), row(8, 8, 8), row(4, 4, 4)), row(8, 4, 6))


@law
@given(seeds, sides, sides)
def test_regions_of_zero_and_one_choose_exactly(seed: int, height: int, width: int) -> None:
    one, other = uniform(seed, 1, 4, height, width), uniform(seed + 1, 1, 4, height, width)
    nowhere, everywhere = torch.zeros(height, width), torch.ones(height, width)
    for choose in (equations.transplant, equations.blend_noise):
        assert torch.equal(choose(everywhere, one, other), one)
        assert torch.equal(choose(nowhere, one, other), other)


def test_blend_attention_by_hand() -> None:
    weights = torch.tensor([[1.0, 0.25], [0.0, 0.75]])
    # [batch 1, heads 1, queries 2, width 1]; the second query is 0.25 x 2 + 0.75 x 6.
    attended = [torch.tensor([[[[1.0], [2.0]]]]), torch.tensor([[[[5.0], [6.0]]]])]
    close(equations.blend_attention(weights, attended), torch.tensor([[[[1.0], [5.0]]]]))
    # Samples with weights of their own: [K, batch, queries].
    each = torch.stack([weights, weights.flip(0)], dim=1)
    two = [one.expand(2, 1, 2, 1) for one in attended]
    expected = torch.tensor([[[[1.0], [5.0]]], [[[5.0], [3.0]]]])  # 0.75 x 2 + 0.25 x 6
    close(equations.blend_attention(each, two), expected)


def test_disjoint_by_hand() -> None:
    back, front, surroundings = equations.disjoint([row(1, 1, 0, 0.5), row(0, 1, 0, 0.5)])
    close(back, row(1, 0, 0, 0.25))
    close(front, row(0, 1, 0, 0.5))
    close(surroundings, row(0, 0, 1, 0.25))


@law
@given(seeds, st.integers(1, 5), sides, sides)
def test_disjoint_masks_and_background_sum_to_one(
    seed: int, count: int, height: int, width: int
) -> None:
    soft = uniform(seed, count, height, width)
    for masks in (soft, soft.round()):
        parts = torch.stack(equations.disjoint(list(masks)))
        assert len(parts) == count + 1 and parts.min() >= 0
        close(parts.sum(dim=0), torch.ones(height, width))
        assert torch.equal(parts[count - 1], masks[-1])  # nothing is in front of the last


def test_resample_by_hand() -> None:
    masks = torch.tensor([[[1.0, 0.0], [1.0, 1.0]]])
    close(equations.resample(masks, 1, 1), torch.tensor([[[0.75]]]))
    # Three cells to two: each takes two, the middle one counts in both.
    close(equations.resample(torch.tensor([[[1.0, 0.0, 0.0]]]), 1, 2), torch.tensor([[[0.5, 0.0]]]))


@law
@given(seeds, st.integers(1, 4), sides, sides, sides, sides)
def test_resample_keeps_the_sum_on_every_grid(
    seed: int, count: int, height: int, width: int, rows: int, columns: int
) -> None:
    masks = torch.stack(equations.disjoint(list(uniform(seed, count, height, width).round())))
    close(equations.resample(masks, rows, columns).sum(dim=0), torch.ones(rows, columns))


def test_guidance_by_hand() -> None:
    close(equations.guidance(row(1.0), row(3.0), 7.5), row(16.0))  # 1 + 7.5 x 2


def test_token_attention_by_hand() -> None:
    probabilities = torch.tensor([[0.1, 0.2, 0.3, 0.4], [0.7, 0.1, 0.1, 0.1]])
    # Of two queries the mean over the tokens 1 and 2.
    close(equations.token_attention(probabilities, (1, 2)), torch.tensor([0.25, 0.1]))


def test_attention_map_by_hand() -> None:
    # 3, 5 and 4: from 0 to 1, and half way.
    close(equations.attention_map([row(1, 2, 2), row(2, 3, 2)]), row(0, 1, 0.5))


def test_content_is_what_is_not_special() -> None:
    assert content_positions([49406, 5, 9, 49407, 49407], frozenset({49406, 49407})) == (1, 2)


def test_every_equation_has_a_case_worked_out_by_hand() -> None:
    public = {
        name
        for name, value in vars(equations).items()
        if callable(value) and getattr(value, "__module__", "") == equations.__name__
    }
    cases = {name for name in globals() if name.endswith("_by_hand")}
    assert {f"test_{name}_by_hand" for name in public} <= cases


def test_unit_variance_by_hand() -> None:
    # Three parts of a picture and four of noise, in quadrature five.
    close(equations.unit_variance(row(10.0, -5.0), 3.0, 4.0), row(2.0, -1.0))


def test_unit_space_by_hand() -> None:
    # Euler: a picture counts 1 at every level, and noise begins at 4.
    close(equations.unit_space(row(2.0, -6.0), 1.0, 1.0, 4.0), row(0.5, -1.5))
    # Variance-preserving: 0.8 of a picture in L, 0.1 in initial noise of variance 1.
    close(equations.unit_space(row(1.6), 0.8, 0.1, 1.0), row(0.2))


def test_transplanted_noise_by_hand() -> None:
    close(equations.transplanted_noise(row(1.0, 2.0), row(-1.0, 0.5), 0.5), row(0.5, 2.25))


def test_line_end_by_hand() -> None:
    # 7 = 2 x 0.5 + 3 x 2, whose picture is 0.5.
    close(equations.line_end(row(7.0), row(2.0), 2.0, 3.0), row(0.5))
    mixed = equations.planted(row(0.5), row(2.0), 2.0, 3.0)
    close(equations.line_end(mixed, row(2.0), 2.0, 3.0), row(0.5))


def test_shift_by_hand() -> None:
    values = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    close(equations.shift(values, 1, 0), torch.tensor([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]]))
    close(equations.shift(values, 0, -2), torch.tensor([[3.0, 3.0, 3.0], [6.0, 6.0, 6.0]]))
    close(equations.shift(values[None], -1, 1), torch.tensor([[[4.0, 4.0, 5.0], [4.0, 4.0, 5.0]]]))
