"""Result folders from anywhere: seedlings, reports and scene files are checked like scenes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner, Result

from made_scenes import leftovers
from taue import Layers, Scene, TauePipeline
from taue.cli import app
from taue.errors import TaueError
from taue.results.sheet import contact_sheet
from taue.seedling import Seedling


def call(*arguments: Any) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments])


@pytest.fixture(scope="module")
def grown(tiny_sdxl: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("grown") / "result"
    done = call(
        "generate", "--subject", "a red apple", "--background", "a beach", "--model", tiny_sdxl,
        "--steps", 2, "--width", 64, "--height", 64, "--device", "cpu", "--out", out,
    )  # fmt: skip
    assert done.exit_code == 0, done.stderr
    return out


@pytest.fixture
def folder(grown: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return Path(shutil.copytree(grown, "result"))


def spoilt(name: str, change: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        path = folder / "seedlings" / "subject-1.safetensors"
        tensors = load_file(path)
        tensors[name] = change(tensors[name]).contiguous()
        save_file(tensors, path)

    return spoil


def filled(value: float) -> Callable[[torch.Tensor], torch.Tensor]:
    return lambda tensor: torch.full_like(tensor, value)


def formerly(*sigma: float) -> Callable[[Path], None]:
    """As versions wrote it that kept the ratio of noise to signal alone."""

    def spoil(folder: Path) -> None:
        path = folder / "seedlings" / "subject-1.safetensors"
        tensors = load_file(path)
        del tensors["level"]
        save_file(tensors | {"sigma": torch.tensor(sigma)}, path)

    return spoil


def told(*way: str | int, value: Any) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        report = json.loads((folder / "report.json").read_text())
        table = report
        for part in way[:-1]:
            table = table[part]
        table[way[-1]] = value
        (folder / "report.json").write_text(json.dumps(report))

    return spoil


def scene_says(old: str, new: str) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        path = folder / "scene.toml"
        content = path.read_text()
        assert old in content
        path.write_text(content.replace(old, new))

    return spoil


SEEDLINGS: dict[str, tuple[Callable[[Path], object], str]] = {
    "nan": (spoilt("denoised", filled(float("nan"))), "denoised holds values"),
    "inf": (spoilt("noise", filled(float("inf"))), "noise holds values"),
    "huge": (spoilt("final", filled(1e30)), "final holds values"),
    "mask above 1": (spoilt("mask", filled(2.0)), "mask holds values"),
    "nan attention": (spoilt("attention", filled(float("nan"))), "attention holds values"),
    "other grid": (spoilt("mask", lambda t: t[:4]), "mask is torch.float32 [4, 8]"),
    "three dimensions": (spoilt("denoised", lambda t: t[0]), "denoised is [4, 8, 8]"),
    "nothing": (spoilt("denoised", lambda t: t[..., :0]), "denoised is [1, 4, 8, 0]"),
    "integers": (spoilt("noise", lambda t: t.int()), "noise is torch.int32"),
    "double": (spoilt("noise", lambda t: t.double()), "noise is torch.float64"),
    "level nan": (spoilt("level", filled(float("nan"))), "level is not from 0 to"),
    "two levels": (spoilt("level", lambda t: t.repeat(2)), "level is torch.float64 [4]"),
    "sigma nan": (formerly(float("nan")), "sigma is not from 0 to"),
    "two sigmas": (formerly(1.0, 2.0), "sigma is torch.float32 [2]"),
    "layer of floats": (spoilt("layer", lambda t: t.float()), "layer is torch.float32"),
    "layer of another size": (spoilt("layer", lambda t: t[:, :32]), "seedlings of another size"),
}
FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "size": (told("settings", "height", value=128), "disagree about canvas.height"),
    "huge size": (told("settings", "height", value=10**30), "disagree about canvas.height"),
    "no size": (told("settings", "width", value="wide"), "disagree about canvas.width"),
    "background": (told("settings", "background", value="the moon"), "about background"),
    "prompt": (told("settings", "subjects", 0, "prompt", value="x"), "about subjects[0].prompt"),
    "no prompt": (told("settings", "subjects", 0, "prompt", value=5), "about subjects[0].prompt"),
    "subjects": (told("settings", "subjects", value=["x"]), "disagree about subjects[0]"),
    "no subjects": (told("settings", "subjects", value=[]), "disagree about subjects;"),
    "box": (told("settings", "subjects", 0, "box", value="all"), "about subjects[0].box"),
    "huge box": (
        told("settings", "subjects", 0, "box", value=dict.fromkeys(("x", "y"), 10**400)),
        "disagree about subjects[0].box",
    ),
    "harmony": (told("settings", "harmony", value=0.25), "disagree about method.harmony"),
    "tries": (told("settings", "tries", value=[1]), "disagree about method.tries"),
    "seed": (told("settings", "seed", value=1.5), "disagree about seed"),
    "settings": (told("settings", value=[]), "has no settings"),
    "nan": (told("settings", "harmony", value=float("nan")), "NaN is no number"),
    "half a character": (told("warnings", value=["\ud800"]), "no Unicode text"),
    "scene": (scene_says("a beach", "a desert"), "disagree about background"),
    "broken scene": (scene_says("steps = 2", "steps = true"), "steps is true"),
    "canvas": (scene_says("width = 64", "width = 128"), "disagree about canvas.width"),
    "picture": (
        lambda folder: shutil.copy(folder / "sheet.png", folder / "composite.png"),
        "pixels, and scene.toml says 64 x 64",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", [*SEEDLINGS, *FILES])
def test_a_spoilt_result_is_one_sentence(name: str, folder: Path) -> None:
    spoil, says = (SEEDLINGS | FILES)[name]
    spoil(folder)
    with pytest.raises(TaueError, match=r"\.$") as refusal:
        Layers.load(folder)
    assert says in str(refusal.value)
    before = leftovers(Path.cwd())
    done = call("rebackground", folder, "--background", "a desert", "--out", "new", "--device=cpu")
    assert done.exit_code == 2
    assert done.stderr.startswith("Error: ") and done.stderr.count("\n") == 1
    assert leftovers(Path.cwd()) == before


@pytest.mark.slow
@pytest.mark.parametrize("name", ["background", "prompt", "scene", "nan", "half a character"])
def test_export_and_judge_do_not_trust_either(name: str, folder: Path) -> None:
    FILES[name][0](folder)
    report = (folder / "report.json").read_bytes()
    for arguments in (("export", folder, "--psd", "x.psd"), ("judge", folder)):
        done = call(*arguments)
        assert done.exit_code == 2, done.output
        assert done.stderr.startswith("Error: ") and done.stderr.count("\n") == 1
        assert FILES[name][1] in done.stderr
    assert (folder / "report.json").read_bytes() == report
    assert leftovers(Path.cwd()) == ["result"]


@pytest.mark.slow
def test_what_is_not_spoilt_is_read(folder: Path) -> None:
    layers = Layers.load(folder)
    assert len(layers.seedlings) == 1
    told = json.loads((folder / "report.json").read_text())["settings"]
    assert layers.noise_seed == told["noise_seed"]
    assert layers.scene == Scene.load(folder)
    (folder / "report.json").unlink()  # the scene says all that is needed
    again = Layers.load(folder)
    assert (again.scene, again.noise_seed) == (layers.scene, layers.noise_seed)
    (folder / "scene.toml").unlink()
    with pytest.raises(TaueError, match=r"has no scene.toml; name a folder that taue generate"):
        Layers.load(folder)


@pytest.mark.slow
def test_a_report_that_tells_less_than_its_scene_is_no_contradiction(folder: Path) -> None:
    path = folder / "report.json"
    report = json.loads(path.read_text())
    older = ("base", "deviations", "p_min", "transplant", "moving", "first_scene", "noise_seed")
    for name in older:
        del report["settings"][name]
    del report["settings"]["subjects"][0]["places"]
    path.write_text(json.dumps(report))
    assert len(Layers.load(folder).seedlings) == 1


@pytest.mark.slow
def test_what_is_not_finite_reaches_no_picture(tiny_sdxl: Path, folder: Path) -> None:
    layers = Layers.load(folder)
    layers.masks = [layers.masks[0] * float("nan")]
    with pytest.raises(TaueError, match="a mask or an attention map holds values that are not fin"):
        contact_sheet(layers)
    layers.composite = np.full((64, 64, 3), np.nan)
    with pytest.raises(TaueError, match="a layer holds values that are not finite"):
        layers.stack()
    pipe = TauePipeline.from_pretrained(tiny_sdxl)
    pipe.set_progress_bar_config(disable=True)
    scene = Scene.load(folder)
    with torch.no_grad():
        pipe.unet.conv_out.weight.fill_(float("nan"))
    with pytest.raises(TaueError, match="the model's output holds values that are not finite"):
        pipe.make(scene)
    with torch.no_grad():
        pipe.unet.conv_out.weight.fill_(0)
        pipe.vae.decoder.conv_out.weight.fill_(float("inf"))
    with pytest.raises(TaueError, match="the decoded picture holds values that are not finite"):
        pipe.make(scene)


def test_a_folder_is_no_seedling(tmp_path: Path) -> None:
    with pytest.raises(TaueError, match=r"^seedling .* cannot be read: "):
        Seedling.load(tmp_path)
