"""The transplant law: at the crop step a planted region is the filtered seedling, exactly."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import StableDiffusionXLPipeline
from torch import Tensor

from flowing import FlowingBackbone
from schedulers import DETERMINISTIC, DETERMINISTIC_FLOWS, EXPLODING, FAMILIES, FLOWS, build
from taue import equations
from taue.backbones import Conditioning
from taue.backbones.sdxl import SDXLBackbone
from taue.cultivate import cultivate
from taue.errors import TaueError
from taue.rows import Harvest, Row, Step
from taue.seedling import Seedling
from taue.settings import Settings
from taue.solver import Solver
from taue.space import Level, NoiseLevels, noise_levels
from taue.transplant import Live, Planting, Transplant, filtered

SETTINGS = Settings(num_inference_steps=6, crop_ratio=0.5, sharpening=0.3)
CROP = 3
"""k of 6 steps at a ratio of one half."""


@pytest.fixture(scope="module")
def pipeline(tiny_sdxl: Path) -> Any:
    return StableDiffusionXLPipeline.from_pretrained(tiny_sdxl)


@pytest.fixture(scope="module")
def conditioning(pipeline: Any) -> tuple[Conditioning, Conditioning]:
    backbone = SDXLBackbone(pipeline, 128, 128)
    apple, desert, both = (
        backbone.encode_prompt(p, None) for p in ("a red apple", "desert", "a red apple, desert")
    )
    masks = torch.stack([region(), 1 - region()])
    alone = Conditioning((apple,), apple, 7.5)
    return alone, Conditioning((apple, desert), both, 5.0, masks)


def normal(seed: int) -> Tensor:
    return torch.randn(1, 4, 16, 16, generator=torch.Generator().manual_seed(seed))


def region() -> Tensor:
    mask = torch.zeros(16, 16)
    mask[4:11, 5:13] = 1
    return mask


OTHER_STEPS = {
    "dpm++2m": 4,  # sigmas 1.27 and 0.79 about the 0.93 of SDXL's third step of six
    "unipc": 4,
    "lcm": 4,
    "pndm": 4,  # it comes to its second level twice
    "flow-euler-shifted": 4,
    "flow-euler-karras": 1,
    "flow-dpm++2m": 5,
    "flow-dpm++2s": 5,
    "flow-unipc": 5,
}
"""k on schedules whose third step has another level than SDXL's."""


def crop_index(family: str) -> int:
    """Where step k begins: Heun takes two iterations a step."""
    return OTHER_STEPS.get(family, CROP) * (2 if family.endswith("heun") else 1)


def backbone_for(pipeline: Any, family: str, **changes: Any) -> SDXLBackbone:
    """The tiny network under a scheduler family."""
    if family in FLOWS:
        return FlowingBackbone(pipeline, family)
    pipeline.scheduler = build(family, **changes)
    return SDXLBackbone(pipeline, 128, 128)


Grow = Callable[..., tuple[Harvest, NoiseLevels]]


@pytest.fixture
def grow(pipeline: Any, conditioning: tuple[Conditioning, Conditioning]) -> Grow:
    """Runs a pass under a scheduler family: a foreground, or a composite if a seedling is given."""

    def run(
        family: str,
        seedling: Seedling | None = None,
        settings: Settings = SETTINGS,
        observe: Callable[[Step], None] = lambda step: None,
        row_changes: dict[str, Any] | None = None,
        **changes: Any,
    ) -> tuple[Harvest, NoiseLevels]:
        backbone = backbone_for(pipeline, family, **changes)
        alone, together = conditioning
        generator = torch.Generator().manual_seed(5)
        if seedling is None:
            row = Row("foreground", normal(1), alone, generator, crop_ratio=0.5)
        else:
            planted = (Planting(seedling, region(), crop_ratio=0.5),)
            row = Row(
                "composite", normal(2), together, generator, plantings=planted, crop_ratio=0.5
            )
        row = replace(row, **(row_changes or {}))
        levels = noise_levels(backbone.new_scheduler(settings.num_inference_steps))
        return cultivate(backbone, [row], settings, observe)[0], levels

    return run


def seedling_of(harvest: Harvest) -> Seedling:
    return Seedling(harvest.denoised, harvest.noise, harvest.level, region(), region())


def sharpened(denoised: Tensor) -> Tensor:
    """f of the estimate by its definition: extended beyond the region, then sharpened."""
    extended = equations.extend_edges(denoised, region()[None, None])
    return equations.high_pass(extended, SETTINGS.sharpening)


