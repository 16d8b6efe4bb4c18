"""The method on a model of another family that paints objects: keys, masks, moves."""

from typing import Any

import pytest
import torch

from taue import Box, Layers, Subject, TauePipeline, equations

APPLE, CAR = Box(0.08, 0.45, 0.36, 0.36), Box(0.52, 0.45, 0.4, 0.36)
RED, BLUE = 0, 2


@pytest.fixture(scope="module")
def pipe() -> TauePipeline:
    pipe = TauePipeline.from_pretrained("paddy-dit")
    pipe.set_progress_bar_config(disable=True)
    return pipe


@pytest.fixture(scope="module")
def scene(pipe: TauePipeline) -> Layers:
    return pipe(
        [Subject("a red apple", box=APPLE), Subject("a blue car", box=CAR)],
        "a sunny beach",
        num_inference_steps=20,
        generator=torch.Generator().manual_seed(3),
        output_type="pt",
    )


def test_it_is_one_of_sd3_with_a_shift(pipe: Any) -> None:
    assert pipe.family == "sd3" and pipe.vae.config.shift_factor != 0
    # Green painted, encoded and decoded is green.
    backbone = pipe.backbone()
    flat = torch.tensor(backbone.keys["green"]).view(1, -1, 1, 1).expand(1, -1, 32, 32)
    inner = backbone.decode(flat)[0, :, 64:-64, 64:-64]
    torch.testing.assert_close(
        inner.mean(dim=(1, 2)), torch.tensor([0.0, 1.0, 0.0]), atol=0.06, rtol=0
    )


@pytest.mark.slow
def test_foregrounds_are_objects_on_flat_keys(scene: Layers) -> None:
    assert scene.warnings == []
    for picture, mask, colour in zip(scene.foregrounds, scene.masks, (RED, BLUE), strict=True):
        ring = equations.border(picture)
        assert ring.std(dim=-1).max() < 0.05
        assert ring.median(dim=-1).values.argmin() == 1  # magenta
        assert 0.03 < mask.mean() < 0.25
        inside = torch.nn.functional.interpolate(mask[None, None], scale_factor=8)[0, 0] > 0
        assert picture[:, inside].mean(dim=1).argmax() == colour


@pytest.mark.slow
def test_subjects_are_in_their_boxes_and_are_composed(scene: Layers) -> None:
    ground = scene.background
    for layer, effect in zip(scene.subjects, scene.effects, strict=True):
        box, alpha = layer.subject.box, layer.image[3]
        assert box is not None
        down = slice(round(256 * box.y), round(256 * (box.y + box.height)))
        across = slice(round(256 * box.x), round(256 * (box.x + box.width)))
        assert alpha[down, across].sum() > 0.85 * alpha.sum()
        ground = ground * (1 - effect[3])
    for layer in scene.subjects:
        alpha = layer.image[3]
        ground = layer.image[:3] * alpha + ground * (1 - alpha)
    assert (ground - scene.composite).abs().max() <= 1.5 / 255


@pytest.mark.slow
def test_a_subject_moves_before_another_background(pipe: TauePipeline, scene: Layers) -> None:
    there = Box(0.1, 0.05, 0.3, 0.3)
    moved = scene.rebackground(pipe, "a city at night", boxes={1: there}, output_type="pt")
    assert moved.background.mean() < 0.6 * scene.background.mean()
    alpha = moved.subjects[0].image[3]
    rows = torch.arange(256.0)
    assert (alpha.sum(dim=1) * rows).sum() / alpha.sum() == pytest.approx(0.2 * 256, abs=20)
    assert moved.subjects[0].image[:3][:, alpha > 0.9].mean(dim=1).argmax() == RED
