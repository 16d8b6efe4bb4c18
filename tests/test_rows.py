"""Rows of one pass: stages side by side, rows that begin later, and sources that still grow."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest
import torch
from torch import Tensor

from schedulers import DETERMINISTIC, FAMILIES, build
from taue import TauePipeline, equations, painted_key, stages
from taue.backbones import Conditioning
from taue.backbones.sdxl import SDXLBackbone
from taue.cultivate import cultivate
from taue.growth import Growth
from taue.noise import NoiseSource
from taue.rows import Harvest, Row, Step
from taue.scene.subject import CENTRED
from taue.seedling import Seedling
from taue.settings import KEYS, Settings
from taue.space import Level
from taue.transplant import Live, Planting
from taue.watch import StageWatch, stage_records

STEPS, CROP = 6, 3
SETTINGS = Settings(num_inference_steps=STEPS, crop_ratio=0.5, sharpening=0.3)


@pytest.fixture
def backbone(pipeline: TauePipeline) -> SDXLBackbone:
    pipeline.scheduler = build("euler")
    return SDXLBackbone(pipeline, 128, 128)


def normal(seed: int) -> Tensor:
    return torch.randn(1, 4, 16, 16, generator=torch.Generator().manual_seed(seed))


def region() -> Tensor:
    mask = torch.zeros(16, 16)
    mask[4:11, 5:13] = 1
    return mask


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def seedling_of(harvest: Harvest, where: Tensor) -> Seedling:
    return Seedling(harvest.denoised, harvest.noise, harvest.level, where, where)


class Scene:
    """An apple, a scene with it and the scene behind it, as rows."""

    def __init__(self, backbone: SDXLBackbone) -> None:
        self.backbone = backbone
        self.apple, self.desert, self.both = (
            backbone.encode_prompt(p, None)
            for p in ("a red apple", "desert", "a red apple, desert")
        )

    def foreground(self) -> Row:
        conditioning = Conditioning((self.apple,), self.apple, 7.5)
        listen_to = self.apple.content
        return Row(
            "foreground",
            normal(1),
            conditioning,
            generator(1),
            1,
            listen_to=listen_to,
            crop_ratio=0.5,
        )

    def composite(self, source: Seedling | Live, **changes: Any) -> Row:
        masks = torch.stack([region(), 1 - region()])
        conditioning = Conditioning((self.apple, self.desert), self.both, 5.0, masks)
        released = Conditioning((self.both,), self.both, 5.0)
        plantings = (Planting(source, region(), crop_ratio=0.5),)
        row = Row(
            "composite", normal(2), conditioning, generator(2), released=released,
            plantings=plantings, crop_ratio=0.5,
        )  # fmt: skip
        return replace(row, **changes)

    def background(self, source: Seedling | Live, **changes: Any) -> Row:
        conditioning = Conditioning((self.desert,), self.desert, 1.0)  # no guidance
        plantings = (Planting(source, 1 - region(), crop_ratio=0.5),)
        row = Row(
            "background", normal(3), conditioning, generator(3), plantings=plantings, crop_ratio=0.5
        )
        return replace(row, **changes)


def alone(backbone: SDXLBackbone, row: Row, settings: Settings = SETTINGS) -> Harvest:
    return cultivate(backbone, [row], settings)[0]


def assert_equal(found: Harvest, expected: Harvest, atol: float = 1e-5) -> None:
    for name in ("latents", "denoised", "noise"):
        ours, theirs = getattr(found, name), getattr(expected, name)
        torch.testing.assert_close(ours, theirs, atol=atol, rtol=0)
    assert found.level == expected.level and found.evaluations == expected.evaluations
    assert (found.attention is None) == (expected.attention is None)
    if found.attention is not None and expected.attention is not None:
        torch.testing.assert_close(found.attention, expected.attention, atol=1e-5, rtol=0)


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_stages_side_by_side_are_the_stages_one_after_the_other(
    pipeline: TauePipeline, family: str
) -> None:
    """With two, one and two prompts; with guidance 7.5, 5 and none; the first is listened to."""
    pipeline.scheduler = build(family)
    backbone = SDXLBackbone(pipeline, 128, 128)
    foreground = alone(backbone, Scene(backbone).foreground())
    apple = seedling_of(foreground, region())
    composite = alone(backbone, Scene(backbone).composite(apple))
    around = seedling_of(composite, 1 - region())
    background = alone(backbone, Scene(backbone).background(around))

    scene = Scene(backbone)  # generators begin anew
    rows = [scene.foreground(), scene.composite(apple), scene.background(around)]
    found = cultivate(backbone, rows, SETTINGS)
    # What adds noise at every step draws it from the row's own generator.
    for ours, theirs in zip(found, (foreground, composite, background), strict=True):
        assert_equal(ours, theirs)
    assert foreground.attention is not None and composite.attention is None
    assert [one.evaluations for one in found] == [2 * len(alone_steps(family))] * 2 + [
        len(alone_steps(family))
    ]


def test_attention_counts_from_a_share_of_the_steps_on(backbone: SDXLBackbone) -> None:
    """Of three steps before the harvest all, the last two, the last."""
    maps: list[Tensor] = []
    for share, first in ((0.0, 0), (0.4, 1), (0.95, 2)):
        settings = replace(SETTINGS, attention_from=share)
        growth = Growth(Scene(backbone).foreground(), backbone, settings)
        assert first in growth.turns  # attention is heard anew from there
        for growth.index in range(STEPS):
            assert bool(growth.listen_to) == (first <= growth.index < CROP)
        seen = alone(backbone, Scene(backbone).foreground(), settings).attention
        assert seen is not None
        maps.append(seen)
    assert all(not torch.equal(one, other) for one, other in combinations(maps, 2))


def alone_steps(family: str) -> range:
    return range({"heun": 2 * STEPS - 1, "pndm": STEPS + 1}.get(family, STEPS))


@pytest.mark.slow
@pytest.mark.parametrize("family", DETERMINISTIC)
def test_a_row_that_begins_later_is_the_row(pipeline: TauePipeline, family: str) -> None:
    """Multistep solvers remember their own row's steps alone."""
    pipeline.scheduler = build(family)
    backbone = SDXLBackbone(pipeline, 128, 128)
    scene = Scene(backbone)
    first = scene.foreground()
    later = replace(scene.foreground(), noise=normal(7), subject=2)
    seen: list[tuple[tuple[int, ...], int]] = []
    found = cultivate(
        backbone, [first, replace(later, begins=2)], SETTINGS,
        lambda step: seen.append((step.subjects, step.index)),
    )  # fmt: skip
    for ours, row in zip(found, (first, later), strict=True):
        assert_equal(ours, alone(backbone, row))
    both = [one for i in range(2, STEPS) for one in (((1,), i), ((2,), i - 2))]
    assert seen == [((1,), 0), ((1,), 1), *both, ((2,), 4), ((2,), 5)]


