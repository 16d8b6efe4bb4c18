"""The command line as its users meet it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

import taue
from taue.cli import app
from taue.paddy.scenes import BACKGROUNDS, COLOURS, KINDS

FILES = [
    "background.png", "composite.png", "foreground-1.png", "layers", "layers.ora", "layers.psd",
    "report.json", "sheet.png", "subject-1.png",
]  # fmt: skip


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Each test in an empty folder of its own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-c", "from taue.cli import app; app()", *arguments]


def wish(model: Path | str, **options: object) -> list[str]:
    """Arguments of a small ``taue generate``; an option of None is left out."""
    given = {
        "subject": "a red apple",
        "background": "a dark beach",
        "model": model,
        "steps": 4,
        "device": "cpu",
        "out": "out",
        **options,
    }
    arguments = ["generate"]
    for name, value in given.items():
        if value is not None:
            arguments += [f"--{name.replace('_', '-')}", str(value)]
    return arguments


def assert_one_sentence(stderr: str) -> None:
    assert stderr.startswith("Error: ")
    assert stderr.count("\n") == 1
    assert stderr.endswith((".\n", "?\n"))
    assert ". " not in stderr
    assert "Traceback" not in stderr


def test_version_and_help() -> None:
    assert call("--version").stdout == f"taue {taue.__version__}\n"
    for arguments in ([], ["--help"]):
        done = call(*arguments)
        assert done.exit_code == 0
        assert "generate" in done.stdout
        assert "models" in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["generate", "--help"],
        ["models"],
        wish("sdxl", subject=""),
        wish("sdxl", device="tpu"),
        wish("nothing"),
    ],
)
def test_what_needs_no_torch_does_not_wait_for_it(arguments: list[str]) -> None:
    code = (
        "import sys\nfrom taue.cli import app\n"
        "try: app()\nexcept SystemExit: pass\n"
        "print('torch' in sys.modules, 'diffusers' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "False False"


def test_models_lists_every_word_of_paddy() -> None:
    done = call("models")
    assert done.exit_code == 0
    for word in ("paddy", "sdxl", *KINDS, *COLOURS, *BACKGROUNDS):
        assert word in done.stdout


def test_generate_makes_everything_it_says(tiny_sdxl: Path, elsewhere: Path) -> None:
    done = call(*wish(tiny_sdxl))
    assert done.exit_code == 0, done.stderr
    out = elsewhere / "out"
    assert sorted(path.name for path in out.iterdir()) == FILES
    first, *paths = done.stdout.splitlines()
    assert first.startswith("Made in ")
    assert sorted(paths) == [f"out/{name}" for name in FILES]
    for stage in ("foreground: a red apple", "composite", "background"):
        assert f"{stage} " in done.stderr
    assert done.stderr.count("4/4") == 3
    with Image.open(out / "subject-1.png") as image:
        assert (image.mode, image.size) == ("RGBA", (128, 128))
    for name in ("background", "composite", "foreground-1"):
        with Image.open(out / f"{name}.png") as image:
            assert (image.mode, image.size) == ("RGB", (128, 128))
    report = json.loads((out / "report.json").read_text())
    stages = [one for one in report["stages"] if one["unet_evaluations"]]
    assert [one["stage"] for one in stages] == ["foreground", "composite", "background"]
    assert all(one["unet_evaluations"] == 8 for one in stages)  # 4 steps, with and without text
    assert set(report["agreement"]) == {"foregrounds", "background"}
    chosen = {"num_inference_steps": 4, "guidance_scale": 5.0, "crop_ratio": 0.5, "seed": 7}
    chosen |= {"foreground_guidance_scale": 7.5, "dtype": "float32", "device": "cpu"}
    chosen |= {"model": str(tiny_sdxl), "scene": "a red apple, a dark beach"}
    assert {name: report["settings"][name] for name in chosen} == chosen


def test_options_reach_the_pipeline(tiny_sdxl: Path, elsewhere: Path) -> None:
    options = {"guidance": 3, "foreground_guidance": 4, "crop_ratio": 0.25, "key": "blue"}
    options |= {"width": 136, "height": 64, "seed": 11, "dtype": "bfloat16", "scene": "at sunset"}
    done = call(*wish(tiny_sdxl, **options), "--subject", "a blue ball")
    assert done.exit_code == 0, done.stderr
    settings = json.loads((elsewhere / "out" / "report.json").read_text())["settings"]
    assert settings["guidance_scale"] == 3
    assert settings["foreground_guidance_scale"] == 4
    assert settings["crop_ratio"] == 0.25
    assert settings["key"] == "blue"
    assert settings["scene"] == "at sunset"
    assert settings["seed"] == 11
    assert settings["dtype"] == "bfloat16"
    assert [one["prompt"] for one in settings["subjects"]] == ["a red apple", "a blue ball"]
    for name in ("subject-2", "foreground-2", "background"):
        with Image.open(elsewhere / "out" / f"{name}.png") as image:
            assert image.size == (136, 64)


def test_the_same_seed_gives_the_same_bytes(tiny_sdxl: Path, elsewhere: Path) -> None:
    for out, seed in (("one", 7), ("two", 7), ("three", 8)):
        assert call(*wish(tiny_sdxl, out=out, seed=seed)).exit_code == 0
    for name in FILES:
        if name.endswith((".png", ".ora", ".psd")):
            one, two, three = (
                (elsewhere / out / name).read_bytes() for out in ("one", "two", "three")
            )
            assert one == two
            assert one != three
    pixels = [np.asarray(Image.open(elsewhere / out / "composite.png")) for out in ("one", "three")]
    assert (pixels[0] != pixels[1]).any()


def test_words_that_the_model_does_not_know(tiny_sdxl: Path, elsewhere: Path) -> None:
    model = elsewhere / "model"
    shutil.copytree(tiny_sdxl, model)
    (model / "vocabulary.json").write_text(json.dumps(["a", "red", "apple", "dark", "beach"]))
    done = call(*wish(model, subject="a red aple", background="a dark quagmire"))
    assert done.exit_code == 0, done.stderr
    warnings = json.loads((elsewhere / "out" / "report.json").read_text())["warnings"]
    assert any('the word "aple"; the nearest that it knows: apple' in line for line in warnings)
    assert any('the word "quagmire"' in line for line in warnings)
    for line in warnings:
        assert f"Warning: {line}" in done.stderr
    assert not any('"dark"' in line for line in warnings)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"subject": ""}, "subject is empty"),
        ({"subject": None}, "subject is missing"),
        ({"background": " "}, "background is empty"),
        ({"background": None}, "--background"),
        ({"scene": ""}, "scene is empty"),
        ({"out": None}, "--out"),
        ({"model": "pady"}, "model 'pady' is unknown; did you mean paddy"),
        ({"model": "./missing"}, "model ./missing is missing"),
        ({"model": "empty"}, "model empty is not a diffusers folder"),
        ({"model": "missing.safetensors"}, "model missing.safetensors is missing"),
        ({"model": "broken.safetensors"}, "model 'broken.safetensors' cannot be loaded"),
        ({"model": "broken-folder"}, "model 'broken-folder' cannot be loaded"),
        ({"model": "nobody-here/nothing"}, "model nobody-here/nothing is neither a folder"),
        ({"model": "sdxl"}, "check the name and the network"),
        ({"out": "empty"}, "out 'empty' exists already"),
        ({"out": "notes.txt/out"}, "out 'notes.txt/out' cannot be written"),
        ({"out": "/proc/out"}, "out '/proc/out' cannot be written"),
        ({"steps": 1}, "steps is 1"),
        ({"steps": 0}, "steps is 0"),
        ({"steps": "many"}, "--steps"),
        ({"device": "tpu"}, "device 'tpu' is unknown"),
        ({"device": "cuda:99"}, "device cuda:99 is not available"),
        ({"dtype": "int8"}, "dtype 'int8' is unknown"),
        ({"seed": "seven"}, "--seed"),
        ({"seed": 1.5}, "--seed"),
        ({"seed": -1}, "seed is -1"),
        ({"seed": 2**63}, "seed is 9223372036854775808"),
        ({"guidance": "nan"}, "guidance is nan"),
        ({"guidance": "inf"}, "guidance is inf"),
        ({"foreground_guidance": "nan"}, "foreground-guidance is nan"),
        ({"crop_ratio": 0}, "crop-ratio is 0.0"),
        ({"crop_ratio": 1}, "crop-ratio is 1.0"),
        ({"crop_ratio": "nan"}, "crop-ratio is nan"),
        ({"key": "plaid"}, "key is 'plaid'"),
        ({"width": 100}, "width is 100"),
        ({"height": 8}, "height is 8"),
        ({"height": -64}, "height is -64"),
        ({"frobnicate": 1}, "--frobnicate"),
    ],
)
def test_bad_input_is_one_sentence(
    options: dict[str, object], says: str, tiny_sdxl: Path, elsewhere: Path
) -> None:
    (elsewhere / "empty").mkdir()
    (elsewhere / "notes.txt").touch()
    (elsewhere / "broken.safetensors").write_bytes(b"\x08" + bytes(200))
    shutil.copytree(tiny_sdxl, elsewhere / "broken-folder")
    weights = elsewhere / "broken-folder" / "unet" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    before = sorted(elsewhere.iterdir())
    done = call(*wish(options.pop("model", tiny_sdxl), **options))
    assert done.exit_code == 2
    assert done.stdout == ""
    assert_one_sentence(done.stderr)
    assert says in done.stderr
    assert sorted(elsewhere.iterdir()) == before


@pytest.mark.parametrize("arguments", [["generat"], ["--nonsense"], ["models", "extra"]])
def test_bad_commands_are_one_sentence(arguments: list[str]) -> None:
    done = call(*arguments)
    assert done.exit_code == 2
    assert_one_sentence(done.stderr)


def test_a_real_process(tiny_sdxl: Path, elsewhere: Path) -> None:
    done = subprocess.run(command(*wish(tiny_sdxl)), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (elsewhere / "out").iterdir()) == FILES
    # Progress and our own word that random weights paint no object; nothing from the libraries.
    told = (
        "foreground: a red apple",
        "composite",
        "background",
        "Warning: subject 1 (a red apple)",
    )
    for line in done.stderr.splitlines():
        assert line.startswith(told), line
    again = subprocess.run(command(*wish(tiny_sdxl)), capture_output=True, text=True, check=False)
    assert again.returncode == 2
    assert_one_sentence(again.stderr)
    assert sorted(path.name for path in (elsewhere / "out").iterdir()) == FILES


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_an_interrupt_leaves_nothing(tiny_sdxl: Path, elsewhere: Path) -> None:
    # The process tells when its first step is done; it would then go on for minutes.
    code = (
        "from taue.progress import StageProgress as P\n"
        "step = P.__call__\n"
        "P.__call__ = lambda *a: (open('begun', 'w').close(), step(*a))[1]\n"
        "from taue.cli import app; app()"
    )
    arguments = wish(tiny_sdxl, steps=1000)
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stderr=subprocess.PIPE, text=True
    )
    with process:
        wait_for(lambda: (elsewhere / "begun").exists() or process.poll() is not None)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert stderr.splitlines()[-1] == "Interrupted; nothing was written."
    assert "Traceback" not in stderr
    assert [path.name for path in elsewhere.iterdir()] == ["begun"]


def wait_for(condition: Callable[[], bool], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)
