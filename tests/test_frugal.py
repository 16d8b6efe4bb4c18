"""Low memory: never more at once than a plain picture takes, and the same pictures."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from batches import scenes_file
from taue import Scene, Subject, TauePipeline
from taue.batch.maker import Recipe
from taue.batch.making import ModelMaker
from taue.box import Box
from taue.cli import app
from taue.devices import Machine
from taue.memory import needed
from taue.scene import Request
from taue.settings import Settings
from taue.studio.kept_models import KeptModels

SUBJECTS = [
    Subject("an apple", box=Box(0, 0.2, 0.5, 0.6)),
    Subject("a ball", box=Box(0.5, 0.2, 0.5, 0.6)),
]


@pytest.fixture(scope="module")
def saving(tiny_sdxl: Path) -> TauePipeline:
    """As ``pipeline``, in double precision, where batches of one and of two answer alike."""
    made = TauePipeline.from_pretrained(tiny_sdxl, dtype=torch.float64)
    made.set_progress_bar_config(disable=True)
    made.enable_low_memory("cpu")
    made.vae.tile_sample_min_size, made.vae.tile_latent_min_size = 64, 8  # its own canvas
    return made


@contextmanager
def batches(pipe: Any) -> Iterator[dict[str, set[int]]]:
    """How many samples the network, the encoder and the decoder are given at once."""
    seen: dict[str, set[int]] = {}
    parts = {"network": pipe.network, "encoder": pipe.vae.encoder, "decoder": pipe.vae.decoder}

    def noting(name: str) -> Any:
        return lambda _, given: seen.setdefault(name, set()).add(len(given[0]))

    handles = [part.register_forward_pre_hook(noting(name)) for name, part in parts.items()]
    yield seen
    for handle in handles:
        handle.remove()


def drawn(pipe: Any, **changes: Any) -> Any:
    wish: dict[str, Any] = {
        "subjects": SUBJECTS,
        "background": "a beach",
        "num_inference_steps": 3,
        # Random weights paint nothing that a key could tell.
        "settings": Settings(tries=1, planted_subjects="all"),
        "generator": torch.Generator().manual_seed(1),
        "height": 64,
        "width": 64,
    }
    return pipe(**{**wish, **changes})


@pytest.mark.slow
def test_never_more_than_a_plain_pictures_samples_and_the_same_layers(
    pipeline: TauePipeline, saving: TauePipeline
) -> None:
    with batches(pipeline) as at_once:
        wanted = drawn(pipeline)
    assert max(at_once["network"]) == 4
    assert at_once["encoder"] == at_once["decoder"] == {1}
    with batches(saving) as in_turn:
        made = drawn(saving)
    assert max(in_turn["network"]) == 2
    assert in_turn["encoder"] == in_turn["decoder"] == {1}
    shown = ((one.composite, one.background, one.subjects[1].image) for one in (wanted, made))
    for one, other in zip(*shown, strict=True):
        np.testing.assert_allclose(np.asarray(other, int), np.asarray(one, int), atol=1)
    spent = [{r.stage: r.unet_evaluations for r in one.records} for one in (wanted, made)]
    assert spent[0] == spent[1]


@pytest.mark.slow
def test_regrown_and_several_at_once_save_it_too(saving: TauePipeline) -> None:
    with batches(saving) as in_turn:
        pair = drawn(saving, num_images_per_prompt=2)
        saving.regrow(pair[0], background="a desert")
    assert max(in_turn["network"]) == 2


def test_the_estimate_knows_of_it(pipeline: TauePipeline) -> None:
    backbone = pipeline.backbone(64, 64)

    def takes(count: int, **how: bool) -> int:
        given = tuple(Subject("x") for _ in range(count))
        one = Request.from_data({"subjects": given, "background": "y"}).on_canvas(64, 64)
        return needed(backbone, one, **how)

    assert takes(1) > takes(1, in_turn=True)  # the background beside its composite
    assert takes(1) == takes(2) - (takes(2, in_turn=True) - takes(1, in_turn=True))
    assert takes(1) < takes(4, in_turn=True) < takes(4)


@pytest.mark.slow
def test_the_command_saves_it_and_says_so(tiny_sdxl: Path, tmp_path: Path) -> None:
    def run(*arguments: str) -> Any:
        return CliRunner().invoke(app, [*arguments, "--device=cpu"])

    wish = ["--subject=an apple", "--subject=a ball", "--background=a beach", "--steps=2"]
    wish += [f"--model={tiny_sdxl}", "--width=64", "--height=64", f"--out={tmp_path / 'a'}"]
    done = run("generate", *wish, "--memory=little")
    assert done.exit_code == 2
    assert "memory 'little' is unknown; choose normal or low." in done.stderr
    assert not (tmp_path / "a").exists()
    done = run("generate", *wish, "--memory=low")
    assert done.exit_code == 0, done.stderr
    report = json.loads((tmp_path / "a" / "report.json").read_text())
    assert report["settings"]["memory"] == "low"
    for bar in ("foreground: an apple", "foreground: a ball"):
        assert bar in done.stderr
    done = run(
        "rebackground", str(tmp_path / "a"), "--background=a desert", "--memory=low",
        f"--out={tmp_path / 'b'}",
    )  # fmt: skip
    assert done.exit_code == 0, done.stderr


@pytest.mark.slow
def test_batches_save_it_and_say_so(tiny_sdxl: Path, tmp_path: Path) -> None:
    def run(*arguments: str) -> Any:
        return CliRunner().invoke(app, ["batch", "run", *arguments, "--device=cpu"])

    file = str(scenes_file(tmp_path, 1, model=str(tiny_sdxl), method="paper"))
    refused = run(file, f"--out={tmp_path / 'a'}", "--memory=little")
    assert refused.exit_code == 2
    assert "memory 'little' is unknown; choose normal or low." in refused.stderr
    assert not (tmp_path / "a").exists()
    done = run(file, f"--out={tmp_path / 'a'}", "--memory=low", "--keep=all")
    assert done.exit_code == 0, done.stderr
    (report,) = (tmp_path / "a" / "results").glob("*/*/report.json")
    assert json.loads(report.read_text())["settings"]["memory"] == "low"


@pytest.mark.slow
def test_workers_and_the_studio_load_models_that_save_it(tiny_sdxl: Path) -> None:
    machine = Machine("cpu", memory="low")
    scene = Scene.from_data(
        {"subjects": [{"prompt": "x"}], "background": "y", "model": str(tiny_sdxl)}
    )
    assert KeptModels(machine).of(scene).saves_memory
    assert not KeptModels(Machine("cpu")).of(scene).saves_memory
    assert ModelMaker(Recipe(machine=machine), 0).pipe_of(scene).saves_memory


def test_the_studio_knows_how_much_memory_there_is() -> None:
    refused = CliRunner().invoke(app, ["studio", "--memory=little"])
    assert refused.exit_code == 2
    assert "memory 'little' is unknown; choose normal or low." in refused.stderr