def test_a_gap_in_which_nothing_grows_costs_nothing(backbone: SDXLBackbone) -> None:
    row = replace(Scene(backbone).foreground(), begins=4)
    assert_equal(alone(backbone, row), alone(backbone, replace(row, begins=0)), 0)


# Sources that still grow


def test_a_row_waits_for_its_sources_harvest(backbone: SDXLBackbone) -> None:
    scene = Scene(backbone)
    rows = [scene.background(Live(1)), scene.composite(Live(2)), scene.foreground()]
    seen: list[tuple[str, int]] = []
    cultivate(backbone, rows, SETTINGS, lambda step: seen.append((step.stage, step.index)))
    assert seen.index(("composite", 0)) > seen.index(("foreground", CROP))
    assert seen.index(("composite", 0)) < seen.index(("foreground", CROP + 1)) + 2
    assert seen.index(("background", 0)) > seen.index(("composite", CROP))
    assert len(seen) == 3 * STEPS


def test_what_continues_from_an_estimate_is_a_source_at_once(backbone: SDXLBackbone) -> None:
    scene = Scene(backbone)
    continued = replace(scene.foreground(), estimate=normal(9), listen_to=())
    seen: list[tuple[str, int]] = []
    cultivate(
        backbone, [continued, scene.composite(Live(0))], SETTINGS,
        lambda step: seen.append((step.stage, step.index)),
    )  # fmt: skip
    assert seen[:2] == [("foreground", CROP), ("composite", 0)]


