"""A composite that begins from a user's picture, as diffusers' img2img does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from taue import Layers, Scene, TauePipeline
from taue.cli import app
from taue.effort import EFFORTS
from taue.errors import TaueError
from taue.own_pictures import covering
from taue.scene import Request
from taue.settings import Settings

SIDE, STEPS = 64, 10


def picture(width: int = SIDE, height: int = SIDE) -> Image.Image:
    """Blue above, yellow below."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[: height // 2], pixels[height // 2 :] = (20, 60, 220), (250, 220, 40)
    return Image.fromarray(pixels)


@pytest.fixture(scope="module")
def pipe(tiny_sdxl: Path) -> TauePipeline:
    pipe = TauePipeline.from_pretrained(str(tiny_sdxl))
    pipe.set_progress_bar_config(disable=True)
    return pipe


def scene() -> Request:
    return Request.of(Settings(), subjects=[{"prompt": "a red apple"}], background="desert")


def made(pipe: TauePipeline, **changes: Any) -> Layers:
    given: dict[str, Any] = {
        "background": "desert",
        "num_inference_steps": STEPS,
        "height": SIDE,
        "width": SIDE,
        "generator": torch.Generator().manual_seed(1),
        "settings": Settings(quality="best", tries=1),
        "output_type": "latent",
    }
    return pipe(["a red apple"], **{**given, **changes})


def steps_of(pipe: TauePipeline, **changes: Any) -> list[tuple[int, torch.Tensor]]:
    """The composite's steps and what they left."""
    seen: list[tuple[int, torch.Tensor]] = []

    def note(pipe: Any, step: int, timestep: Any, told: dict[str, Any]) -> dict[str, Any]:
        if told["stage"] == "composite":
            seen.append((step, told["latents"].clone()))
        return told

    made(pipe, callback_on_step_end=note, **changes)
    return seen


@pytest.mark.slow
@pytest.mark.parametrize(("strength", "left"), [(0.8, 8), (0.5, 5)])
def test_strength_is_the_share_of_the_steps_that_are_taken(
    pipe: TauePipeline, strength: float, left: int
) -> None:
    seen = steps_of(pipe, image=picture(), strength=strength)
    assert [step for step, _ in seen] == list(range(STEPS - left, STEPS))


@pytest.mark.slow
def test_it_begins_as_diffusers_does(pipe: TauePipeline) -> None:
    """Where nothing is planted, the first step is one from the picture's noised latents."""
    first: dict[str, Any] = {}
    predict = pipe.unet.forward

    def noting(sample: torch.Tensor, timestep: Any, *args: Any, **kwargs: Any) -> Any:
        if len(first) < 1 and noting.composite:  # pyright: ignore[reportFunctionMemberAccess]
            first.update(sample=sample[:1].clone(), timestep=float(timestep.flatten()[0]))
        return predict(sample, timestep, *args, **kwargs)

    noting.composite = False  # pyright: ignore[reportFunctionMemberAccess]

    def note(pipe: Any, step: int, timestep: Any, told: dict[str, Any]) -> dict[str, Any]:
        if told["stage"] == "foreground" and step == STEPS - 1:
            noting.composite = True  # pyright: ignore[reportFunctionMemberAccess]
        return told

    pipe.unet.forward = noting
    try:
        layers = made(pipe, image=picture(), strength=0.6, callback_on_step_end=note)
    finally:
        pipe.unet.forward = predict
    scheduler = type(pipe.scheduler).from_config(pipe.scheduler.config)
    scheduler.set_timesteps(STEPS)
    assert first["timestep"] == float(scheduler.timesteps[4])
    backbone = pipe.backbone(SIDE, SIDE)
    pixels = torch.from_numpy(np.array(picture())).permute(2, 0, 1)[None] / 255
    clean = backbone.encode(pixels)
    sigma = scheduler.sigmas[4]
    noise = (first["sample"] * (sigma**2 + 1) ** 0.5 - clean) / sigma
    outside = layers.seedlings[0].mask == 0
    assert outside.any()
    assert 0.8 < noise[0][:, outside].std() < 1.2  # white noise of unit strength, and no more
    assert noise[0][:, outside].mean().abs() < 0.3


