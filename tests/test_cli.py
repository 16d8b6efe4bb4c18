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
import torch
from PIL import Image
from typer.testing import CliRunner, Result

import taue
from taue import Box, Scene, Subject, run
from taue.cli import app
from taue.commands.options import chosen_scene
from taue.errors import TaueError
from taue.noise import seed_of
from taue.paddy.scenes import BACKGROUNDS, COLOURS, KINDS

FILES = [
    "background.png", "composite.png", "foreground-1-cut.png", "foreground-1.png", "layers",
    "layers.ora", "layers.psd", "raw", "report.json", "scene.toml", "seedlings", "sheet.png",
    "subject-1.png",
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


@pytest.mark.slow
def test_version_and_help() -> None:
    assert call("--version").stdout == f"taue {taue.__version__}\n"
    for arguments in ([], ["--help"]):
        done = call(*arguments)
        assert done.exit_code == 0
        assert all(name in done.stdout for name in ("generate", "models", "scene"))


def imported_by(arguments: list[str]) -> set[str]:
    """The modules that a command has imported in a process of its own."""
    code = (
        "import sys\nfrom taue.cli import app\n"
        "try: app()\nexcept SystemExit: pass\n"
        "print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
    )
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [
        ["generate", "--help"],
        ["models"],
        ["scene", "--schema"],
        ["scene", "missing.toml"],
        wish("sdxl", subject=""),
        wish("sdxl", device="tpu"),
        wish("nothing"),
    ],
)
def test_what_needs_no_torch_does_not_wait_for_it(arguments: list[str]) -> None:
    assert not {"torch", "diffusers"} & imported_by(arguments)


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
def test_the_overview_needs_nothing_of_any_command(arguments: list[str]) -> None:
    heavy = {"numpy", "pydantic", "taue.scene", "torch", "diffusers"}
    assert not heavy & imported_by(arguments)


def test_models_lists_every_word_of_paddy() -> None:
    done = call("models")
    assert done.exit_code == 0
    for word in ("paddy", "sdxl", *KINDS, *COLOURS, *BACKGROUNDS):
        assert word in done.stdout


@pytest.mark.slow
def test_generate_makes_everything_it_says(tiny_sdxl: Path, elsewhere: Path) -> None:
    done = call(*wish(tiny_sdxl))
    assert done.exit_code == 0, done.stderr
    out = elsewhere / "out"
    assert sorted(path.name for path in out.iterdir()) == FILES
    first, *paths = done.stdout.splitlines()
    assert first.startswith("Made in ")
    assert sorted(paths) == [f"out/{name}" for name in FILES]
    for stage in ("foreground: a red apple", "composite", "background", "refine", "heal"):
        assert f"{stage} " in done.stderr
    assert done.stderr.count("4/4") == 5
    with Image.open(out / "subject-1.png") as image:
        assert (image.mode, image.size) == ("RGBA", (128, 128))
    for name in ("background", "composite", "foreground-1"):
        with Image.open(out / f"{name}.png") as image:
            assert (image.mode, image.size) == ("RGB", (128, 128))
    report = json.loads((out / "report.json").read_text())
    stages = [one for one in report["stages"] if one["unet_evaluations"]]
    names = ["foreground", "composite", "background", "refine", "heal"]
    assert [one["stage"] for one in stages] == names
    # 4 steps, all but the last with and without text; the object that random weights do not paint
    # is tried 3 times, the background begins one step later, and one is left after the harvest.
    assert [one["unet_evaluations"] for one in stages] == [21, 7, 5, 1, 1]
    assert set(report["agreement"]) == {"foregrounds", "background"}
    chosen = {"num_inference_steps": 4, "guidance_scale": 5.0, "crop_ratio": 0.6, "seed": 7}
    chosen |= {"foreground_guidance_scale": 7.5, "dtype": "float32", "device": "cpu"}
    chosen |= {"model": str(tiny_sdxl), "scene": None}
    assert {name: report["settings"][name] for name in chosen} == chosen


@pytest.mark.slow
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


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bytes(tiny_sdxl: Path, elsewhere: Path) -> None:
    small = {"steps": 2, "width": 64, "height": 64}
    for out, seed in (("one", 7), ("two", 7), ("three", 8)):
        assert call(*wish(tiny_sdxl, out=out, seed=seed, **small)).exit_code == 0
    for name in FILES:
        if name.endswith((".png", ".ora", ".psd")):
            one, two, three = (
                (elsewhere / out / name).read_bytes() for out in ("one", "two", "three")
            )
            assert one == two
            assert one != three
    pixels = [np.asarray(Image.open(elsewhere / out / "composite.png")) for out in ("one", "three")]
    assert (pixels[0] != pixels[1]).any()