@pytest.mark.slow
@torch.no_grad()
@pytest.mark.parametrize(
    ("reading", "begins"),
    [
        ("background", 0),
        ("background", 2),
        ("background", None),
        ("composite", 0),
        ("composite", None),
    ],
)
@pytest.mark.parametrize("family", ["euler", "ddim"])
def test_a_live_source_is_the_loop_written_out_by_hand(
    pipeline: TauePipeline, family: str, reading: str, begins: int | None
) -> None:
    """Planted around and under one prompt; planted inside, two prompts by region, then released."""
    pipeline.scheduler = build(family)
    backbone = SDXLBackbone(pipeline, 128, 128)
    scene, settings = Scene(backbone), replace(SETTINGS, sharpening=0.0)
    row = scene.background(Live(0)) if reading == "background" else scene.composite(Live(0))
    row = replace(row, begins=begins)
    source, reader = cultivate(backbone, [scene.foreground(), row], settings)

    own, other = backbone.new_scheduler(STEPS), backbone.new_scheduler(STEPS)
    a, b = (one * own.init_noise_sigma for one in (normal(1), row.noise))
    # x = signal x0 + noise eps
    if family == "euler":
        pairs = [(1.0, s) for s in own.sigmas.tolist()[:-1]]
    else:
        pairs = [(c**0.5, (1 - c) ** 0.5) for c in own.alphas_cumprod[own.timesteps].tolist()]
    denoised, noise = torch.zeros_like(a), a / pairs[0][1]
    first = CROP + 1 if begins is None else begins
    cells = 1 - region() if reading == "background" else region()
    for tick in range(first + STEPS):
        before = denoised, noise
        if tick < STEPS:
            timestep, (signal, amount) = own.timesteps[tick], pairs[tick]
            scaled = own.scale_model_input(a, timestep)
            apple = Conditioning((scene.apple,), scene.apple, 7.5)
            predicted = backbone.predict(scaled, timestep[None], [apple])
            denoised, noise = (a - amount * predicted) / signal, predicted
            a = own.step(predicted, timestep, a, return_dict=False)[0]
        i = tick - first
        if i >= 0:
            timestep, (signal, amount) = other.timesteps[i], pairs[i]
            if i <= CROP:
                planted = signal * before[0] + amount * before[1]
                b = cells * planted + (1 - cells) * b
            scaled = other.scale_model_input(b, timestep)
            told = row.conditioning if i < CROP else row.released or row.conditioning
            with backbone.attending([told], [()]):
                predicted = backbone.predict(scaled, timestep[None], [told])
            if i < CROP:
                predicted = cells * before[1] + (1 - cells) * predicted
            b = other.step(predicted, timestep, b, return_dict=False)[0]
    torch.testing.assert_close(source.latents, a, atol=1e-5, rtol=0)
    torch.testing.assert_close(reader.latents, b, atol=1e-5, rtol=0)


def test_side_by_side_from_the_start_a_live_source_is_copied_step_by_step(
    backbone: SDXLBackbone,
) -> None:
    """At one level the line through a source's estimate is where its Euler step leads."""
    scene, settings = Scene(backbone), replace(SETTINGS, sharpening=0.0)
    seen: dict[tuple[str, int], Tensor] = {}
    cultivate(
        backbone, [scene.foreground(), scene.composite(Live(0), begins=0)], settings,
        lambda step: seen.__setitem__((step.stage, step.index), step.latents),
    )  # fmt: skip
    for index in range(CROP - 1):
        # The composite follows the estimate that was there when the step began.
        copied = seen["composite", index + 1] - seen["foreground", index + 1]
        assert (copied * region()).abs().max() < (copied * (1 - region())).abs().max()


def test_a_live_source_that_is_held_to_the_end_ends_as_the_source_does(
    backbone: SDXLBackbone,
) -> None:
    scene = Scene(backbone)
    planting = Planting(Live(0), region(), to_end=True, crop_ratio=0.5)
    rows = [scene.foreground(), scene.composite(Live(0), begins=0, plantings=(planting,))]
    source, reader = cultivate(backbone, rows, SETTINGS)
    error = (source.latents - reader.latents) * region()
    assert error.abs().max() < 1e-5


@pytest.mark.parametrize("sources", [(0, 1), (1, 0), (1, 5), (1, -1)])
def test_rows_that_wait_in_vain_are_declined(
    backbone: SDXLBackbone, sources: tuple[int, int]
) -> None:
    scene = Scene(backbone)
    first, second = (scene.composite(Live(source)) for source in sources)
    with pytest.raises(ValueError, match=r"row \d waits for row -?\d in vain"):
        cultivate(backbone, [first, second], SETTINGS)


# Who looks on


