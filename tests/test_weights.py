"""Formats that run code are refused before a library opens them."""

from __future__ import annotations

import os
import pickle
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from taue import TauePipeline
from taue.cli import app
from taue.errors import TaueError
from taue.weights import PICKLED


class Harm:
    """Makes a file when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (os.mkdir, ("harmed",))


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("ending", PICKLED)
def test_a_checkpoint_that_can_run_code_is_refused(ending: str, elsewhere: Path) -> None:
    path = elsewhere / f"model{ending}"
    path.write_bytes(pickle.dumps(Harm()))
    for name in (path, f"missing{ending}", str(path).upper()):
        with pytest.raises(TaueError, match=r"^model '.*' is of a format that can run code; give"):
            TauePipeline.from_pretrained(name)
    wish = ["generate", "--subject=x", "--background=y", "--out=o", f"--model={path}"]
    done = CliRunner().invoke(app, wish)
    assert done.exit_code == 2
    assert "can run code" in done.stderr
    assert not (elsewhere / "harmed").exists()


def test_a_folder_with_a_part_that_can_run_code_is_refused(tiny_sdxl: Path) -> None:
    model = Path(shutil.copytree(tiny_sdxl, "model"))
    evil = model / "unet" / "diffusion_pytorch_model.bin"
    evil.write_bytes(pickle.dumps(Harm()))
    TauePipeline.from_pretrained("./model")  # beside safetensors it is not read
    (model / "unet" / "diffusion_pytorch_model.safetensors").unlink()
    with pytest.raises(TaueError, match=r"^model has '.*model.bin' is of a format that can run co"):
        TauePipeline.from_pretrained("./model")
    with pytest.raises(TaueError, match="use_safetensors is not True"):
        TauePipeline.from_pretrained(tiny_sdxl, use_safetensors=False)
    assert not Path("harmed").exists()


@pytest.mark.skipif(os.name == "nt", reason="pipes")
def test_a_pipe_in_a_model_folder_is_not_waited_for(tiny_sdxl: Path) -> None:
    model = Path(shutil.copytree(tiny_sdxl, "model"))
    (model / "unet" / "config.json").unlink()
    os.mkfifo(model / "unet" / "config.json")
    with pytest.raises(TaueError, match=r"has 'config.json', which is no file"):
        TauePipeline.from_pretrained("./model")


def test_a_lora_that_can_run_code_is_refused(tiny_sdxl: Path, elsewhere: Path) -> None:
    pipe = TauePipeline.from_pretrained(tiny_sdxl)
    (elsewhere / "lora").mkdir()
    path = elsewhere / "lora" / "pytorch_lora_weights.bin"
    path.write_bytes(pickle.dumps(Harm()))
    for given, options in ((path, {}), ("lora", {}), ("lora", {"weight_name": path.name})):
        with pytest.raises(TaueError, match="can run code"):
            pipe.load_lora_weights(given, **options)
    with pytest.raises(TaueError, match="use_safetensors is not True"):
        pipe.load_lora_weights("elsewhere", use_safetensors=False)
    assert not (elsewhere / "harmed").exists()