@pytest.mark.slow
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
    done = call("rebackground", "out", "--background", "a red bech", "--out", "again", "--quiet")
    assert done.exit_code == 0, done.stderr
    warnings = json.loads((elsewhere / "again" / "report.json").read_text())["warnings"]
    assert any('the word "bech"; the nearest that it knows: beach' in line for line in warnings)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"subject": ""}, "subject is empty"),
        ({"subject": None}, "subject is missing"),
        ({"box": "0,0,1"}, "box is '0,0,1'; give X,Y,W,H"),
        ({"box": "0,0,1,x"}, "box is '0,0,1,x'; give X,Y,W,H"),
        ({"box": "0.5,0,0.6,1"}, "box x and width are 0.5 and 0.6"),
        ({"box": "nan,0,1,1"}, "box (nan, 0.0, 1.0, 1.0) needs four finite numbers"),
        ({"name": "?"}, "name is '?'; give at least one character"),
        ({"name": ""}, "name is empty"),
        ({"negative": " "}, "negative is empty"),
        ({"scheduler": "EulerDiscreetScheduler"}, "did you mean EulerDiscreteScheduler?"),
        ({"scheduler": "Scheduler"}, "scheduler 'Scheduler' is unknown"),
        ({"scheduler": "FlowMatchEulerDiscreteScheduler"}, "is not supported"),
        ({"scheduler": "RePaintScheduler"}, "RePaintScheduler does not suit this model"),
        ({"scheduler": "DDIMInverseScheduler"}, "DDIMInverseScheduler does not suit"),
        ({"scheduler": "EDMEulerScheduler"}, "EDMEulerScheduler does not suit this model"),
        ({"revision": "main"}, "revision is 'main', but model"),
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


@pytest.mark.parametrize(
    "arguments",
    [
        ["generat"],
        ["--nonsense"],
        ["models", "extra"],
        ["scene"],
        ["scene", "missing.toml"],
        ["generate", "missing.toml", "--out", "out"],
        [*wish("paddy", name="a"), "--name", "b"],
        [*wish("paddy"), "--subject", "", "--box", "0,0,1,1"],
        [*wish("paddy"), "--subject", " "],
    ],
)
def test_bad_commands_are_one_sentence(arguments: list[str]) -> None:
    done = call(*arguments)
    assert done.exit_code == 2
    assert_one_sentence(done.stderr)


@pytest.mark.slow
def test_a_real_process(tiny_sdxl: Path, elsewhere: Path) -> None:
    asked = command(*wish(tiny_sdxl, steps=2, width=64, height=64))
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (elsewhere / "out").iterdir()) == FILES
    # Progress and our own word that random weights paint no object; nothing from the libraries.
    told = (
        "foreground: a red apple",
        "composite",
        "background",
        "refine",
        "heal",
        "Warning: subject 1 (a red apple)",
    )
    for line in done.stderr.splitlines():
        assert line.startswith(told), line
    again = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert again.returncode == 2
    assert_one_sentence(again.stderr)
    assert sorted(path.name for path in (elsewhere / "out").iterdir()) == FILES


SCENE = """
background = "a dark beach"
seed = 11
steps = 2
guidance_scale = 3
negative_prompt = "sunny"

[[subjects]]
name = "Apfel \u679c"
prompt = "a red apple"
negative_prompt = "blue"
box = [0.1, 0.30000000000000004, 0.4, 0.5]

[[subjects]]
prompt = "a blue ball"
crop_ratio = 0.25

[canvas]
width = 64

[method]
key_strength = 0.2
tries = 1
"""