@pytest.mark.slow
def test_observers_see_stages_apart_and_change_their_own_rows(backbone: SDXLBackbone) -> None:
    scene = Scene(backbone)
    second = replace(scene.foreground(), noise=normal(7), subject=2)
    planted = Seedling(normal(4), normal(5), Level(1.0, 1.5), region(), region())
    rows = [scene.foreground(), scene.composite(planted), second]
    plain = cultivate(backbone, rows, SETTINGS)
    seen: list[tuple[str, tuple[int, ...], int, int]] = []

    def observe(step: Step) -> None:
        assert step.latents.shape == (max(1, len(step.subjects)), 4, 16, 16)
        seen.append((step.stage, step.subjects, step.index, step.count))
        if step.stage == "composite" and step.index == STEPS - 1:
            step.latents = torch.zeros_like(step.latents)

    found = cultivate(backbone, rows, SETTINGS, observe)
    kinds: list[tuple[str, tuple[int, ...]]] = [("foreground", (1, 2)), ("composite", ())]
    assert seen == [(*kind, i, STEPS) for i in range(STEPS) for kind in kinds]
    assert not found[1].latents.any()
    assert torch.equal(found[0].latents, plain[0].latents)
    assert torch.equal(found[2].latents, plain[2].latents)


@pytest.mark.parametrize("at", [("foreground", CROP + 1), ("composite", 0)])
def test_an_interruption_ends_all_rows_and_those_that_never_began(
    backbone: SDXLBackbone, at: tuple[str, int]
) -> None:
    """Whichever stage's observer it was that asked for it, both of the same iteration."""
    scene = Scene(backbone)
    rows = [scene.foreground(), scene.composite(Live(0)), scene.background(Live(1))]

    def observe(step: Step) -> None:
        step.interrupted = (step.stage, step.index) == at

    before = dict(backbone.pipeline.unet.attn_processors)
    found = cultivate(backbone, rows, SETTINGS, observe)
    assert all(one.interrupted for one in found)
    assert [one.evaluations for one in found] == [2 * (CROP + 2), 2, 0]
    never = found[2]
    levels = backbone.new_scheduler(STEPS)
    assert torch.equal(never.latents, normal(3) * levels.init_noise_sigma)
    assert not never.denoised.any() and never.seconds == 0
    after = backbone.pipeline.unet.attn_processors
    assert all(after[name] is before[name] for name in before)


def test_the_pipelines_watch_shows_stages_side_by_side(
    pipeline: TauePipeline, backbone: SDXLBackbone
) -> None:
    seen: list[tuple[str, tuple[int, ...], int]] = []

    def callback(own: Any, step: int, timestep: Any, handed: dict[str, Any]) -> dict[str, Any]:
        assert own.num_timesteps == handed["steps"] == STEPS
        seen.append((handed["stage"], handed["subjects"], step))
        return handed

    pipeline._interrupt = False
    watch = StageWatch(pipeline, callback)
    scene = Scene(backbone)
    rows = [scene.foreground(), scene.composite(Live(0))]
    cultivate(backbone, rows, SETTINGS, watch)
    assert not watch.bars  # all closed
    own = [("foreground", (1,), i) for i in range(STEPS)]
    assert [one for one in seen if one[0] == "foreground"] == own
    assert [one for one in seen if one[0] == "composite"] == [
        ("composite", (), i) for i in range(STEPS)
    ]

    def interrupt(own: Any, step: int, timestep: Any, handed: dict[str, Any]) -> dict[str, Any]:
        own._interrupt = True
        return handed

    watch = StageWatch(pipeline, interrupt)
    cultivate(backbone, rows, SETTINGS, watch)
    assert not watch.bars and watch.interrupted
    pipeline._interrupt = False


def test_the_time_of_a_pass_is_shared_by_what_its_rows_cost(backbone: SDXLBackbone) -> None:
    import time

    scene = Scene(backbone)
    around = Seedling(normal(4), normal(5), Level(1.0, 1.5), region(), region())
    second = replace(scene.foreground(), noise=normal(7), subject=2)
    rows = [scene.foreground(), scene.background(around), second]
    started = time.perf_counter()
    found = cultivate(backbone, rows, SETTINGS)
    passed = time.perf_counter() - started
    foreground, background = stage_records(rows, found)
    assert (foreground.stage, foreground.subjects) == ("foreground", (1, 2))
    assert (background.stage, background.subjects) == ("background", ())
    assert (foreground.unet_evaluations, background.unet_evaluations) == (4 * STEPS, STEPS)
    assert 0.5 * passed < foreground.seconds + background.seconds <= passed
    assert foreground.seconds == pytest.approx(4 * background.seconds)


# What is listened to, and what is taken for the object


