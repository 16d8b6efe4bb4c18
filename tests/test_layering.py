"""Layers first: the two stages that make them, and what a result holds of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from schedulers import FAMILIES, build
from taue import Box, Layers, Scene, Subject, TauePipeline, run
from taue.backbones import Conditioning
from taue.backbones.sdxl import SDXLBackbone
from taue.cultivate import cultivate
from taue.files.saved import read_pictures
from taue.layering import mask_on_key
from taue.paddy import scenes
from taue.results.folder import write_result
from taue.results.report import make_report
from taue.rows import Row
from taue.scene.read import KEYWORD
from taue.seedling import Seedling
from taue.settings import Settings
from taue.space import Level
from taue.stack import coverage, flatten, largest_error, stack_of
from taue.transplant import Planting

APPLE = Subject("a red apple", name="apple")


def made(pipe: TauePipeline, **changes: Any) -> Layers:
    given: dict[str, Any] = {
        "subjects": [APPLE],
        "background": "a desert",
        "num_inference_steps": 10,
        "generator": torch.Generator().manual_seed(3),
    }
    return pipe(**{**given, **changes})


@pytest.fixture(scope="module")
def first(painter: TauePipeline) -> Layers:
    return made(painter)


def pixels(image: Any) -> np.ndarray:
    return np.asarray(image, np.int16)


@pytest.mark.slow
def test_what_is_wrong_is_tried_again_and_told(painter: TauePipeline) -> None:
    """The paper's layout only suggests a place; how large the object is the model decides."""
    small = Subject("a yellow duck", box=Box(0.2, 0.6, 0.12, 0.12))
    settings = Settings(
        num_inference_steps=8, placement="suggest", tries=2, layering="difference", quality="best"
    )
    layers = made(painter, subjects=[small], num_inference_steps=None, settings=settings)
    assert layers.records[0].unet_evaluations == 2 * 2 * 8
    assert layers.warnings == [
        "subject 1 (a yellow duck) is far larger than its box; try placement fit or another seed."
    ]


@pytest.mark.slow
def test_what_is_right_is_not_warned_of(first: Layers) -> None:
    assert first.warnings == []
    assert first.records[0].unet_evaluations == 2 * 8 + 2  # begun once, guided for 8 of 10 steps


@pytest.mark.slow
def test_the_composite_is_what_the_layers_show(first: Layers) -> None:
    stack = first.stack()
    assert [layer.role for layer in stack.layers] == ["background", "effects", "subject"]
    assert largest_error(stack.merged, np.asarray(first.composite)) == 0
    assert largest_error(flatten(stack.layers), np.asarray(first.composite)) == 0
    assert stack.of("subject")[0].pixels.tobytes() == first.subjects[0].image.tobytes()
    effects = stack.of("effects")[0].pixels
    assert not effects[..., :3].any()  # black: normal mode and multiply show it alike
    assert 0 < coverage(stack.layers) < 0.1
    raw = first.stack("raw")
    assert raw.of("subject")[0].pixels.tobytes() == first.cuts[0].tobytes()


@pytest.mark.slow
def test_the_three_stages_are_as_without_layers(painter: TauePipeline, first: Layers) -> None:
    other = made(painter, settings=Settings(layering="difference"))
    assert (other.effects, other.cuts, other.healed) == ([], [], None)
    np.testing.assert_array_equal(pixels(other.composite), pixels(first.raw_composite))
    np.testing.assert_array_equal(pixels(other.foregrounds[0]), pixels(first.foregrounds[0]))
    np.testing.assert_array_equal(pixels(other.subjects[0].image), pixels(first.cuts[0]))


@pytest.mark.slow
def test_the_background_is_nearly_as_without_layers(painter: TauePipeline) -> None:
    """Without them its surroundings hold what the object outgrew, too, here a little of it: a tint,
    but no thing."""
    backgrounds = [
        made(
            painter,
            generator=torch.Generator().manual_seed(5),
            settings=Settings(layering=layering),
        ).background
        for layering in ("first", "difference")
    ]
    one, other = map(pixels, backgrounds)
    assert np.abs(one - other).mean() < 1
    assert np.abs(one - other).max() < 25