def bytes_of(folder: Path) -> dict[str, bytes]:
    """Every file's content, of the report all but how long things took."""
    files = (path for path in folder.rglob("*") if path.is_file())
    content = {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
    report = json.loads(content["report.json"])
    del report["seconds"]
    for stage in report["stages"]:
        del stage["seconds"]
    return content | {"report.json": json.dumps(report).encode()}


@pytest.mark.slow
@pytest.mark.parametrize("scheduler", [None, "EulerAncestralDiscreteScheduler"])
def test_a_scene_comes_again_byte_for_byte(
    scheduler: str | None, tiny_sdxl: Path, elsewhere: Path
) -> None:
    (elsewhere / "my.toml").write_text(SCENE, encoding="utf-8")
    options = ["--model", str(tiny_sdxl), "--height", "128", "--device", "cpu"]
    options += [] if scheduler is None else ["--scheduler", scheduler]
    first = call("generate", "my.toml", *options, "--out", "first")
    assert first.exit_code == 0, first.stderr
    made = bytes_of(elsewhere / "first")
    assert {"subject-Apfel-\u679c.png", "foreground-Apfel-\u679c.png", "subject-2.png"} <= set(made)
    written = Scene.load("first")
    assert written.model_dump(exclude={"canvas"}) == {
        **Scene.load("my.toml").model_dump(exclude={"canvas"}),
        "model": str(tiny_sdxl),
        "scheduler": scheduler,
    }
    assert (written.canvas.width, written.canvas.height) == (64, 128)
    assert json.loads(made["report.json"])["settings"]["scheduler"] == (
        scheduler or "EulerDiscreteScheduler"
    )
    shown = call("scene", "first/composite.png")
    assert shown.stdout.encode() == made["scene.toml"]
    (elsewhere / "from-picture.toml").write_bytes(shown.stdout.encode())
    (elsewhere / "s.json").write_bytes(call("scene", "first", "--json").stdout.encode())
    sources = ["first/scene.toml", "first/subject-2.png", "first", "s.json", "from-picture.toml"]
    assert {chosen_scene(Path(source), {}).dumps() for source in sources} == {written.dumps()}
    # One scene, wherever it is read from; each is made again with one of the schedulers.
    for i, source in enumerate(sources[scheduler is None :: 2]):
        out = f"again-{i}"
        assert call("generate", source, "--device", "cpu", "--out", out).exit_code == 0
        assert bytes_of(elsewhere / out) == made, source


@pytest.mark.slow
def test_options_win_over_the_scene(tiny_sdxl: Path, elsewhere: Path) -> None:
    (elsewhere / "my.toml").write_text(SCENE, encoding="utf-8")
    arguments = ["generate", "my.toml", "--model", str(tiny_sdxl), "--seed", "5", "--width", "136"]
    arguments += ["--name", "one", "--name", "two", "--crop-ratio", "0.75", "--negative", "dark"]
    arguments += ["--subject-negative", "", "--subject-negative", "red"]
    done = call(*arguments, "--box", "0,0,.5,.5", "--box", "0.5,0.5,0.5,0.5", "--out", "out")
    assert done.exit_code == 0, done.stderr
    scene = Scene.load("out")
    assert (scene.seed, scene.steps, scene.negative_prompt) == (5, 2, "dark")
    assert (scene.canvas.width, scene.canvas.height) == (136, 128)
    assert (scene.method.model_dump()["crop_ratio"], scene.guidance_scale) == (0.75, 3)
    one, two = scene.subjects
    assert (one.prompt, one.name, one.negative_prompt) == ("a red apple", "one", None)
    assert (two.prompt, two.name, two.negative_prompt) == ("a blue ball", "two", "red")
    assert (one.box, two.box) == (Box(0, 0, 0.5, 0.5), Box(0.5, 0.5, 0.5, 0.5))
    assert two.crop_ratio == 0.25
    settings = json.loads((elsewhere / "out" / "report.json").read_text())["settings"]
    assert settings["subjects"][1]["crop_ratio"] == 0.25
    assert settings["subjects"][0]["box"] == {"x": 0, "y": 0, "width": 0.5, "height": 0.5}


def test_subjects_of_the_command_line_replace_those_of_the_scene(elsewhere: Path) -> None:
    (elsewhere / "my.toml").write_text(SCENE, encoding="utf-8")
    scene = chosen_scene(Path("my.toml"), {"subject": ["a car"], "background": "a meadow"})
    assert scene == Scene.load("my.toml").model_copy(
        update={"subjects": (Subject("a car"),), "background": "a meadow"}
    )


@pytest.mark.slow
def test_the_scene_of_a_call_is_the_one_that_made_it(tiny_sdxl: Path, elsewhere: Path) -> None:
    from taue import TauePipeline

    scene = Scene.loads(SCENE, "toml").model_copy(update={"model": str(tiny_sdxl)})
    pipe = TauePipeline.from_pretrained(tiny_sdxl)
    pipe.set_progress_bar_config(disable=True)
    layers = run.make(pipe, scene)
    assert layers.scene == layers.made_scene == scene.on_canvas(128, 64)
    assert layers.noise_seed == seed_of(scene.seed)
    called = pipe(
        scene.subjects, scene.background, scene.scene, width=64, height=128,
        settings=scene.settings, generator=torch.Generator().manual_seed(scene.seed),
        negative_prompt=scene.negative_prompt,
    )  # fmt: skip
    assert called.scene == scene.alone().on_canvas(128, 64)
    assert Scene.making(called.scene, model=scene.model, seed=scene.seed) == layers.scene
    assert np.array_equal(called.composite, layers.composite)
    with pytest.raises(TaueError, match="scene names no model and no seed"):
        _ = called.made_scene
    own = pipe.scheduler
    run.make(pipe, scene.model_copy(update={"scheduler": "DDIMScheduler"}))
    assert pipe.scheduler is own


def test_what_is_wrong_with_a_scene_file_is_one_sentence(elsewhere: Path) -> None:
    (elsewhere / "my.toml").write_text(SCENE.replace("key_strength", "keystrength"))
    for arguments in (["scene", "my.toml"], ["generate", "my.toml", "--out", "out"]):
        done = call(*arguments)
        assert done.exit_code == 2
        assert_one_sentence(done.stderr)
        said = "my.toml: method.keystrength is unknown; did you mean key_strength?"
        assert done.stderr == f"Error: {said}\n"
    (elsewhere / "my.toml").write_text(SCENE)
    done = call("generate", "my.toml", "--box", "0,0,1,1", "--out", "out")
    assert done.stderr.startswith("Error: box is given 1 time for 2 subjects; give it once")
    done = call("generate", "my.toml", "--name", "x", "--name", "?", "--out", "out")
    assert done.stderr.startswith("Error: name 2 is '?'; give at least one character")


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_an_interrupt_leaves_nothing(tiny_sdxl: Path, elsewhere: Path) -> None:
    # The process tells when its first step is done; it would then go on for minutes.
    # A shell's background jobs inherit that interrupts are ignored, so it heeds them again.
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
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