def assert_planted(found: Tensor, expected: Tensor, atol: float = 1e-4) -> None:
    error = ((found - expected) * region()).abs().max().item()
    assert error < atol, f"the region is off by {error:.2e}"


DRAWING = {"euler-ancestral", "lcm", "flow-euler-stochastic", "flow-lcm"}
"""Families whose steps add noise of their own."""


@pytest.mark.slow
@pytest.mark.parametrize("family", [*FAMILIES, *FLOWS])
def test_at_the_crop_step_the_region_is_the_filtered_seedling(grow: Grow, family: str) -> None:
    harvest, levels = grow(family)
    seedling = seedling_of(harvest)
    sigma = levels.sigmas[crop_index(family)]
    assert harvest.sigma == sigma
    seen: dict[int, Tensor] = {}
    composite, _ = grow(
        family, seedling, observe=lambda step: seen.__setitem__(step.index, step.latents)
    )
    expected = sharpened(seedling.denoised) + sigma * seedling.noise
    # What the network saw at step k, put together again from the estimate and the noise.
    assert_planted(composite.denoised + composite.sigma * composite.noise, expected)
    if family not in DRAWING:
        before = seen[crop_index(family) - 1] / levels[crop_index(family)].signal
        assert_planted(before, expected)
    outside = (composite.denoised - seedling.denoised) * (1 - region())
    assert outside.abs().max() > 0.1


@pytest.mark.slow
def test_the_released_prompt_takes_over_at_the_crop_step(
    grow: Grow, conditioning: tuple[Conditioning, Conditioning]
) -> None:
    harvest, _ = grow("euler")
    seen: list[dict[int, Tensor]] = [{}, {}]
    alone, _ = conditioning
    for steps, released in zip(seen, (None, alone), strict=True):
        grow(
            "euler",
            seedling_of(harvest),
            observe=lambda step, steps=steps: steps.__setitem__(step.index, step.latents),
            row_changes={"released": released},
        )
    assert all(torch.equal(seen[0][i], seen[1][i]) for i in range(CROP))
    assert (seen[0][CROP] - seen[1][CROP]).abs().max() > 1e-3


def test_what_continues_from_an_estimate_is_harvested_as_it_came(grow: Grow) -> None:
    harvest, levels = grow("euler", row_changes={"estimate": normal(7)})
    assert torch.equal(harvest.denoised, normal(7)) and torch.equal(harvest.noise, normal(1))
    assert harvest.sigma == levels.sigmas[CROP]


def test_from_the_crop_step_on_the_region_is_free(grow: Grow) -> None:
    harvest, levels = grow("euler")
    seen: dict[int, Tensor] = {}
    grow(
        "euler",
        seedling_of(harvest),
        observe=lambda step: seen.__setitem__(step.index, step.latents),
    )
    line = sharpened(harvest.denoised) + levels.sigmas[CROP + 1] * harvest.noise
    assert ((seen[CROP] - line) * region()).abs().max() > 1e-2


@pytest.mark.slow
@torch.no_grad()
@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
@pytest.mark.parametrize("family", DETERMINISTIC)
def test_deterministic_schedulers_hold_the_line_by_noise_blending_alone(
    grow: Grow, pipeline: Any, conditioning: tuple[Conditioning, ...], family: str, prediction: str
) -> None:
    seedling = seedling_of(grow(family, prediction_type=prediction)[0])
    backbone = backbone_for(pipeline, family, prediction_type=prediction)
    assert_held_by_blending_alone(backbone, seedling, conditioning[0], crop_index(family))


@pytest.mark.slow
@torch.no_grad()
@pytest.mark.parametrize("family", DETERMINISTIC_FLOWS)
def test_deterministic_flows_hold_the_line_by_blending_alone(
    grow: Grow, pipeline: Any, conditioning: tuple[Conditioning, ...], family: str
) -> None:
    seedling, backbone = seedling_of(grow(family)[0]), backbone_for(pipeline, family)
    assert_held_by_blending_alone(backbone, seedling, conditioning[0], crop_index(family))


def assert_held_by_blending_alone(
    backbone: SDXLBackbone, seedling: Seedling, conditioning: Conditioning, crop: int
) -> None:
    solver = Solver(backbone.new_scheduler(6), None)
    levels, start = solver.levels, solver.levels[0]
    planted = equations.planted(seedling.denoised, seedling.noise, start.signal, start.noise)
    latents = equations.transplant(region(), planted, solver.start(normal(2)))
    for i in range(crop):
        timestep = solver.timestep(i)[None]
        output = backbone.predict(solver.model_input(latents, i), timestep, [conditioning])
        line = levels.output(seedling.denoised, seedling.noise, i)
        latents = solver.step(equations.blend_noise(region(), line, output), latents, i)
    assert_planted(latents / levels[crop].signal, noisy_at_its_own(seedling))


