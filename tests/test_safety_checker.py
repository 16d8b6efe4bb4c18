"""SD1.5's safety checker: asked as its own pipeline asks it, and of layers too."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers.pipelines.stable_diffusion import StableDiffusionSafetyChecker
from PIL import Image
from transformers import CLIPConfig, CLIPImageProcessor

from families import KITS
from taue import Layers, Settings, TauePipeline
from taue.objections import OBJECTED
from taue.stack import flatten


def checker(threshold: float) -> StableDiffusionSafetyChecker:
    """A tiny one, random, that objects to what is like any of its concepts by more than this."""
    small: dict[str, Any] = {
        "hidden_size": 16,
        "intermediate_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "image_size": 8,
        "patch_size": 4,
    }
    with torch.random.fork_rng():
        torch.manual_seed(0)
        made = StableDiffusionSafetyChecker(CLIPConfig(vision_config=small, projection_dim=8))
        made.concept_embeds.copy_(torch.randn(17, 8))
    made.concept_embeds_weights.fill_(threshold)
    made.special_care_embeds_weights.fill_(2.0)
    return made.eval()


@pytest.fixture(scope="module")
def checked() -> Callable[[float], TauePipeline]:
    """The tiny SD1.5 with a checker of this threshold."""
    pipe: Any = KITS["sd15"].pipeline()
    pipe.register_modules(
        feature_extractor=CLIPImageProcessor(
            size={"shortest_edge": 8}, crop_size={"height": 8, "width": 8}
        )
    )

    def of(threshold: float) -> TauePipeline:
        pipe.register_modules(safety_checker=checker(threshold))
        return pipe

    return of


def drawn(pipe: TauePipeline, output_type: str = "np", **changes: Any) -> Layers:
    return pipe(
        ["a red apple"], background="a dark desert", num_inference_steps=2, output_type=output_type,
        generator=torch.Generator().manual_seed(3), settings=Settings(tries=1), **changes,
    )  # fmt: skip


def colours(layers: Layers) -> list[np.ndarray]:
    pictures = [
        layers.composite, layers.background, layers.raw_composite, layers.healed,
        *layers.foregrounds, *layers.effects, *layers.cuts, *layers.refined,
        *(one.image for one in layers.subjects),
    ]  # fmt: skip
    return [np.asarray(one)[..., :3] for one in pictures if one is not None]


@pytest.mark.slow
def test_what_it_objects_to_is_black_with_a_warning(
    checked: Callable[[float], TauePipeline], tmp_path: Path
) -> None:
    """Thresholds below and above what any cosine comes to."""
    plain = drawn(checked(2.0))
    assert OBJECTED not in plain.warnings and plain.composite.max() > 0
    pipe = checked(-2.0)
    layers = drawn(pipe, "pil")
    assert OBJECTED in layers.warnings
    assert all(not one.any() for one in colours(layers)) and len(colours(layers)) > 5
    alpha = np.asarray(layers.subjects[0].image)[..., 3] / 255
    np.testing.assert_allclose(alpha, plain.subjects[0].image[..., 3], atol=1 / 255)
    layers.save(tmp_path / "black.psd")
    assert not flatten(layers.stack().layers)[..., :3].any()
    assert layers.seedlings[0].layer is None  # nothing to go before another background with


@pytest.mark.slow
def test_it_is_asked_of_every_picture_and_as_its_own_pipeline_asks_it(
    checked: Callable[[float], TauePipeline], monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe: Any = checked(2.0)
    seen: list[torch.Tensor] = []
    asked = type(pipe.safety_checker).forward

    def forward(self: Any, clip_input: torch.Tensor, images: Any) -> Any:
        seen.append(clip_input)
        return asked(self, clip_input, images)

    monkeypatch.setattr(type(pipe.safety_checker), "forward", forward)
    layers = drawn(pipe, "pt")
    mine, seen = seen, []
    own = [layers.composite, layers.raw_composite, layers.background, layers.healed]
    pictures = [*own, *layers.foregrounds, *layers.refined]
    assert len(mine) == len(pictures)
    for found, picture in zip(mine, pictures, strict=True):
        pipe.run_safety_checker(picture[None] * 2 - 1, torch.device("cpu"), torch.float32)
        assert torch.equal(found, seen.pop())
    drawn(pipe, "latent")
    assert seen == []  # as in diffusers: there is no picture yet


def test_no_checker_objects_to_nothing() -> None:
    for kit in KITS.values():
        pictures = torch.zeros(2, 3, 8, 8)
        backbone = kit.pipeline().backbone()
        assert not backbone.has_checker
        assert backbone.objections(pictures) == [False, False]


def test_one_picture_of_a_batch_is_told_by_its_place(
    checked: Callable[[float], TauePipeline],
) -> None:
    black, white = torch.zeros(1, 3, 64, 64), torch.ones(1, 3, 64, 64)
    pipe: Any = checked(2.0)
    model = pipe.safety_checker
    clip = pipe.feature_extractor(Image.new("RGB", (64, 64), "white"), return_tensors="pt")
    with torch.no_grad():
        seen = model.visual_projection(model.vision_model(clip.pixel_values)[1])
        model.concept_embeds[0] = seen[0]
        model.concept_embeds_weights[0] = 0.99
    found = pipe.backbone().objections(torch.cat([black, white, black]))
    assert found == [False, True, False]
