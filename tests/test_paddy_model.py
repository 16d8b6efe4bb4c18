"""The shipped weights: their size, that plain diffusers loads them, and the README's scene."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler, StableDiffusionXLPipeline
from PIL import Image

from taue import Layers, TauePipeline, models
from taue.metrics import inside, outside, psnr
from taue.paddy.scenes import VOCABULARY

GOLDEN = Path(__file__).parent / "golden"
"""Pictures of the README's scene. To make them anew after a change that is meant to change them:
``make demo`` and copy composite.png, background.png and subject-1.png from ``demo`` here."""

MOST_MEGABYTES = 40


@pytest.fixture(scope="module")
def scene() -> Layers:
    """What ``make demo`` makes."""
    pipe = TauePipeline.from_pretrained("paddy")
    pipe.set_progress_bar_config(disable=True)
    return pipe(["a red apple"], "a beach at sunset", generator=torch.Generator().manual_seed(7))


def test_the_weights_fit_the_wheel_and_say_what_they_know() -> None:
    size = sum(path.stat().st_size for path in models.PADDY.rglob("*") if path.is_file())
    assert size < MOST_MEGABYTES * 1e6
    assert models.vocabulary("paddy") == frozenset(VOCABULARY)
    assert models.unknown_words("paddy", "a red zebra")[0][0] == "zebra"
    assert (models.PADDY / "README.md").is_file()


@pytest.mark.slow
def test_plain_diffusers_loads_and_runs_it() -> None:
    pipe = StableDiffusionXLPipeline.from_pretrained(models.PADDY)
    pipe.set_progress_bar_config(disable=True)
    assert {p.dtype for p in pipe.text_encoder_2.parameters()} == {torch.float32}
    assert DDIMScheduler.from_config(pipe.scheduler.config).config["clip_sample"] is False
    image = pipe("a red apple", num_inference_steps=4, output_type="np").images[0]
    assert image.shape == (256, 256, 3)


def test_the_key_latent_decodes_to_green() -> None:
    pipe = StableDiffusionXLPipeline.from_pretrained(models.PADDY)
    key = torch.tensor([0.0, 1.0, 1.0, 0.0]).view(1, 4, 1, 1).expand(1, 4, 16, 16)
    with torch.no_grad():
        picture = pipe.vae.decode(key / pipe.vae.config["scaling_factor"]).sample[0]
    red, green, blue = (picture[:, 32:-32, 32:-32].mean(dim=(1, 2)) / 2 + 0.5).tolist()
    assert green > max(red, blue) + 0.3


@pytest.mark.slow
@pytest.mark.parametrize("name", ["composite", "background", "subject-1"])
def test_the_readmes_scene_is_the_golden_one(scene: Layers, name: str) -> None:
    image = scene.subjects[0].image if name == "subject-1" else scene[name]
    with Image.open(GOLDEN / f"{name}.png") as golden:
        difference = np.asarray(image, np.float32) - np.asarray(golden, np.float32)
    # Processors round differently, and fifty steps carry it on.
    assert np.abs(difference).mean() < 4


@pytest.mark.slow
def test_the_layers_of_the_readmes_scene_agree(scene: Layers) -> None:
    raw = np.asarray(scene.foregrounds[0])
    rgba, composite = np.asarray(scene.subjects[0].image), np.asarray(scene.composite)
    alpha = rgba[..., 3] / 255
    within, beyond = inside(alpha), outside([alpha])
    assert 0.03 < within.mean() < 0.5
    red, green, blue = rgba[within][:, :3].mean(axis=0)
    assert red > 1.5 * max(green, blue)
    key = raw[beyond].astype(np.float32)
    assert key.std(axis=0).max() < 12
    assert key.mean(axis=0)[1] + 40 < key.mean(axis=0)[[0, 2]].min()
    foreground_psnr = psnr(raw, composite, within)
    background_psnr = psnr(np.asarray(scene.background), composite, beyond)
    assert foreground_psnr is not None and foreground_psnr > 10
    assert background_psnr is not None and background_psnr > 20
    # The background shows no apple where the composite does.
    behind = np.asarray(scene.background, np.float32)[within].mean(axis=0)
    there = composite[within].astype(np.float32).mean(axis=0)
    assert np.abs(behind - there).max() > 25