def noisy_at_its_own(seedling: Seedling) -> Tensor:
    """A seedling's latents at its level, in variance-exploding space."""
    return seedling.denoised + seedling.sigma * seedling.noise


@pytest.mark.slow
@pytest.mark.parametrize("family", ["euler", "dpm++2m", "ddim"])
def test_the_law_holds_for_v_prediction_with_zero_terminal_snr(grow: Grow, family: str) -> None:
    changes = {
        "prediction_type": "v_prediction",
        "rescale_betas_zero_snr": True,
        "timestep_spacing": "trailing",
    }
    harvest, levels = grow(family, **changes)
    composite, _ = grow(family, seedling_of(harvest), **changes)
    # Of trailing levels 0.98 is nearest to 0.93, one step later.
    expected = sharpened(harvest.denoised) + levels.sigmas[CROP + 1] * harvest.noise
    assert levels.sigmas[0] > 1000
    assert_planted(composite.denoised + composite.sigma * composite.noise, expected)


@pytest.mark.slow
@pytest.mark.parametrize("family", ["ddim", "dpm++2m", "lcm", "flow-euler-shifted"])
def test_a_seedling_harvested_under_euler_grows_under_another_scheduler(
    grow: Grow, family: str
) -> None:
    # Karras' levels differ from the other scheduler's at every step.
    seedling = seedling_of(grow("euler", use_karras_sigmas=True)[0])
    composite, levels = grow(family, seedling)
    sigma = levels.sigmas[crop_index(family)]
    assert abs(sigma - seedling.sigma) > 0.05
    expected = sharpened(seedling.denoised) + sigma * seedling.noise
    assert_planted(composite.denoised + composite.sigma * composite.noise, expected)


def test_noise_strength_multiplies_the_noise_above_the_crop_level(grow: Grow) -> None:
    harvest, levels = grow("euler")
    settings = replace(SETTINGS, noise_strength=0.8)
    composite, _ = grow("euler", seedling_of(harvest), settings)
    # A fifth of the noise between sigma_0 and sigma_k is missing, at the start and ever after.
    missing = 0.2 * (levels.sigmas[0] - levels.sigmas[CROP]) * harvest.noise
    line = sharpened(harvest.denoised) + levels.sigmas[CROP] * harvest.noise
    assert_planted(composite.denoised + composite.sigma * composite.noise, line - missing)


def test_in_flow_matching_noise_strength_multiplies_noise_in_its_own_units(grow: Grow) -> None:
    harvest, levels = grow("flow-euler")
    settings = replace(SETTINGS, noise_strength=0.8)
    composite, _ = grow("flow-euler", seedling_of(harvest), settings)
    level = levels[CROP]
    missing = 0.2 * (levels[0].noise - level.noise) * harvest.noise
    line = level.mix(sharpened(harvest.denoised), harvest.noise)
    assert_planted(level.mix(composite.denoised, composite.noise), line - missing)


def test_noise_strength_is_declined_where_there_is_nothing_but_noise(grow: Grow) -> None:
    seedling = seedling_of(grow("euler")[0])
    with pytest.raises(TaueError, match=r"^noise_strength is 0.8; give 1 .+\.$"):
        grow(
            "ddim", seedling, replace(SETTINGS, noise_strength=0.8),
            prediction_type="v_prediction", rescale_betas_zero_snr=True,
            timestep_spacing="trailing",
        )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("family", ["euler", "ddim", "heun"])
def test_hold_crop_step_keeps_the_line_for_one_step_more(grow: Grow, family: str) -> None:
    harvest, levels = grow(family)
    after = crop_index(family) + (2 if family == "heun" else 1)
    line = sharpened(harvest.denoised) + levels.sigmas[after] * harvest.noise
    for hold in (True, False):
        seen: dict[int, Tensor] = {}
        grow(
            family,
            seedling_of(harvest),
            replace(SETTINGS, hold_crop_step=hold),
            lambda step, seen=seen: seen.__setitem__(step.index, step.latents),
        )
        off = (seen[after - 1] / levels[after].signal - line) * region()
        assert (off.abs().max() < 1e-4) == hold


@pytest.mark.parametrize("family", ["euler", "ddim"])
def test_filter_noisy_sharpens_the_noisy_latents(grow: Grow, family: str) -> None:
    harvest, levels = grow(family)
    composite, _ = grow(family, seedling_of(harvest), replace(SETTINGS, filter_noisy=True))
    noisy = harvest.denoised + levels.sigmas[CROP] * harvest.noise
    expected = equations.high_pass(noisy, SETTINGS.sharpening)
    assert_planted(composite.denoised + composite.sigma * composite.noise, expected)


