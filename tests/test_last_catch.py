"""No trace: what broke once, and what nobody thought of."""

from __future__ import annotations

import itertools
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner, Result

from made_scenes import leftovers
from taue import Box, Subject, TauePipeline, cli, devices
from taue.commands import models as models_command
from taue.errors import TaueError
from taue.schedulers import scheduler_class
from taue.settings import Settings


def call(*arguments: Any) -> Result:
    return CliRunner().invoke(cli.app, [str(a) for a in arguments])


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


WISH = ("generate", "--subject", "x", "--background", "y", "--out", "o")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((*WISH, "--device", "cuda:007"), "device 'cuda:007' is unknown"),
        ((*WISH, "--device", "cuda:99999999999"), "is unknown"),
        ((*WISH, "--device", "cuda:-1"), "is unknown"),
        ((*WISH, "--box", "0,0,1e-320,1"), "box width is 1e-320; give a positive fraction"),
        ((*WISH, "--seed", "0x10"), "--seed"),
        ((*WISH, "--seed", "9" * 5000), "--seed"),
        ((*WISH, "--steps", "9" * 400), "steps is 9999"),
        ((*WISH, "--width", "9" * 400), "width is 9999"),
        ((*WISH, "--guidance", "1e999"), "guidance is inf"),
        ((*WISH, "--subject", "\ud800"), "is no Unicode text"),
        ((*WISH, "--model", "~nobody-here/x"), "model ~nobody-here/x is missing"),
        ((*WISH[:-1], "~nobody-here/x"), "out '~nobody-here/x' cannot be written"),
        ((*WISH[:-1], "x" * 300), "cannot be written (File name too long)"),
        ((*WISH[:-1], "-"), "out is '-'"),
        (("flatten", "."), "file '.' is neither .psd nor .ora"),
        (("flatten", ""), "is neither .psd nor .ora"),
        (("flatten", "~nobody-here/x.psd"), "Could not determine home directory"),
        (("flatten", "x" * 300 + ".psd"), "File name too long"),
        (("export", "~nobody-here", "--psd", "x.psd"), "Could not determine home directory"),
        (("export", "x" * 300, "--psd", "x.psd"), "File name too long"),
        (("judge", "x" * 300), "File name too long"),
        (("studio", "--folder", "~nobody-here/x"), "folder '~nobody-here/x' cannot be used"),
        (("scene", "~nobody-here/x.toml"), "Could not determine home directory"),
        (("move", "x" * 300, "--subject", "1", "--box", "0,0,1,1", "--out", "o"), "too long"),
    ],
)
def test_what_left_a_trace_is_one_sentence(
    arguments: tuple[str, ...], says: str, elsewhere: Path
) -> None:
    done = call(*arguments)
    assert done.exit_code == 2, done.output
    assert says in done.stderr
    assert "not foreseen" not in done.stderr
    assert done.stderr.startswith("Error: ") and done.stderr.count("\n") == 1
    assert leftovers(elsewhere) == []


def test_whole_numbers_of_any_length_in_files(elsewhere: Path) -> None:
    Path("s.toml").write_text(f'seed = 0x{"f" * 9000}\nbackground = "x"\n[[subjects]]\nprompt="x"')
    done = call("scene", "s.toml")
    assert done.exit_code == 2
    assert "seed is a number of about 10837 digits; give a whole number" in done.stderr


def test_a_scheduler_without_steps_is_refused() -> None:
    with pytest.raises(TaueError, match="ScoreSdeVeScheduler does not suit"):
        scheduler_class("ScoreSdeVeScheduler")
    with pytest.raises(TaueError, match="is unknown"):
        devices.check_names("cuda:01", "auto")


