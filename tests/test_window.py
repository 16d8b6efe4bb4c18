"""Stages that are drawn in windows of the canvas, around objects whose place is known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from diffusers import FlowMatchEulerDiscreteScheduler
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from schedulers import build
from taue import TauePipeline, finish
from taue.backbones import Conditioning
from taue.backbones.sdxl import SDXLBackbone
from taue.context import Context
from taue.noise import NoiseSource
from taue.pipeline import PIPELINES
from taue.rows import Row
from taue.seedling import Seedling
from taue.settings import Settings
from taue.space import Level
from taue.transplant import Planting
from taue.window import FEWEST, UNIT, Window, windows_around
from taue.windowed import cultivated, row_in
from tiny_models import BUILDERS

CELLS = 32
CHOSEN = Settings(num_inference_steps=6)
SIDES = st.integers(8, 40)


def normal(seed: int) -> Tensor:
    return torch.randn(1, 4, CELLS, CELLS, generator=torch.Generator().manual_seed(seed))


def in_the_middle(*, of: int = 4) -> Tensor:
    region = torch.zeros(CELLS, CELLS)
    low = (CELLS - of) // 2
    region[low : low + of, low : low + of] = 1
    return region


@st.composite
def regions(draw: st.DrawFn) -> list[Tensor]:
    """Rectangles on one canvas."""
    height, width = draw(SIDES), draw(SIDES)
    drawn = []
    for _ in range(draw(st.integers(1, 3))):
        top, left = draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))
        one = torch.zeros(height, width)
        one[top : draw(st.integers(top + 1, height)), left : draw(st.integers(left + 1, width))] = 1
        drawn.append(one)
    return drawn


@settings(deadline=None, max_examples=150)
@given(regions(), st.floats(0.03, 0.3))
def test_windows_are_of_one_size_on_the_canvas_with_their_regions(
    shown: list[Tensor], margin: float
) -> None:
    windows = windows_around(shown, margin)
    rows, columns = shown[0].shape
    assert len({(one.height, one.width) for one in windows}) == 1
    for region, window in zip(shown, windows, strict=True):
        assert 0 <= window.top <= rows - window.height
        assert 0 <= window.left <= columns - window.width
        assert window.of(region).sum() == region.sum()
        assert window.height % UNIT == 0 or window.height == rows
        assert window.width % UNIT == 0 or window.width == columns
        assert 2 * window.height >= rows
        assert 2 * window.width >= columns
        assert window.height >= min(rows, FEWEST)
        assert window.width >= min(columns, FEWEST)
        assert torch.equal(window.onto(window.of(region), torch.zeros_like(region)), region)


def test_without_a_margin_or_a_region_the_window_is_the_canvas() -> None:
    everything = [Window(0, 0, CELLS, CELLS)] * 2
    assert windows_around([in_the_middle()] * 2, None) == everything
    assert windows_around([in_the_middle(), torch.zeros(CELLS, CELLS)], 0.1) == everything


def test_what_is_exchanged_is_the_window_alone() -> None:
    whole = torch.zeros(1, 4, 10, 12)
    made = Window(2, 3, 4, 5).onto(torch.ones(1, 4, 4, 5), whole)
    assert made.sum() == 4 * 4 * 5
    assert whole.sum() == 0


@pytest.fixture
def backbone(pipeline: TauePipeline) -> SDXLBackbone:
    pipeline.scheduler = build("euler")
    return SDXLBackbone(pipeline, 8 * CELLS, 8 * CELLS)


@pytest.fixture
def context(backbone: SDXLBackbone) -> Context:
    return Context(backbone, CHOSEN, NoiseSource(1), lambda step: None)


def row_of(backbone: SDXLBackbone, seed: int = 1, **changes: Any) -> Row:
    apple = backbone.encode_prompt("a red apple", None)
    row = Row(
        "foreground",
        normal(seed),
        Conditioning((apple,), apple, 5.0),
        torch.Generator().manual_seed(seed),
        crop_ratio=0.5,
        steps=6,
    )
    return replace(row, **changes)


@pytest.mark.slow
def test_the_canvas_as_a_window_changes_nothing(backbone: SDXLBackbone, context: Context) -> None:
    row, canvas = row_of(backbone), Window(0, 0, CELLS, CELLS)
    (own,), (whole,) = cultivated(context, [row], [canvas]), context.cultivate([row])
    assert torch.equal(own.latents, whole.latents)


def test_a_window_is_its_part_of_everything_that_a_row_is_grown_from(
    backbone: SDXLBackbone,
) -> None:
    window, region = Window(4, 2, 8, 12), in_the_middle()
    seedling = Seedling(normal(2), normal(3), Level(1.0, 2.0), region, region, normal(4))
    planting = Planting(seedling, region, crop_ratio=0.5, to_end=True)
    inside = row_in(row_of(backbone, estimate=normal(5), plantings=(planting,)), window)
    assert torch.equal(inside.noise, window.of(normal(1)))
    assert inside.estimate is not None
    assert torch.equal(inside.estimate, window.of(normal(5)))
    (planted,) = inside.plantings
    assert isinstance(planted.source, Seedling)
    assert torch.equal(planted.source.denoised, window.of(normal(2)))
    assert planted.source.final is not None
    assert torch.equal(planted.source.final, window.of(normal(4)))
    assert torch.equal(planted.region, window.of(region))
    assert planted.to_end


def test_a_model_is_told_that_a_window_is_a_crop_of_the_canvas(
    backbone: SDXLBackbone, context: Context
) -> None:
    told: list[list[list[float]]] = []

    def hear(_: Any, __: Any, named: dict[str, Any]) -> None:
        told.append(named["added_cond_kwargs"]["time_ids"].tolist())

    rows = [row_of(backbone), row_of(backbone, 2)]
    handle = backbone.pipeline.unet.register_forward_pre_hook(hear, with_kwargs=True)
    try:
        ends = cultivated(context, rows, [Window(4, 2, 8, 12), Window(0, 4, 8, 12)])
    finally:
        handle.remove()
    side = 8 * CELLS
    first, second = [side, side, 32, 16, 64, 96], [side, side, 0, 32, 64, 96]
    assert sorted(told[0]) == sorted([first, second, first, second])
    assert [tuple(end.latents.shape) for end in ends] == [(1, 4, 8, 12)] * 2


@pytest.mark.slow
@pytest.mark.parametrize("family", ["euler", "ddim"])
def test_a_foreground_that_is_ended_later_is_the_one_that_went_on(
    pipeline: TauePipeline, backbone: SDXLBackbone, context: Context, family: str
) -> None:
    """The two schedulers whose next step is the estimate under its noise at the next level."""
    pipeline.scheduler = build(family)
    row = row_of(backbone)
    (whole,) = context.cultivate([row])
    until = replace(row, until_harvest=True)
    (ended,) = finish.ended(context, [until], context.cultivate([until]), [in_the_middle()], None)
    assert torch.allclose(ended.latents, whole.latents, atol=1e-4)
    assert torch.equal(ended.denoised, whole.denoised)
    assert ended.evaluations == whole.evaluations


def test_around_its_window_a_foreground_goes_on_with_its_key(
    backbone: SDXLBackbone, context: Context
) -> None:
    row = row_of(backbone, estimate=normal(5))
    region = torch.zeros(CELLS, CELLS)
    region[:4, 2:6] = 1
    (end,) = finish.grown_on(context, [row], [region], 0.1)
    (window,) = windows_around([region], 0.1)
    assert window != Window(0, 0, CELLS, CELLS)
    outside = window.onto(torch.zeros(1, 4, window.height, window.width), end.latents)
    cells = outside.flatten(2)[0].T
    key = cells[cells.abs().sum(dim=1) > 0]
    assert len(key) == CELLS**2 - window.height * window.width
    assert torch.equal(key, key[:1].expand_as(key))
    assert end.latents.shape == (1, 4, CELLS, CELLS)


def test_what_is_nowhere_to_be_seen_makes_no_other_window_larger(
    backbone: SDXLBackbone, context: Context
) -> None:
    rows = [row_of(backbone, n, estimate=normal(n)) for n in (4, 5)]
    region = torch.zeros(CELLS, CELLS)
    region[:4, 2:6] = 1
    first, second = finish.grown_on(context, rows, [torch.zeros(CELLS, CELLS), region], 0.1)
    (whole,) = finish.grown_on(context, rows[:1], [torch.zeros(CELLS, CELLS)], 0.1)
    (inside,) = finish.grown_on(context, rows[1:], [region], 0.1)
    assert torch.equal(first.latents, whole.latents)
    assert torch.equal(second.latents, inside.latents)


@pytest.mark.parametrize("family", ["sd3", "flux", "zimage", "klein"])
def test_a_window_keeps_the_canvas_schedule(family: str) -> None:
    """Which a flow-matching model shifts by the number of its tokens."""
    pipeline = BUILDERS[family]()
    pipeline.scheduler = FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True)
    backbone = PIPELINES[family].backbone_class(pipeline, 8 * CELLS, 8 * CELLS)
    channels, height, width = backbone.shape[1:]
    window = Window(2, 0, height // 2, width)
    part = backbone.windowed(window)
    assert part.size == (backbone.size[0] // 2, backbone.size[1])
    own, whole = (one.new_scheduler(6).sigmas for one in (part, backbone))
    assert torch.equal(own, whole)
    apple = backbone.encode_prompt("a red apple", None)
    noise = torch.randn(1, channels, height, width, generator=torch.Generator().manual_seed(1))
    row = Row("foreground", noise, Conditioning((apple,), apple, 5.0), crop_ratio=0.5, steps=6)
    context = Context(backbone, CHOSEN, NoiseSource(1), lambda step: None)
    (end,) = cultivated(context, [row], [window])
    assert end.latents.shape == (1, channels, height // 2, width)
