"""SDXL-base's full architecture, on the meta device: shapes without weights."""

import itertools
from typing import Any

import pytest
import torch
from diffusers import UNet2DConditionModel

from benchmarks.counted import Architecture, Call
from published import SDXL_UNET
from taue.backbones.cross_attention import (
    AttentionTap,
    RegionBlend,
    cross_attention_sites,
    installed,
)

TOKENS = 77


@pytest.fixture(scope="module")
def unet() -> Any:
    with torch.device("meta"):
        return UNet2DConditionModel.from_config(SDXL_UNET)


def test_seventy_sites_read_the_concatenated_encoders(unet: Any) -> None:
    sites = cross_attention_sites(unet)
    assert len(sites) == 70
    modules = dict(unet.named_modules())
    for name in sites:
        attn = modules[name.removesuffix(".processor")]
        width = attn.to_q.in_features
        assert attn.to_k.weight.shape == attn.to_v.weight.shape == (width, 768 + 1280)
        assert width in (640, 1280) and width // attn.heads == 64


def forward(unet: Any, prompts: int, latents: tuple[int, int] = (128, 128)) -> torch.Tensor:
    with torch.device("meta"):
        return unet(
            torch.empty(2, 4, *latents),
            torch.tensor(500),
            encoder_hidden_states=torch.empty(2, prompts * TOKENS, 2048),
            added_cond_kwargs={"text_embeds": torch.empty(2, 1280), "time_ids": torch.empty(2, 6)},
        ).sample


@pytest.mark.slow
@torch.no_grad()
@pytest.mark.parametrize("latents", [(128, 128), (104, 152)])
def test_two_prompts_by_region_pass_at_full_size(unet: Any, latents: tuple[int, int]) -> None:
    height, width = latents
    blend = RegionBlend(torch.empty(2, 2, height, width, device="meta"))
    with installed(unet, blend.wrap):
        assert forward(unet, prompts=2, latents=latents).shape == (2, 4, height, width)
    # SDXL attends to text at a half and a quarter of the latents.
    quarters = [height * width // 4, height * width // 16]
    assert sorted(blend._weights, reverse=True) == quarters


@pytest.mark.slow
@torch.no_grad()
def test_the_tap_hears_the_full_size(unet: Any) -> None:
    tap = AttentionTap([[1, 2, 3]], 128, 128, TOKENS)
    captured: list[tuple[int, ...]] = []
    add = tap.add
    tap.add = lambda probabilities: (
        captured.append(tuple(probabilities.shape)),
        add(probabilities),
    )[1]
    with installed(unet, tap.wrap):
        assert forward(unet, prompts=1).shape == (2, 4, 128, 128)
    assert len(captured) == 70
    assert set(captured) == {(1, 64 * 64, TOKENS), (1, 32 * 32, TOKENS)}


@pytest.mark.slow
@torch.no_grad()
def test_a_further_subject_costs_the_composite_little(unet: Any) -> None:
    """Each prompt more means its keys, its values and its scores, and nothing else."""
    reading = Architecture(unet, TOKENS)
    costs = [reading.gflops(Call(2, 128, 128, prompts)) for prompts in (2, 3, 4)]
    for fewer, more in itertools.pairwise(costs):
        assert 0 < (more - fewer) / costs[0] < 0.05
