"""The paper's method by one switch: against its equations written out, field by field, and in
every place that names it."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionXLPipeline
from scipy import ndimage
from torch import Tensor
from typer.testing import CliRunner

from schedulers import build
from taue import Box, Layers, Scene, Subject, TauePipeline
from taue.backbones import Conditioning
from taue.backbones.sdxl import SDXLBackbone
from taue.cli import app
from taue.cultivate import cultivate
from taue.errors import TaueError
from taue.harvest import harvest_index
from taue.noise import NoiseSource
from taue.paper import METHODS, PAPER
from taue.rows import Row
from taue.seedling import Seedling
from taue.settings import Settings
from taue.space import noise_levels
from taue.transplant import Planting

STEPS, CROP = 4, 2
SIDE = 128
SMALL = {"num_inference_steps": STEPS, "attention_threshold": 0.3, "greenness_threshold": 0.0}
"""On random weights these thresholds cut some cells out, and not all."""


@pytest.fixture(scope="module")
def pipe(tiny_sdxl: Path) -> TauePipeline:
    pipe = TauePipeline.from_pretrained(str(tiny_sdxl))
    pipe.set_progress_bar_config(disable=True)
    return pipe


def made(pipe: TauePipeline, settings: Settings, **changes: Any) -> Layers:
    given: dict[str, Any] = {
        "subjects": ["a red apple"],
        "background": "desert",
        "scene": "a red apple at sunset",
        "settings": settings,
        "generator": torch.Generator().manual_seed(1),
        "output_type": "latent",
    }
    return pipe(**{**given, **changes})


# ---------------------------------------------------------------- the equations, written out


class ByHand:
    """The three stages from the paper's equations, under Euler; nothing of the package but the
    network, its prompts and the numbers of its noise."""

    def __init__(self, pipe: TauePipeline, layers: Layers, settings: Settings) -> None:
        self.backbone, self.settings = SDXLBackbone(pipe, SIDE, SIDE), settings
        self.noise = NoiseSource(layers.settings["noise_seed"])
        self.attention = layers.attention_maps[0]
        scheduler = self.backbone.new_scheduler(STEPS)
        self.scheduler, self.sigmas = scheduler, scheduler.sigmas
        self.start = float(scheduler.init_noise_sigma)
        apple, desert, whole = (
            self.backbone.encode_prompt(prompt, None)
            for prompt in ("a red apple", "desert", "a red apple at sunset")
        )
        self.foreground = Conditioning((apple,), apple, 7.5)
        self.background = Conditioning((desert,), desert, 5.0)
        self.prompts = (apple, desert), whole

    def predicted(self, x: Tensor, step: int, conditioning: Conditioning) -> Tensor:
        """epsilon(x, t), guided."""
        scaled = x / (self.sigmas[step] ** 2 + 1) ** 0.5
        timestep = self.scheduler.timesteps[step][None]
        with self.backbone.attending([conditioning], [()]):
            return self.backbone.predict(scaled, timestep, [conditioning])

    def grown(
        self, z: Tensor, conditioning: Conditioning, m: Tensor, held: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """z_T to z_0, with epsilon = m epsilon_crop + (1 - m) epsilon for t_crop <= t; and the
        latents and the noise at t_crop."""
        x, latents, crop = z * self.start, z, z
        for i in range(STEPS):
            noise = self.predicted(x, i, conditioning)
            if i == CROP:
                latents, crop = x, noise
            if held is not None and i <= CROP:
                noise = m * held + (1 - m) * noise
            x = x + (self.sigmas[i + 1] - self.sigmas[i]) * noise
        return x, latents, crop

    def sharpened(self, latents: Tensor) -> Tensor:
        """f(L) = L - kappa laplacian(L) / 4."""
        laplacian = [ndimage.laplace(plane, mode="nearest") for plane in latents[0].numpy()]
        return latents - self.settings.sharpening * torch.from_numpy(np.stack(laplacian)) / 4

    def planted(self, latents: Tensor, crop: Tensor, m: Tensor, z: Tensor) -> Tensor:
        """z_all = m (f(L) + lambda n_crop) + (1 - m) z, where z is of unit variance."""
        unit = self.sharpened(latents / self.start)
        return m * (unit + self.settings.unit_noise_strength * crop) + (1 - m) * z

    @torch.no_grad()
    def stages(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """The foreground, the mask, the composite and the background, latents as they end."""
        settings, shape = self.settings, (1, 4, SIDE // 8, SIDE // 8)
        alpha, nowhere = settings.key_strength, torch.zeros(shape[-2:])
        green = torch.tensor([0.0, 1.0, 1.0, 0.0]).view(1, 4, 1, 1)
        # Without a layout the key goes everywhere.
        z = (1 - alpha) * self.noise.normal(shape, "foreground", 1) + alpha * green
        alone, latents, crop = self.grown(z, self.foreground, nowhere, None)
        unit = (latents / (self.sigmas[CROP] ** 2 + 1) ** 0.5)[0]
        v = ndimage.gaussian_filter(
            (unit[1] + unit[2]).numpy(), 0.5 * settings.mask_blur, mode="nearest", truncate=3
        )
        tau, tau_a = settings.greenness_threshold, settings.attention_threshold
        m = torch.from_numpy((v < tau) & (self.attention.numpy() > tau_a)).float()
        (apple, desert), whole = self.prompts
        regions = torch.stack([m, 1 - m])
        together = Conditioning((apple, desert), whole, 5.0, regions)
        z = self.planted(latents, crop, m, self.noise.normal(shape, "composite"))
        composite, latents, own = self.grown(z, together, m, crop)
        z = self.planted(latents, own, 1 - m, self.noise.normal(shape, "background"))
        background, *_ = self.grown(z, self.background, 1 - m, own)
        return alone, m, composite, background


@pytest.mark.slow
@pytest.mark.parametrize("strength", [0.894, 0.5])
def test_it_is_the_equations_written_out(pipe: TauePipeline, strength: float) -> None:
    # Blur counts cells of a canvas of 32, twice as many as here.
    settings = Settings.paper(**SMALL, mask_blur=2.0, unit_noise_strength=strength)
    layers = made(pipe, settings)
    foreground, mask, composite, background = ByHand(pipe, layers, settings).stages()
    assert 0.02 < mask.mean() < 0.6
    assert torch.equal(layers.masks[0], mask)
    for found, expected in (
        (layers.foregrounds[0], foreground),
        (layers.composite, composite),
        (layers.background, background),
    ):
        error = (found - expected).abs().max() / expected.abs().max()
        assert error < 1e-5


# ------------------------------------------------------------------- one difference at a time

PARTS = ("foreground", "mask", "composite", "background")
LATER_STAGES = ("composite", "background")


def parts(layers: Layers) -> dict[str, Tensor]:
    ended = layers.foregrounds[0], layers.masks[0], layers.composite, layers.background
    return dict(zip(PARTS, ended, strict=True))


@pytest.fixture(scope="module")
def published(pipe: TauePipeline) -> dict[str, Tensor]:
    return parts(made(pipe, Settings.paper(**SMALL)))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "changed"),
    [
        ({"crop_ratio": 0.7}, ("mask", *LATER_STAGES)),
        ({"placement": "suggest"}, PARTS),
        ({"key_strength": 0.1}, PARTS),
        ({"planting": "finished"}, ("mask", *LATER_STAGES)),
        ({"transplant": "line"}, LATER_STAGES),
        ({"transplant": "renormalised"}, LATER_STAGES),
        ({"unit_noise_strength": 0.8}, LATER_STAGES),
        ({"sharpening": 0.0}, LATER_STAGES),
        ({"filter_noisy": False}, LATER_STAGES),
        ({"hold_crop_step": False}, LATER_STAGES),
        ({"mask_value": "distance"}, ("mask", *LATER_STAGES)),
        ({"mask_rule": "component"}, ("mask", *LATER_STAGES)),
        ({"greenness_threshold": 0.5}, ("mask", *LATER_STAGES)),
        ({"attention_threshold": 0.6}, ("mask", *LATER_STAGES)),
        ({"mask_blur": 2.0}, ("mask", *LATER_STAGES)),
        ({"released_prompt": "scene"}, LATER_STAGES),
        ({"noise_blending": "none"}, LATER_STAGES),
        ({"attention_blending": "none"}, LATER_STAGES),
        # Numbers of the other choices, and what nothing was asked of.
        ({"noise_strength": 0.5, "background_threshold": 0.9}, ()),
        ({"layout_sigma": 0.2, "p_min": 0.1, "p_max": 0.8}, ()),
        ({"moving": "regrown", "base": "taue"}, ()),
    ],
    ids=str,
)
def test_a_field_changes_its_part_and_no_other(
    pipe: TauePipeline,
    published: dict[str, Tensor],
    change: dict[str, Any],
    changed: tuple[str, ...],
) -> None:
    found = parts(made(pipe, replace(Settings.paper(**SMALL), **change)))
    assert tuple(n for n in PARTS if not torch.equal(found[n], published[n])) == changed


@pytest.mark.slow
def test_the_layout_has_its_bounds_and_its_sigma(pipe: TauePipeline) -> None:
    boxed = Subject("a red apple", box=Box(0.5, 0.5, 0.4, 0.4))
    layout = Settings.paper(layout=True, **SMALL)
    foregrounds = [
        made(pipe, replace(layout, **change), subjects=[boxed]).foregrounds[0]
        for change in ({}, {"p_min": 0.2}, {"p_max": 0.8}, {"layout_sigma": 0.3})
    ]
    assert all(not torch.equal(foregrounds[0], other) for other in foregrounds[1:])
    # Without layout a box counts for nothing.
    free = [
        made(pipe, Settings.paper(**SMALL), subjects=[one]).foregrounds[0]
        for one in (boxed, replace(boxed, box=None))
    ]
    assert torch.equal(*free)


@pytest.mark.slow
def test_what_its_key_does_not_tell_apart_is_planted_too(pipe: TauePipeline) -> None:
    # On random weights there is no object, and ours plants nothing.
    settings = Settings.paper(**{**SMALL, "mask_value": "distance", "attention_threshold": 0.6})
    every = made(pipe, settings)
    some = made(pipe, replace(settings, planted_subjects="separated"))
    assert torch.equal(every.masks[0], some.masks[0]) and every.masks[0].any()
    assert not torch.equal(every.composite, some.composite)


def test_a_scheduler_that_starts_from_nothing_else_than_noise_is_declined(tiny_sdxl: Path) -> None:
    pipe = TauePipeline.from_pretrained(str(tiny_sdxl))
    pipe.set_progress_bar_config(disable=True)
    pipe.scheduler = build(
        "ddim", prediction_type="v_prediction", rescale_betas_zero_snr=True,
        timestep_spacing="trailing",
    )  # fmt: skip
    with pytest.raises(TaueError, match=r'^transplant is "unit"; choose "line" for .+\.$'):
        made(pipe, Settings.paper(**SMALL))


@pytest.mark.slow
@pytest.mark.parametrize("family", ["ddim", "dpm++2m", "euler-ancestral"])
def test_other_schedulers_hold_the_printed_line(tiny_sdxl: Path, family: str) -> None:
    """At the crop step the region is L again, if nothing sharpens it and lambda is what is left
    of the noise."""
    pipe: Any = StableDiffusionXLPipeline.from_pretrained(tiny_sdxl)
    pipe.scheduler = build(family)
    backbone = SDXLBackbone(pipe, SIDE, SIDE)
    levels = noise_levels(backbone.new_scheduler(STEPS))
    crop = harvest_index(levels, 1, STEPS, 0.5)
    sigma_0, sigma_k = levels.sigmas[0], levels.sigmas[crop]
    scale = float(backbone.new_scheduler(STEPS).init_noise_sigma) / levels[0].signal
    left = (sigma_0 - sigma_k) / scale
    settings = Settings.paper(
        **SMALL, sharpening=0.0, unit_noise_strength=left, hold_crop_step=False
    )
    prompt = backbone.encode_prompt("a red apple", None)
    alone = Conditioning((prompt,), prompt, 5.0)
    noise = [torch.randn(1, 4, 16, 16, generator=torch.Generator().manual_seed(i)) for i in (1, 2)]
    row = Row("foreground", noise[0], alone, torch.Generator().manual_seed(3), crop_ratio=0.5)
    harvest = cultivate(backbone, [row], settings)[0]
    m = torch.zeros(16, 16)
    m[4:11, 5:13] = 1
    seedling = Seedling(harvest.denoised, harvest.noise, harvest.level, m, m)
    row = replace(row, noise=noise[1], plantings=(Planting(seedling, m, crop_ratio=0.5),))
    again = cultivate(backbone, [row], settings)[0]
    wanted = harvest.denoised + harvest.sigma * harvest.noise
    error = (again.denoised + again.sigma * again.noise - wanted) * m
    assert error.abs().max() < 1e-4


# ------------------------------------------------------------------- moving and several places


@pytest.mark.slow
def test_a_moved_subject_is_its_seedling_shifted_noise_and_all(pipe: TauePipeline) -> None:
    settings = Settings.paper(**SMALL)
    stays = made(pipe, settings)
    moved = made(
        pipe, settings, subjects=[Subject("a red apple", moves=(Box(0.3, 0.1, 0.5, 0.6),))]
    )
    assert [r.stage for r in moved.records] == [r.stage for r in stays.records]
    one, other = stays.seedlings[0], moved.seedlings[0]
    rows, columns = next(
        (r, c)
        for r in range(-15, 16)
        for c in range(-15, 16)
        if torch.equal(_moved(one.mask, r, c), other.mask)
    )
    assert (rows, columns) != (0, 0)
    inside = other.mask.bool()
    for name in ("denoised", "noise", "final"):
        before, after = getattr(one, name)[0], getattr(other, name)[0]
        assert torch.equal(after[:, inside], _moved(before, rows, columns)[:, inside])
    assert not torch.equal(moved.composite, stays.composite)


def _moved(values: Tensor, rows: int, columns: int) -> Tensor:
    """By whole cells, by hand."""
    height, width = values.shape[-2:]
    out = torch.zeros_like(values)
    for y in range(height):
        for x in range(width):
            if 0 <= y - rows < height and 0 <= x - columns < width:
                out[..., y, x] = values[..., y - rows, x - columns]
    return out


@pytest.mark.slow
@pytest.mark.parametrize("settings", [Settings.paper(**SMALL), Settings(num_inference_steps=STEPS)])
def test_one_seedling_stands_in_several_places(pipe: TauePipeline, settings: Settings) -> None:
    subject = Subject("a red apple", box=Box(0.05, 0.4, 0.3, 0.4))
    further = replace(subject, places=(Box(0.6, 0.4, 0.3, 0.4),))
    one, both = (made(pipe, settings, subjects=[s], output_type="pil") for s in (subject, further))
    assert both.masks[0].sum() > one.masks[0].sum()
    rows, columns = next(
        (r, c)
        for r in range(-15, 16)
        for c in range(1, 16)
        if torch.equal(one.masks[0].maximum(_moved(one.masks[0], r, c)), both.masks[0])
    )
    copied = _moved(one.masks[0], rows, columns).bool()
    kept = one.masks[0].bool() & ~copied
    before, after = one.seedlings[0].noise[0], both.seedlings[0].noise[0]
    assert torch.equal(after[:, kept], before[:, kept])
    assert torch.equal(after[:, copied], _moved(before, rows, columns)[:, copied])
    assert np.asarray(both.subjects[0].image).shape == (SIDE, SIDE, 4)
    assert not any("more than once" in warning for warning in both.warnings)
    with pytest.raises(TaueError, match="several places and cannot be moved"):
        both.move(pipe, 1, Box(0.1, 0.1, 0.3, 0.3))
    again = both.rebackground(pipe, "a dark meadow")
    assert torch.equal(again.masks[0], both.masks[0])


# --------------------------------------------------------------------- the switch, everywhere


def test_ours_is_what_it_was() -> None:
    assert Settings() == Settings.of("taue")
    assert Settings().deviations == {}
    ours = Settings()
    assert (ours.placement, ours.planting, ours.transplant) == ("fit", "finished", "line")
    assert (ours.moving, ours.mask_value, ours.layering) == ("regrown", "distance", "first")


def test_the_papers_choices_are_named_and_its_layout_is_one_of_them() -> None:
    assert set(PAPER) <= {field.name for field in fields(Settings)}
    paper, layout = Settings.paper(), Settings.paper(layout=True)
    assert paper == Settings.of("paper") and layout == Settings.of("paper-layout")
    assert replace(layout, placement="none", base="paper") == paper
    assert (paper.crop_ratio, paper.tries, paper.layering) == (0.5, 1, "difference")
    changed = Settings.paper(crop_ratio=0.4)
    assert changed.deviations == {"crop_ratio": 0.4}
    assert paper.key_for("a green leaf") == "green"
    assert replace(paper, key="auto").key_for("a green leaf") == "green"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"method": "papr"}, "method is 'papr'; choose taue or paper or paper-layout."),
        ({"p_min": 0.9, "p_max": 0.5}, "p_max is 0.5; give at least p_min, 0.9."),
        (
            {"key": "blue"},
            "mask_value is 'greenness', which tells green alone; choose distance or key green.",
        ),
    ],
)
def test_wrong_choices_are_said_plainly(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(TaueError) as caught:
        Settings.of(**{"method": "paper", **wrong})
    assert str(caught.value) == message


TOML = 'background = "a beach"\n{}\n[[subjects]]\nprompt = "a red apple"\n'


@pytest.mark.parametrize("base", METHODS)
@pytest.mark.parametrize("form", ["method = {!r}", "[method]\nbase = {!r}"])
def test_scene_files_name_the_method(base: str, form: str) -> None:
    scene = Scene.loads(TOML.format(form.format(base)), "toml")
    assert scene.settings == Settings.of(base)
    for kind in ("toml", "json"):
        assert Scene.loads(scene.dumps(kind), kind) == scene
    assert scene.dumps().startswith("version") == (base == "taue")


def test_a_scene_file_says_where_it_deviates() -> None:
    scene = Scene.loads(
        TOML.format('[method]\nbase = "paper"\ncrop_ratio = 0.4\nkey_strength = 0.2'), "toml"
    )
    settings = scene.settings
    assert settings == Settings.paper(crop_ratio=0.4, key_strength=0.2)
    first = scene.dumps().splitlines()[0]
    assert first == "# method paper, but for crop_ratio = 0.4, key_strength = 0.2"
    assert Scene.loads(scene.dumps(), "toml") == scene


def test_a_wrong_method_in_a_scene_file_is_said_plainly() -> None:
    with pytest.raises(TaueError) as caught:
        Scene.loads(TOML.format('method = "papr"'), "toml", source="a.toml")
    assert str(caught.value) == ("a.toml: method is 'papr'; choose taue or paper or paper-layout.")


def test_places_are_written_and_read() -> None:
    text = TOML.format("") + "places = [[0.6, 0.4, 0.3, 0.4]]\n"
    scene = Scene.loads(text, "toml")
    assert scene.subjects[0].places == (Box(0.6, 0.4, 0.3, 0.4),)
    assert Scene.loads(scene.dumps(), "toml") == scene


@cache
def generated(model: str, folder: Path, *more: str) -> Path:
    told = CliRunner().invoke(
        app,
        ["generate", *more, "--model", model, "--steps", "2", "--out", str(folder)],
    )
    assert told.exit_code == 0, told.output
    return folder


@pytest.mark.slow
def test_the_command_line_switches_and_its_options_win(tiny_sdxl: Path, tmp_path: Path) -> None:
    asked = ("--subject", "a red apple", "--background", "desert", "--method", "paper")
    out = generated(str(tiny_sdxl), tmp_path / "one", *asked, "--crop-ratio", "0.4")
    settings = Scene.load(out).settings
    assert settings == Settings.paper(crop_ratio=0.4, num_inference_steps=2)
    report = json.loads((out / "report.json").read_text())
    assert report["settings"]["base"] == "paper"
    assert report["settings"]["deviations"] == {"num_inference_steps": 2, "crop_ratio": 0.4}
    assert report["recomposition"]["layering"] == "difference"
    assert not (out / "raw").exists()  # composite.png is the stage itself
    assert (out / "scene.toml").read_text().startswith("# method paper, but for crop_ratio = 0.4\n")
    # What a file chose stays chosen under another method.
    again = generated(str(tiny_sdxl), tmp_path / "two", str(out), "--method", "paper-layout")
    settings = Scene.load(again).settings
    assert settings == Settings.paper(layout=True, crop_ratio=0.4, num_inference_steps=2)
    moved = CliRunner().invoke(
        app,
        ["move", str(out), "--subject", "1", "--box", "0.1,0.1,0.4,0.4", "--out", f"{out}-moved"],
    )
    assert moved.exit_code == 0, moved.output
    wrong = CliRunner().invoke(app, ["generate", *asked[:-1], "papr", "--out", f"{out}-x"])
    assert wrong.exit_code == 2
    assert "method is" in wrong.stderr and "paper-layout" in wrong.stderr
    wrong = CliRunner().invoke(app, ["generate", *asked, "--key", "blue", "--out", f"{out}-x"])
    assert wrong.exit_code == 2
    assert "method.mask_value is 'greenness', which tells green alone;" in wrong.stderr