@pytest.mark.slow
def test_attention_is_that_of_the_steps_before_the_harvest(backbone: SDXLBackbone) -> None:
    row = Scene(backbone).foreground()
    whole, short = alone(backbone, row), alone(backbone, replace(row, until_harvest=True))
    assert whole.attention is not None and short.attention is not None
    assert torch.equal(whole.attention, short.attention)
    torch.testing.assert_close(short.latents, whole.denoised, atol=0, rtol=0)
    # One step less is another map, so the equality says something.
    earlier = alone(backbone, replace(row, crop_ratio=0.2))
    assert earlier.attention is not None
    assert (earlier.attention - whole.attention).abs().max() > 1e-4


@pytest.mark.parametrize("planting", ["finished", "harvested"])
def test_what_is_finished_keeps_its_holes_and_an_estimate_has_none(
    backbone: SDXLBackbone, planting: str
) -> None:
    """A ring on its key, as the estimate and as the end."""
    settings = replace(SETTINGS, planting=planting)
    context = stages.Context(backbone, settings, NoiseSource(0), lambda step: None)
    prompt = backbone.encode_prompt("a red apple", None)
    condition = stages.SubjectCondition(
        1, prompt, (0.0, 1.0, 1.0, 0.0), CENTRED, fits=True, crop_ratio=0.5
    )
    ring = torch.zeros(16, 16)
    ring[3:13, 3:13] = 1
    ring[6:10, 6:10] = 0
    key = torch.tensor(condition.key).view(1, 4, 1, 1).expand(1, 4, 16, 16)
    shown = torch.where(ring > 0, -key, key)
    harvest = Harvest(shown, shown, normal(1), Level(1.0, 1.0), None, 0, 0.0)
    mask = stages.grown_subject(context, condition, harvest, ring, ended=True).seedling.mask
    assert mask[4, 8] == 1 and mask[0, 0] == 0
    assert mask[8, 8] == (0 if planting == "finished" else 1)


# What a backbone knows of its family


def test_a_backbone_knows_its_canvas(pipeline: TauePipeline) -> None:
    own = SDXLBackbone(pipeline)
    assert own.multiple == 8 and own.size == own.default_size == (128, 128)
    assert own.shape == (1, 4, 16, 16)
    assert SDXLBackbone(pipeline, 64, 200).shape == (1, 4, 8, 25)


@pytest.mark.parametrize("rgb", [(0.0, 1.0, 0.0), (1.0, 0.0, 1.0), (0.5, 0.5, 0.5)])
def test_a_key_is_a_flat_colours_latent(
    painter: TauePipeline, rgb: tuple[float, float, float]
) -> None:
    backbone = SDXLBackbone(painter)
    key = backbone.key(rgb)
    assert key.shape == backbone.shape[1:2]
    flat = backbone.decode(key.view(1, -1, 1, 1).expand(1, -1, 16, 16))[0]
    inner = flat[:, 32:-32, 32:-32].flatten(1)
    off = (inner.median(dim=1).values - torch.tensor(rgb)).abs().max()
    assert off < 20 / 255  # pure colours are hard on an autoencoder
    picture = torch.tensor(rgb).view(1, 3, 1, 1).expand(1, 3, 256, 256)
    cells = backbone.encode(picture)[0, :, 8:-8, 8:-8].flatten(1)
    torch.testing.assert_close(cells.median(dim=1).values, key, atol=5e-3, rtol=0)


def test_prompts_and_regions_go_together(backbone: SDXLBackbone) -> None:
    prompt = backbone.encode_prompt("desert", None)
    with pytest.raises(ValueError, match="2 prompts for 1 regions"):
        Conditioning((prompt, prompt), prompt, 5.0)


def test_equations_of_planting_are_those_that_are_called() -> None:
    level, one, two = Level(0.25, 0.75), normal(1), normal(2)
    assert torch.equal(level.mix(one, two), equations.planted(one, two, 0.25, 0.75))


def test_every_key_that_can_be_asked_for_is_a_colour_of_the_backbone(
    backbone: SDXLBackbone,
) -> None:
    assert set(backbone.keys) == set(KEYS) == set(painted_key.KEYS)
    assert {len(key) for key in backbone.keys.values()} == {backbone.shape[1]}
    for prompt, name in (("a green apple", "magenta"), ("a purple mug", "green")):
        assert Settings().key_for(prompt) == name
    assert Settings(key="blue").key_for("a blue car") == "blue"
