"""With the method switched off, a stage is a plain SDXL call."""

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import StableDiffusionXLPipeline
from torch import Tensor

from schedulers import build
from taue import stages
from taue.backbones import Conditioning
from taue.backbones.sdxl import SDXLBackbone
from taue.cultivate import cultivate
from taue.noise import NoiseSource
from taue.rows import Harvest, Row
from taue.scene.subject import CENTRED
from taue.settings import Settings

PROMPT, STEPS = "a red apple at sunset", 5
SETTINGS = Settings(num_inference_steps=STEPS, key_strength=0.0, tries=1, quality="best")
GREEN = (0.0, 1.0, 1.0, 0.0)

ZERO_SNR: dict[str, Any] = {
    "prediction_type": "v_prediction",
    "rescale_betas_zero_snr": True,
    "timestep_spacing": "trailing",
}
SCHEDULERS: dict[str, tuple[str, dict[str, Any]]] = {
    "euler": ("euler", {}),
    "euler-trailing": ("euler", {"timestep_spacing": "trailing"}),
    "ddim": ("ddim", {}),
    "dpm++2m": ("dpm++2m", {}),
    "heun": ("heun", {}),
    "euler-v": ("euler", {"prediction_type": "v_prediction"}),
    "ddim-v": ("ddim", {"prediction_type": "v_prediction"}),
    "euler-v-zero-snr": ("euler", ZERO_SNR),
    "ddim-v-zero-snr": ("ddim", ZERO_SNR),
}


@pytest.fixture(scope="module")
def loaded(tiny_sdxl: Path) -> Any:
    return StableDiffusionXLPipeline.from_pretrained(tiny_sdxl)


@pytest.fixture
def pipeline(loaded: Any) -> Any:
    """A pipeline of its own for every test, so that each may change what it likes."""
    pipeline = StableDiffusionXLPipeline(**copy.deepcopy(loaded.components))
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def plain(pipeline: Any, noise: Tensor, guidance: float, **changes: Any) -> Any:
    return pipeline(
        PROMPT,
        latents=noise,
        num_inference_steps=STEPS,
        guidance_scale=guidance,
        height=8 * noise.shape[-2],
        width=8 * noise.shape[-1],
        **{"output_type": "latent", **changes},
    ).images


def assert_equal_calls(found: Tensor, expected: Tensor) -> None:
    assert found.dtype == expected.dtype == torch.float32
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)


@pytest.mark.slow
@pytest.mark.parametrize("name", SCHEDULERS)
def test_a_listening_foreground_without_key_is_a_plain_call(pipeline: Any, name: str) -> None:
    family, changes = SCHEDULERS[name]
    pipeline.scheduler = build(family, **changes)
    backbone, source = SDXLBackbone(pipeline, 128, 128), NoiseSource(0)
    context = stages.Context(backbone, SETTINGS, source, lambda step: None)
    condition = stages.SubjectCondition(
        1,
        backbone.encode_prompt(PROMPT, None),
        GREEN,
        CENTRED,
        fits=False,
        crop_ratio=SETTINGS.crop_ratio,
    )
    grown = stages.foregrounds(context, [condition])[0]
    noise = source.normal((1, 4, 16, 16), "foreground", 1)
    assert grown.seedling.attention.max() == 1  # it listened
    assert_equal_calls(grown.latents, plain(pipeline, noise, 7.5))


def bare_pass(
    pipeline: Any,
    noise: Tensor,
    guidance: float,
    negative: str | None = None,
    regions: Tensor | None = None,
    **changes: Any,
) -> Harvest:
    height, width = (8 * side for side in noise.shape[-2:])
    backbone = SDXLBackbone(pipeline, height, width)
    prompt = backbone.encode_prompt(PROMPT, negative)
    conditioning = Conditioning((prompt,), prompt, guidance, regions)
    row = Row(
        "background",
        noise,
        conditioning,
        torch.Generator(),
        **changes,
        crop_ratio=SETTINGS.crop_ratio,
    )
    return cultivate(backbone, [row], SETTINGS)[0]


def normal(height: int = 16, width: int = 16) -> Tensor:
    return torch.randn(1, 4, height, width, generator=torch.Generator().manual_seed(3))


@pytest.mark.slow
@pytest.mark.parametrize(("height", "width"), [(16, 16), (9, 17), (24, 8)])
def test_a_background_with_nothing_planted_is_a_plain_call(
    pipeline: Any, height: int, width: int
) -> None:
    noise = normal(height, width)
    assert_equal_calls(bare_pass(pipeline, noise, 5.0).latents, plain(pipeline, noise, 5.0))