@pytest.mark.parametrize("debug", [False, True])
def test_what_nobody_thought_of_is_one_sentence(
    debug: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("the sky\nfell \x1b[31m down. Now what")

    monkeypatch.setattr(models_command.models, "NAMED", property(fail))
    done = call(*(("--debug",) if debug else ()), "models")
    assert done.exit_code == 2
    *trace, last = done.stderr.rstrip("\n").split("\n")
    assert last.startswith("Error: this was not foreseen (TypeError: ")
    assert last.endswith("; run taue --debug with the same command and report what it shows.")
    assert bool(trace) == debug
    assert ("Traceback" in done.stderr) == debug


def small(**changes: Any) -> dict[str, Any]:
    return {"background": "a beach", "num_inference_steps": 2, "height": 64, "width": 64, **changes}


@pytest.mark.slow
def test_a_box_below_one_cell_is_refused(tiny_sdxl: Path) -> None:
    pipe = TauePipeline.from_pretrained(tiny_sdxl)
    pipe.set_progress_bar_config(disable=True)
    tiny = Box(0.5, 0.5, 0.01, 0.5)
    with pytest.raises(TaueError, match=r"^box of subject 1 is 0\.64 x 32 pixels; give at least 8"):
        pipe([Subject("an apple", box=tiny)], **small())
    cell = Box(0.5, 0.5, 0.125, 0.125)
    layers = pipe([Subject("an apple", box=cell)], **small())
    with pytest.raises(TaueError, match=r"^box of subject 1 is 0"):
        layers.move(pipe, 1, tiny)


@pytest.mark.slow
def test_what_was_moved_can_be_moved_again_or_is_refused(painter: TauePipeline) -> None:
    subjects, wish = [Subject("a red apple"), Subject("a blue car")], small(width=128, height=128)
    wish |= {"num_inference_steps": 12, "settings": Settings(tries=1, layering="difference")}
    layers = painter(subjects, generator=torch.Generator().manual_seed(3), **wish)
    refused = 0
    for number, side in itertools.product((1, 2), (1 / 16, 1 / 8, 1 / 3)):
        try:
            box = Box(0.4, 0.4, side, side / 2 + 1 / 32)
            there = layers.move(painter, number, box, output_type="latent")
        except TaueError as refusal:
            assert str(refusal).startswith("a subject is lost: too small or too faint")  # noqa: PT017
            refused += 1
        else:
            there.move(painter, number, Box(0.1, 0.1, 0.5, 0.5), output_type="latent")
    assert refused < 6


def edited(part: str, **changes: Any) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        path = folder / part / "config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return edit


def exchanged(folder: Path) -> None:
    for name in ("text_encoder", "text_encoder_2"):
        shutil.rmtree(folder / name)
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    small = {"vocab_size": 60, "hidden_size": 8, "intermediate_size": 8, "projection_dim": 4,
             "num_hidden_layers": 2, "num_attention_heads": 2}  # fmt: skip
    CLIPTextModel(CLIPTextConfig(**small)).save_pretrained(folder / "text_encoder")
    CLIPTextModelWithProjection(CLIPTextConfig(**small)).save_pretrained(folder / "text_encoder_2")


def no_second_encoder(folder: Path) -> None:
    index = json.loads((folder / "model_index.json").read_text())
    index |= {"text_encoder_2": [None, None], "tokenizer_2": [None, None]}
    (folder / "model_index.json").write_text(json.dumps(index))


@pytest.mark.slow
@pytest.mark.parametrize(
    "spoil",
    [
        exchanged,
        no_second_encoder,
        edited("unet", in_channels=9),
        edited("unet", cross_attention_dim=64),
        edited("vae", latent_channels=8),
        edited("unet", addition_embed_type=None),
        edited("text_encoder", max_position_embeddings=5),
    ],
)
def test_a_model_whose_parts_do_not_fit_is_one_sentence(
    spoil: Callable[[Path], None], tiny_sdxl: Path, elsewhere: Path
) -> None:
    model = shutil.copytree(tiny_sdxl, elsewhere / "model")
    spoil(model)
    done = call(*WISH, "--model", model, "--device", "cpu", "--steps", 2)
    assert done.exit_code == 2, done.output
    assert done.stderr.splitlines()[-1].startswith("Error: model ")
    assert "not foreseen" not in done.stderr
    assert leftovers(elsewhere) == ["model"]


def test_a_model_that_may_not_be_read_is_one_sentence(elsewhere: Path) -> None:
    (elsewhere / "locked").mkdir()
    (elsewhere / "locked" / "model_index.json").write_text("{}")
    (elsewhere / "locked").chmod(0)
    user = os.geteuid()
    if user == 0:  # root may read anywhere, so be nobody for a moment
        elsewhere.chmod(0o755)
        os.seteuid(65534)
    try:
        for arguments in ((*WISH, "--model", "./locked"), ("judge", "locked"), ("scene", "locked")):
            done = call(*arguments)
            assert done.exit_code == 2, done.output
            assert "not foreseen" not in done.stderr, done.stderr
    finally:
        os.seteuid(user)
        (elsewhere / "locked").chmod(0o700)