def test_no_sharpening_plants_the_seedling_as_it_was(grow: Grow) -> None:
    harvest, _ = grow("euler")
    composite, _ = grow("euler", seedling_of(harvest), replace(SETTINGS, sharpening=0.0))
    found = composite.denoised + composite.sigma * composite.noise
    assert_planted(found, harvest.denoised + harvest.sigma * harvest.noise)


@pytest.mark.slow
@pytest.mark.parametrize("family", ["euler", "dpm++2m", "heun"])
def test_a_seedling_replayed_everywhere_grows_into_its_own_foreground(
    grow: Grow, pipeline: Any, conditioning: Sequence[Conditioning], family: str
) -> None:
    """Resuming at step k from what was harvested is the foreground pass itself, if the solver
    keeps no memory; a multistep solver's memory is the planted line and ends close by."""
    settings = replace(SETTINGS, sharpening=0.0)
    harvest, _ = grow(family, settings=settings)
    backbone = SDXLBackbone(pipeline, 128, 128)
    planted = Planting(seedling_of(harvest), torch.ones(16, 16), crop_ratio=0.5)
    row = Row(
        "composite",
        normal(2),
        conditioning[0],
        torch.Generator(),
        plantings=(planted,),
        crop_ratio=0.5,
    )
    again = cultivate(backbone, [row], settings)[0]
    tolerance = 0.2 if family == "dpm++2m" else 1e-4
    assert (again.latents - harvest.latents).abs().max() < tolerance
    # And without the steps before: the estimate and the noise are all there is to know.
    shorter = replace(row, plantings=(), noise=harvest.noise, estimate=harvest.denoised)
    resumed = cultivate(backbone, [shorter], settings)[0]
    assert resumed.evaluations < again.evaluations
    assert (resumed.latents - harvest.latents).abs().max() < tolerance


def test_the_families_cover_both_spaces() -> None:
    assert EXPLODING < set(FAMILIES)


def test_with_harmony_inner_cells_follow_the_line_to_the_end_for_some_steps_more() -> None:
    """Before iterations 0 to 6: the line to the seedling until the third, then to where its stage
    ended until the fifth, with the rim free."""
    levels, settings = noise_levels(build("euler", 6)), replace(SETTINGS, sharpening=0.0)
    cells, final = region(), normal(9)
    seedling = Seedling(normal(3), normal(4), levels[CROP], cells, cells, final)
    planting = Planting(seedling, cells, harmony=1 / 3, crop_ratio=0.5)
    transplant = Transplant([planting], settings, levels, 1, torch.device("cpu"))
    core = torch.zeros(16, 16)
    core[5:10, 6:12] = 1
    nothing, released = torch.zeros(1, 4, 16, 16), CROP + 2
    for index in range(levels.count + 1):
        held = transplant.at(index, [])
        line = levels[index].mix(seedling.denoised, seedling.noise) * cells
        look = levels[index].mix(final, seedling.noise) * core
        expected = line if index <= CROP else look if index <= released else nothing
        torch.testing.assert_close(held.impose(nothing), expected, atol=1e-6, rtol=0)
        steered = cells if index < CROP else core if index < released else torch.zeros(16, 16)
        blended = held.blend(nothing)
        torch.testing.assert_close(blended, seedling.noise * steered, atol=1e-6, rtol=0)


def test_the_look_of_a_source_that_has_not_ended_cannot_be_kept() -> None:
    levels = noise_levels(build("euler", 6))
    for source in (Seedling(normal(3), normal(4), levels[CROP], region(), region()), Live(0)):
        planting = Planting(source, region(), harmony=0.5, crop_ratio=0.5)
        with pytest.raises(TaueError, match=r"^harmony below 1 needs seedlings that know .+\.$"):
            Transplant([planting], SETTINGS, levels, 1, torch.device("cpu"))


@pytest.mark.parametrize("literal", [True, False])
def test_where_nothing_is_shown_yet_nothing_is_sharpened(literal: bool) -> None:
    """A stage that was interrupted before its first step from nothing but noise."""
    seedling = Seedling(normal(3), normal(4), Level(0.0, 1.0), region(), region())
    settings = replace(SETTINGS, filter_noisy=literal)
    denoised, noise = filtered(seedling.estimate, region(), settings)
    assert torch.equal(denoised, seedling.denoised) and torch.equal(noise, seedling.noise)
