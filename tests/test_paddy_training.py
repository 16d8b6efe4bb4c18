"""paddy's training: every stage at toy size, and resuming as if nothing had happened."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from diffusers import StableDiffusionXLPipeline
from torch import Tensor, nn

from taue.paddy.scenes import VOCABULARY
from taue.paddy.train import loop
from taue.paddy.train.autoencoder import (
    encode_pictures,
    random_crop,
    train_autoencoder,
)
from taue.paddy.train.config import Schedule, TrainConfig
from taue.paddy.train.curves import draw_curves
from taue.paddy.train.data import RenderedPictures, picture, render_pictures
from taue.paddy.train.denoiser import build, initial, tokenizers, train_denoiser
from taue.paddy.train.export import export_model
from taue.paddy.train.grow import inherit, load_average
from taue.paddy.train.loop import fit

TINY = Schedule(steps=5, batch=2, learning_rate=1e-3, warmup=2)


def linear_fit(folder: Path, steps_until_kill: int | None) -> nn.Linear:
    """Fit a line for eight steps, saving every two; optionally die on the way."""
    torch.manual_seed(0)
    layer = nn.Linear(3, 1)
    calls = itertools.count()

    def loss(samples: int, generator: torch.Generator) -> dict[str, Tensor]:
        if next(calls) == steps_until_kill:
            raise KeyboardInterrupt
        x = torch.randn(samples, 3, generator=generator)
        return {"loss": (layer(x) - x.sum(dim=1, keepdim=True)).square().mean()}

    schedule = Schedule(steps=8, batch=4, learning_rate=0.05, warmup=2)
    fit(
        "line", nn.ModuleDict({"layer": layer}), loss, schedule, folder=folder, rank=0, workers=1,
        seed=3, ema=0.5, save_every=2,
    )  # fmt: skip
    return layer


def test_a_killed_run_continues_as_it_would_have_gone_on(tmp_path: Path) -> None:
    straight, killed = tmp_path / "straight", tmp_path / "killed"
    straight.mkdir()
    killed.mkdir()
    expected = linear_fit(straight, None)
    with pytest.raises(KeyboardInterrupt):
        linear_fit(killed, 5)
    resumed = linear_fit(killed, None)
    assert torch.equal(expected.weight, resumed.weight)


def test_the_learning_rate_rises_holds_and_falls() -> None:
    schedule = Schedule(steps=100, batch=1, learning_rate=1.0, warmup=10, decay=0.5)
    assert schedule.rate(0) == pytest.approx(0.1)
    assert schedule.rate(30) == 1.0
    assert schedule.rate(75) == pytest.approx(0.5)
    assert 0 < schedule.rate(99) <= 0.02


def test_every_word_is_one_token_and_other_words_still_encode() -> None:
    first, second = tokenizers()
    assert all(len(first.tokenize(word)) == 1 for word in VOCABULARY)
    assert first.pad_token != second.pad_token
    unknown = first("a xylophone").input_ids
    assert unknown[0] == first.bos_token_id
    assert unknown[-1] == first.eos_token_id
    assert len(unknown) > 4


def test_time_ids_tell_crops_and_enlargements_apart() -> None:
    seen = {"whole": 0, "crop": 0, "enlarged": 0}
    for index in range(60):
        image, _, ids = picture(5, index, 64)
        assert image.shape == (64, 64, 3)
        height, width, top, left, target_height, target_width = ids
        assert (target_height, target_width) == (64, 64)
        assert 0 <= top <= height - 64 or top == 0
        assert 0 <= left <= width - 64 or left == 0
        kind = "whole" if height == 64 else "crop" if height > 64 else "enlarged"
        seen[kind] += 1
    assert seen["whole"] > seen["crop"] > 0


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> TrainConfig:
    """A whole training run of a few pictures, its last stage with two workers."""
    folder = tmp_path_factory.mktemp("training")
    config = TrainConfig(
        folder=folder,
        resolution=64,
        scenes=8,
        workers=1,
        autoencoder=TINY,
        denoiser=TINY,
    )
    render_pictures(config)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "LOG_EVERY", TINY.steps)
        train_autoencoder(config)
    encode_pictures(config)
    train_denoiser(replace(config, workers=2))
    export_model(config, folder / "model")
    return config


@pytest.mark.slow
def test_the_stages_end_in_a_model_that_plain_diffusers_loads(run: TrainConfig) -> None:
    assert len(RenderedPictures.open(run.folder)) == run.scenes
    assert json.loads((run.folder / "model" / "vocabulary.json").read_text()) == sorted(VOCABULARY)
    pipe = StableDiffusionXLPipeline.from_pretrained(run.folder / "model")
    pipe.set_progress_bar_config(disable=True)
    image = pipe("a red apple", num_inference_steps=2, output_type="np").images[0]
    assert image.shape == (64, 64, 3)


@pytest.mark.slow
def test_a_run_writes_its_figures_and_draws_its_curve(run: TrainConfig) -> None:
    line = json.loads((run.folder / "autoencoder.jsonl").read_text().splitlines()[-1])
    assert line["step"] == TINY.steps
    assert line["loss"] > 0
    draw_curves(run.folder, run.folder / "curves.png")
    assert (run.folder / "curves.png").stat().st_size > 1000


@pytest.mark.slow
def test_a_run_at_the_same_depth_continues_with_every_weight(
    run: TrainConfig, tmp_path: Path
) -> None:
    grown = initial(replace(run, folder=tmp_path, resolution=128, grow=run.folder))
    trained = build(run)
    load_average(trained, run.folder)
    for name, value in trained.state_dict().items():
        assert torch.equal(grown.state_dict()[name], value), name


def test_one_level_more_moves_the_old_ones_down(tmp_path: Path) -> None:
    smaller = build(TrainConfig(folder=tmp_path, resolution=128, seed=1))
    larger = build(TrainConfig(folder=tmp_path, resolution=256, seed=2))
    fresh = set(inherit(larger, smaller))
    old, new = smaller.state_dict(), larger.state_dict()
    for name in (
        "unet.down_blocks.1.attentions.0.proj_in.weight",
        "unet.mid_block.resnets.0.conv1.weight",
        "unet.up_blocks.0.attentions.1.proj_in.weight",
        "text_encoder_2.text_projection.weight",
    ):
        moved = name.replace("down_blocks.1", "down_blocks.2")
        assert torch.equal(new[moved], old[name])
    assert "unet.conv_in.weight" in fresh
    assert all("text_encoder" not in name for name in fresh)
    kept = sum(new[name].numel() for name in fresh) / sum(v.numel() for v in new.values())
    assert kept < 0.05


def test_the_thinner_time_input_sums_neighbouring_frequencies(tmp_path: Path) -> None:
    smaller = build(TrainConfig(folder=tmp_path, resolution=128))
    larger = build(TrainConfig(folder=tmp_path, resolution=256))
    inherit(larger, smaller)
    name = "unet.time_embedding.linear_1.weight"
    full, folded = smaller.state_dict()[name], larger.state_dict()[name]
    assert folded.shape == (full.shape[0], full.shape[1] // 2)
    assert torch.allclose(folded[:, 0], full[:, 0] + full[:, 1])
    assert torch.allclose(folded[:, -1], full[:, -2] + full[:, -1])


def test_crops_are_pieces_of_the_pictures() -> None:
    images = torch.arange(2 * 3 * 12 * 10.0).view(2, 3, 12, 10)
    generator = torch.Generator().manual_seed(0)
    places = set()
    for _ in range(40):
        piece = random_crop(images, 8, generator)
        assert piece.shape == (2, 3, 8, 8)
        top, left = divmod(int(piece[0, 0, 0, 0]), 10)
        assert torch.equal(piece, images[..., top : top + 8, left : left + 8])
        places.add((top, left))
    assert len(places) > 5
    assert torch.equal(random_crop(images, 64, generator), images)