def test_one_region_over_everything_is_a_plain_call(pipeline: Any) -> None:
    noise = normal()
    blended = bare_pass(pipeline, noise, 5.0, regions=torch.ones(1, 16, 16))
    assert_equal_calls(blended.latents, plain(pipeline, noise, 5.0))


def test_a_negative_prompt_is_a_plain_calls_negative_prompt(pipeline: Any) -> None:
    found = bare_pass(pipeline, normal(), 5.0, negative="a dark desert").latents
    expected = plain(pipeline, normal(), 5.0, negative_prompt="a dark desert")
    assert_equal_calls(found, expected)
    assert (found - plain(pipeline, normal(), 5.0)).abs().max() > 1e-3


@pytest.mark.parametrize("guidance", [0.0, 1.0])
def test_without_guidance_a_step_is_one_evaluation(pipeline: Any, guidance: float) -> None:
    harvest = bare_pass(pipeline, normal(), guidance, listen_to=(1, 2))
    assert harvest.evaluations == STEPS and harvest.attention is not None
    assert_equal_calls(harvest.latents, plain(pipeline, normal(), guidance))


@pytest.mark.parametrize("family", ["euler-ancestral", "lcm"])
def test_stochastic_schedulers_draw_from_the_plans_generator(pipeline: Any, family: str) -> None:
    pipeline.scheduler = build(family)
    found = bare_pass(pipeline, normal(), 5.0).latents  # the generator's default seed
    expected = plain(pipeline, normal(), 5.0, generator=torch.Generator())
    assert_equal_calls(found, expected)


def decoded(pipeline: Any, latents: Tensor) -> Tensor:
    return SDXLBackbone(pipeline, 128, 128).decode(latents)[0].permute(1, 2, 0)


def assert_equal_pictures(
    pipeline: Any, dtype: torch.dtype = torch.float32, atol: float = 1e-5
) -> Tensor:
    latents = plain(pipeline, normal().to(dtype), 5.0)
    picture = plain(pipeline, normal().to(dtype), 5.0, output_type="np")[0]
    found = decoded(pipeline, latents)
    torch.testing.assert_close(found, torch.from_numpy(picture), atol=atol, rtol=0)
    return found


def test_decoding_is_a_plain_calls_decoding(pipeline: Any) -> None:
    picture = assert_equal_pictures(pipeline)
    assert picture.shape == (128, 128, 3)
    assert picture.std() > 0


@pytest.mark.slow
def test_decoding_heeds_the_vaes_mean_and_deviation(pipeline: Any) -> None:
    before = assert_equal_pictures(pipeline)
    pipeline.vae.register_to_config(
        latents_mean=[0.5, -0.3, 0.2, 0.1], latents_std=[1.2, 0.7, 2.0, 0.9]
    )
    assert (assert_equal_pictures(pipeline) - before).abs().max() > 1e-3


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*upcast_vae:FutureWarning")  # diffusers' own call
@pytest.mark.parametrize("force", [True, False])
def test_half_precision_decoding_heeds_force_upcast(pipeline: Any, force: bool) -> None:
    pipeline.to(dtype=torch.float16)
    pipeline.vae.register_to_config(force_upcast=force)
    seen: list[torch.dtype] = []
    pipeline.vae.post_quant_conv.register_forward_pre_hook(lambda _, x: seen.append(x[0].dtype))
    # Without it diffusers brings even the pixels to [0, 1] in half precision: one last digit.
    found = assert_equal_pictures(pipeline, torch.float16, atol=1e-5 if force else 2**-11)
    assert found.dtype == torch.float32
    assert set(seen) == {torch.float32 if force else torch.float16}
    assert pipeline.vae.dtype == torch.float16  # as it was


def test_latents_stay_float32_between_steps_of_a_half_precision_model(pipeline: Any) -> None:
    pipeline.to(dtype=torch.bfloat16)
    backbone = SDXLBackbone(pipeline, 128, 128)
    prompt = backbone.encode_prompt(PROMPT, None)
    row = Row(
        "background",
        normal(),
        Conditioning((prompt,), prompt, 5.0),
        torch.Generator(),
        crop_ratio=SETTINGS.crop_ratio,
    )
    seen: list[torch.dtype] = []
    harvest = cultivate(backbone, [row], SETTINGS, lambda step: seen.append(step.latents.dtype))[0]
    assert set(seen) == {harvest.latents.dtype} == {torch.float32}
    assert harvest.latents.isfinite().all()
