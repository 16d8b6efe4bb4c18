"""The rival that draws all layers jointly: its attention, its weights, and the method at tiny
size."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

import drawn_runs
import published
import tiny_models
from taue.errors import TaueError
from taue.evaluation.items import read_item
from taue.evaluation.methods.layerdiffuse_joint import DECODER, JOINT
from taue.evaluation.methods.sharing import (
    PICTURES,
    attention_layers,
    read_sharing,
    sharing_attention,
)
from taue.evaluation.runs import ITEMS, read_run
from tiny_networks import save_joint


@pytest.fixture(scope="module")
def pipeline(tiny_folders: Callable[[str], Path]) -> Path:
    return tiny_folders("sd15")


@pytest.fixture(scope="module")
def unet() -> Any:
    return tiny_models.sd15().unet


@pytest.fixture(scope="module")
def weights(unet: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_joint(tmp_path_factory.mktemp("weights") / "joint", unet)


call = partial(drawn_runs.call, method="layerdiffuse-joint")


def predicted(unet: Any, latents: torch.Tensor, text: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return unet(latents, 500, text).sample


def test_layers_are_counted_as_in_the_released_file() -> None:
    with torch.device("meta"):
        layers = attention_layers(published.sd15().unet)
    # Of Stability's names: input blocks 1, 2, 4, 5, 7 and 8, output blocks 3 to 11, the middle.
    assert len(layers) == 32
    assert layers[0] == "down_blocks.0.attentions.0.transformer_blocks.0.attn1"
    assert layers[11] == "down_blocks.2.attentions.1.transformer_blocks.0.attn2"
    assert layers[12] == "up_blocks.1.attentions.0.transformer_blocks.0.attn1"
    assert layers[29] == "up_blocks.3.attentions.2.transformer_blocks.0.attn2"
    assert layers[30:] == [f"mid_block.attentions.0.transformer_blocks.0.attn{i}" for i in (1, 2)]


def test_pictures_look_at_each_other_within_a_block_alone(unet: Any, weights: Path) -> None:
    processors = read_sharing(load_file(weights / JOINT), unet)
    latents = torch.randn(2 * PICTURES, 4, 8, 8)
    text = torch.randn(2 * PICTURES, 5, unet.config.cross_attention_dim)
    plain = predicted(unet, latents, text)
    changed = latents.clone()
    changed[0] += 1
    with sharing_attention(unet, processors):
        one, other = (predicted(unet, some, text) for some in (latents, changed))
        first, last = (
            predicted(unet, latents[part], text[part])
            for part in (slice(0, PICTURES), slice(PICTURES, None))
        )
    assert not torch.allclose(one, plain, atol=1e-3)
    different = (one - other).abs().amax((1, 2, 3)) > 1e-4
    assert different.tolist() == [True] * PICTURES + [False] * PICTURES
    assert torch.allclose(one, torch.cat([first, last]), atol=1e-4)
    assert torch.equal(predicted(unet, latents, text), plain)  # as it was


def test_offsets_are_each_pictures_own_and_zeros_change_nothing(unet: Any, weights: Path) -> None:
    told = load_file(weights / JOINT)
    latents = torch.randn(PICTURES, 4, 8, 8)
    text = torch.randn(PICTURES, 5, unet.config.cross_attention_dim)
    plain = predicted(unet, latents, text)

    def without(*names: str) -> torch.Tensor:
        some = {k: v * (not any(name in k for name in names)) for k, v in told.items()}
        with sharing_attention(unet, read_sharing(some, unet)):
            return predicted(unet, latents, text)

    between = "temporal_o"
    assert torch.allclose(without(between, "_lora."), plain, atol=1e-4)
    # Without what is between them, a picture has its own offsets and no other's.
    free = without(between, *(f"_lora.{picture}." for picture in (1, 2)))
    different = (free - plain).abs().amax((1, 2, 3)) > 1e-4
    assert different.tolist() == [True, False, False]


@pytest.mark.slow
def test_the_method_draws_three_pictures_at_once(
    weights: Path, one_pair: Path, pipeline: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    done = call(one_pair, run, pipeline, "--layerdiffuse", weights)
    assert done.exit_code == 0, done.stderr
    item = read_item(run / ITEMS / "000001")
    assert item.background is not None and item.foreground is not None and item.mask is not None
    assert item.cost.unet_evaluations == 12  # two steps of three pictures with guidance
    assert not (item.background == item.composite).all()
    assert item.mask.min() < item.mask.max()
    told = read_run(run).options["layerdiffuse"]
    assert all(f"{name}, SHA-256 " in told for name in (JOINT, DECODER))
    again = tmp_path / "again"
    assert call(one_pair, again, pipeline, "--layerdiffuse", weights).exit_code == 0
    for path in (run / ITEMS).rglob("*.png"):
        assert path.read_bytes() == (again / path.relative_to(run)).read_bytes()


@pytest.mark.slow
def test_missing_or_strange_weights_and_another_family_are_one_sentence(
    weights: Path, one_pair: Path, pipeline: Path, tiny_sdxl: Path, tmp_path: Path
) -> None:
    lacking = tmp_path / "lacking"
    lacking.mkdir()
    (lacking / JOINT).write_bytes((weights / JOINT).read_bytes())
    for place, (model, more, sentence) in enumerate(
        [
            (pipeline, [], "method layerdiffuse-joint needs its weights; give --layerdiffuse"),
            (pipeline, ["--layerdiffuse", lacking], f"lacks {DECODER}; take it from"),
            (tiny_sdxl, ["--layerdiffuse", weights], "draws with SD1.5's pipelines"),
        ]
    ):
        done = call(one_pair, tmp_path / f"out-{place}", model, *more)
        assert done.exit_code == 2
        assert sentence in done.stderr, done.stderr


def test_tensors_of_another_model_or_kind_are_refused(unet: Any, weights: Path) -> None:
    told = load_file(weights / JOINT)
    one = next(iter(told))
    for tensors in (
        {},
        {"strange": torch.zeros(1)},
        {name: tensor for name, tensor in told.items() if name != one},
        {**told, one: torch.zeros(1, 1)},
        {**told, "hookers.layers.999.to_q_lora.0.up.weight": torch.zeros(1)},
    ):
        with pytest.raises(TaueError, match="joint weights of LayerDiffuse do not fit"):
            read_sharing(tensors, unet)


def test_a_file_saved_again_reads_the_same(unet: Any, weights: Path, tmp_path: Path) -> None:
    told = load_file(weights / JOINT)
    half = {name: tensor.half() for name, tensor in told.items()}
    save_file(half, tmp_path / JOINT)
    read = read_sharing(load_file(tmp_path / JOINT), unet)
    assert {t.dtype for one in read.values() for t in one.tensors.values()} == {unet.dtype}