@pytest.mark.slow
def test_all_of_it_is_noise(pipe: TauePipeline) -> None:
    plain, whole = made(pipe), made(pipe, image=picture(), strength=1.0)
    torch.testing.assert_close(plain.composite, whole.composite, rtol=0, atol=0)
    part = made(pipe, image=picture(), strength=0.5)
    assert (plain.composite - part.composite).abs().max() > 0.1
    torch.testing.assert_close(plain.foregrounds[0], part.foregrounds[0], rtol=0, atol=0)


def test_what_does_not_go_together_is_refused_by_its_field(pipe: TauePipeline) -> None:
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"strength": 0.5}, "strength is given without an image"),
        ({"image": picture(), "strength": 0.4}, "init.strength is 0.4, too little to plant"),
        ({"image": picture(), "strength": 0.0}, "init.strength is 0.0; give a number above 0"),
        ({"image": picture(), "strength": 1.1}, "init.strength is 1.1; give a number above 0"),
        ({"image": 3}, "init.image is 3; give a path or, in Python, a picture"),
        ({"image": Image.new("RGBA", (9, 9))}, "has transparent parts; flatten it first"),
        ({"image": picture(), "background_image": picture()}, "given besides background_image"),
        (
            {"image": picture(), "settings": Settings(noise_blending="none")},
            'init.image needs noise_blending "two-phase"',
        ),
        ({"image": picture(), "scenes": [scene()]}, "besides sc"),
    ]
    for changes, says in wrong:
        if "scenes" in changes:
            changes |= {"background": None, "settings": None, "num_inference_steps": None}
            changes |= {"height": None, "width": None}
        with pytest.raises(TaueError, match=says):
            made(pipe, **changes)


def test_what_is_left_out_is_not_forecast() -> None:
    from dataclasses import replace

    effort = EFFORTS["best"]
    assert replace(effort, composite_begin=0.4).evaluations("composite", 50, 0.6) == 60
    assert effort.evaluations("composite", 50, 0.6) == 100


@pytest.mark.slow
def test_a_result_repeats_moves_and_drops_it_elsewhere(
    tiny_sdxl: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    picture(90, 70).save("sketch.png")

    def run(*arguments: Any) -> Any:
        done = CliRunner().invoke(app, [str(a) for a in arguments])
        assert done.exit_code == 0, done.output
        return done

    run(
        "generate", "--model", tiny_sdxl, "--width", SIDE, "--height", SIDE, "--steps", 5,
        "--subject", "a red apple", "--background", "desert", "--box", "0.2,0.2,0.6,0.6",
        "--init-image", "sketch.png", "--strength", 0.7, "--out", "one",
    )  # fmt: skip
    Path("sketch.png").unlink()
    kept = Image.open("one/pictures/init.png")
    np.testing.assert_array_equal(kept, covering(picture(90, 70), (SIDE, SIDE)))
    scene = Scene.load("one")
    assert scene.init is not None and scene.init.strength == 0.7
    run("generate", "one", "--out", "twin")
    assert Path("one/composite.png").read_bytes() == Path("twin/composite.png").read_bytes()

    run("move", "one", "--subject", 1, "--box", "0.3,0.3,0.6,0.6", "--out", "moved")
    assert Scene.load("moved").init is not None
    run("generate", "moved", "--out", "moved-twin")
    assert Path("moved/composite.png").read_bytes() == Path("moved-twin/composite.png").read_bytes()

    run("rebackground", "one", "--background", "the ocean", "--out", "sea")
    sea = Scene.load("sea")
    assert sea.init is None and sea.first_init is not None
    run("generate", "sea", "--out", "sea-twin")
    assert Path("sea/composite.png").read_bytes() == Path("sea-twin/composite.png").read_bytes()

    weaker = CliRunner().invoke(app, ["generate", "one", "--strength", "0.3", "--out", "no"])
    assert weaker.exit_code == 2
    assert weaker.stderr.startswith("Error: ") and "too little to plant" in weaker.stderr
    alone = ["generate", "--subject", "a", "--background", "b", "--strength", "0.5", "--out", "no"]
    refused = CliRunner().invoke(app, alone)
    assert refused.exit_code == 2
    assert "init-image is missing" in refused.stderr, refused.stderr
    assert not Path("no").exists()
    told = CliRunner().invoke(app, ["scene", "--schema"])
    assert "init" in json.loads(told.stdout)["properties"]