@pytest.mark.slow
def test_far_from_its_subjects_the_composite_is_the_background(first: Layers) -> None:
    alpha = pixels(first.subjects[0].image)[..., 3]
    rows, columns = np.flatnonzero((alpha > 0).any(1)), np.flatnonzero((alpha > 0).any(0))
    far = np.ones(alpha.shape, bool)
    reach = 42  # 0.16 of the side, and a pixel
    far[
        max(0, rows[0] - reach) : rows[-1] + reach, max(0, columns[0] - reach) : columns[-1] + reach
    ] = 0
    np.testing.assert_array_equal(pixels(first.composite)[far], pixels(first.background)[far])
    assert far.any()


@pytest.mark.slow
def test_the_subject_grows_on_from_what_the_composite_shows(first: Layers) -> None:
    subject, composite = pixels(first.subjects[0].image), pixels(first.raw_composite)
    inner = subject[..., 3] > 250
    difference = np.abs(subject[..., :3] - composite)[inner]
    assert np.median(difference) < 8
    key = np.median(pixels(first.refined[0])[:8].reshape(-1, 3), axis=0)
    assert min(np.abs(key - (255, 0, 255)).max(), np.abs(key - (0, 255, 0)).max()) < 40


def cut_from(layers: Layers) -> list[str]:
    """What the report says of each subject."""
    return [one["cut_from"] for one in make_report(layers, {}, [], {})["subjects"]]


@pytest.mark.slow
def test_the_report_says_which_stage_a_subject_is_cut_from(
    painter: TauePipeline, first: Layers
) -> None:
    assert cut_from(first) == ["refine"]
    assert cut_from(first.rebackground(painter, "a dark forest")) == ["the layer that it had"]


@pytest.mark.slow
def test_without_harmony_the_subject_is_the_foreground_to_the_last_bit(
    painter: TauePipeline, first: Layers
) -> None:
    layers = made(painter, settings=Settings(harmony=0.0))
    subject, cut = pixels(layers.subjects[0].image), pixels(layers.cuts[0])
    assert (subject[..., 3] == 255).any()
    np.testing.assert_array_equal(subject, cut)
    assert cut_from(layers) == ["foreground"]
    assert not np.array_equal(pixels(first.subjects[0].image), pixels(first.cuts[0]))


@pytest.mark.slow
def test_a_key_that_is_named_is_the_fresh_key_too(painter: TauePipeline) -> None:
    layers = made(painter, key="blue")
    assert np.abs(pixels(layers.refined[0])[0, 0] - (0, 0, 255)).max() < 60


@pytest.mark.slow
def test_subjects_have_effects_of_their_own(painter: TauePipeline) -> None:
    layers = made(painter, subjects=["a red apple", Subject("a blue car", name="car")])
    assert len(layers.effects) == len(layers.refined) == 2
    stack = layers.stack()
    assert [layer.stem for layer in stack.layers[1:]] == ["1", "car", "1", "car"]
    assert largest_error(flatten(stack.layers), np.asarray(layers.composite)) == 0


@pytest.mark.slow
def test_a_result_holds_one_picture_of_each_subject_and_reads_back(
    painter: TauePipeline, tmp_path: Path
) -> None:
    scene = Scene.from_data(
        {
            "subjects": [{"name": "apple", "prompt": "a red apple"}],
            "background": "a desert",
            "steps": 4,
        }
    )
    layers = run.make(painter, scene)
    scene = layers.made_scene
    out = tmp_path / "out"
    paths = write_result(layers, make_report(layers, {}, [], {}), out)
    assert all(path.exists() for path in paths)
    one, other = (out / name for name in ("subject-apple.png", "layers/2-subject-apple.png"))
    assert one.read_bytes() == other.read_bytes()
    assert {path.name for path in (out / "raw").iterdir()} == {
        "composite.png", "healed.png", "refined-apple.png",
    }  # fmt: skip
    for path in out.rglob("*.png"):
        with Image.open(path) as image:
            assert image.info[KEYWORD] == scene.dumps(), path
    told = json.loads((out / "report.json").read_text())
    assert told["recomposition"]["largest_error"] == 0
    assert told["healed"]["everywhere"] > told["healed"]["near"] > 10
    read = stack_of(read_pictures(out))
    for ours, theirs in zip(layers.stack().layers, read.layers, strict=True):
        np.testing.assert_array_equal(ours.pixels, theirs.pixels)
        assert (ours.name, ours.stem) == (theirs.name, theirs.stem)
    loaded = Layers.load(out)
    for ours, theirs in zip(layers.stack("raw").layers, loaded.stack("raw").layers, strict=True):
        np.testing.assert_array_equal(ours.pixels, theirs.pixels)
    assert loaded.stack().merged.tobytes() == layers.stack().merged.tobytes()


@pytest.mark.slow
def test_drawing_is_the_inverse_of_decoding(painter: TauePipeline) -> None:
    backbone = SDXLBackbone(painter, 256, 256)
    spec = scenes.sample_spec(np.random.default_rng(5), objects=1)
    picture = scenes.render(spec, 256).composite.astype(np.float32) / 255
    batch = torch.from_numpy(picture).permute(2, 0, 1)[None]
    again = backbone.decode(backbone.encode(torch.cat([batch, 1 - batch])))
    assert again.shape == (2, 3, 256, 256)
    assert -10 * torch.log10((again[:1] - batch).square().mean()) > 26


def test_drawing_undoes_the_autoencoders_own_statistics(tiny_sdxl: Path) -> None:
    pipe = TauePipeline.from_pretrained(str(tiny_sdxl))
    backbone = SDXLBackbone(pipe, 128, 128)
    picture = torch.rand(1, 3, 128, 128, generator=torch.Generator().manual_seed(0))
    plain = backbone.encode(picture)
    pipe.vae.register_to_config(latents_mean=[0.5, 0, 0, 0], latents_std=[2.0, 1, 1, 1])
    moved = backbone.encode(picture)
    factor = pipe.vae.config["scaling_factor"]
    torch.testing.assert_close(moved[:, 0], (plain[:, 0] - 0.5 * factor) / 2)
    torch.testing.assert_close(moved[:, 1:], plain[:, 1:])


# What is held to its end


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_planted_to_the_end_ends_as_it_is_in_its_own_row(
    tiny_sdxl: Path, family: str
) -> None:
    pipe = TauePipeline.from_pretrained(str(tiny_sdxl))
    pipe.scheduler = build(family)
    backbone = SDXLBackbone(pipe, 128, 128)
    encoded = backbone.encode_prompt("a red apple", None)
    settings = Settings(num_inference_steps=6, crop_ratio=0.5, sharpening=0.4, noise_strength=0.7)

    def normal(seed: int, count: int = 1) -> Tensor:
        return torch.randn(count, 4, 16, 16, generator=torch.Generator().manual_seed(seed))

    left = torch.zeros(16, 16)
    left[:, :7] = 1
    seedling = Seedling(normal(1), normal(2), Level(1.0, 1.0), left, left)
    planted = (Planting(seedling, left, to_end=True, crop_ratio=0.5),)
    first, second = normal(3, 2).split(1), normal(4, 2).split(1)

    def grown(plantings: tuple[Planting, ...]) -> list[Tensor]:
        rows = [
            Row(
                stage="refine",
                noise=noise,
                conditioning=Conditioning((encoded,), encoded, 5.0),
                generator=torch.Generator().manual_seed(number),
                estimate=estimate,
                plantings=own,
                crop_ratio=0.5,
            )
            for number, (noise, estimate, own) in enumerate(
                zip(first, second, ((), plantings), strict=True)
            )
        ]
        return [one.latents[0] for one in cultivate(backbone, rows, settings)]

    held, free = grown(planted), grown(())
    error = (held[1] - seedling.denoised[0])[:, left > 0].abs().max()
    assert error < 1e-5
    torch.testing.assert_close(held[0], free[0], atol=1e-4, rtol=1e-4)  # the other row is free
    assert (held[1] - free[1])[:, left == 0].abs().max() > 1e-3  # and its neighbours see it


def test_a_hole_in_a_subject_on_its_fresh_key_stays_a_hole() -> None:
    ring = torch.zeros(16, 16)
    ring[3:13, 3:13] = 1
    ring[6:10, 6:10] = 0
    key = torch.tensor((0.0, 1.0, 1.0, 0.0)).view(1, 4, 1, 1).expand(1, 4, 16, 16)
    region = ring.repeat_interleave(8, 0).repeat_interleave(8, 1).numpy() > 0
    mask = mask_on_key(torch.where(ring > 0, -key, key), region, Settings())
    assert torch.equal(mask, ring)
