"""``taue export`` and ``taue flatten``, and ``Layers.save``."""

import io
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner, Result

from made_scenes import leftovers, overlapping
from taue.cli import app
from taue.errors import TaueError
from taue.files.layered import flatten_file
from taue.layers import Layers, SubjectLayer
from taue.results.folder import write_result
from taue.scene import Scene, Subject
from taue.scene.subject import layer_file_names
from taue.seedling import Seedling
from taue.space import Level
from taue.stack import exact, flatten, largest_error, raw

PROMPTS = ("a red apple", "a blue car")


def call(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def made(output_type: str = "pil", names: Sequence[str | None] = (None,) * len(PROMPTS)) -> Layers:
    """Rendered truth in the place of a model's pictures."""
    pictures = overlapping()

    def as_output(pixels: np.ndarray) -> object:
        if output_type == "pil":
            return Image.fromarray(pixels)
        unit = pixels.astype(np.float32) / 255
        return unit if output_type == "np" else torch.from_numpy(unit).permute(2, 0, 1)

    mask, latents = torch.zeros(12, 20), torch.zeros(1, 4, 12, 20)
    subjects = [Subject(p, name=name) for p, name in zip(PROMPTS, names, strict=True)]
    return Layers(
        composite=as_output(pictures.composite),
        background=as_output(pictures.background),
        subjects=[
            SubjectLayer(subject, as_output(pixels))
            for subject, pixels in zip(subjects, pictures.subjects, strict=True)
        ],
        foregrounds=[as_output(pixels[..., :3]) for pixels in pictures.subjects],
        masks=[mask, mask],
        attention_maps=[mask, mask],
        seedlings=[Seedling(latents, latents, Level(1.0, 1.0), mask, mask)] * 2,
        scene=Scene.from_data({"subjects": subjects, "background": "a beach"}),
        noise_seed=1,
    )


@pytest.fixture
def result(tmp_path: Path) -> Path:
    layers = made()
    write_result(layers, {"settings": layers.settings}, tmp_path / "result")
    return tmp_path / "result"


@pytest.mark.parametrize("output_type", ["pil", "np", "pt"])
@pytest.mark.parametrize("mode", ["exact", "raw"])
def test_layers_of_any_output_type_are_stacked(output_type: str, mode: str) -> None:
    stack = made(output_type).stack(mode)
    expected = (exact if mode == "exact" else raw)(overlapping())
    assert [layer.name for layer in stack.of("subject")] == list(PROMPTS)
    for layer, other in zip(stack.layers, expected.layers, strict=True):
        np.testing.assert_array_equal(layer.pixels, other.pixels)


def test_layers_refuse_what_cannot_be_stacked() -> None:
    with pytest.raises(TaueError, match="mode is 'best'; choose exact or raw"):
        made().stack("best")
    layers = made()
    layers.composite = torch.zeros(1, 4, 12, 20)
    with pytest.raises(TaueError, match='output_type is "latent"'):
        layers.stack()


def test_layers_save_by_ending(tmp_path: Path) -> None:
    for name in ("x.psd", "x.ORA"):
        path = made().save(tmp_path / name)
        assert largest_error(flatten_file(path), overlapping().composite) <= 1
    assert len(leftovers(made().save(tmp_path / "x.webp", mode="raw"))) == 3
    with pytest.raises(TaueError, match="ending that is not known"):
        made().save(tmp_path / "x.gif")


def test_a_result_holds_its_stack(result: Path) -> None:
    for name in ("layers.psd", "layers.ora"):
        shown = flatten_file(result / name)
        assert largest_error(shown, overlapping().composite) <= 1
    assert leftovers(result / "layers") == [
        "0-background.png", "1-effects-1.png", "2-effects-2.png", "3-subject-1.png",
        "4-subject-2.png",
    ]  # fmt: skip
    told = json.loads((result / "report.json").read_text())["recomposition"]
    assert told["mode"] == "exact"
    assert told["largest_error"] <= 1
    assert 0 < told["coverage"] < 0.1


@pytest.mark.slow
def test_export_and_flatten(result: Path, tmp_path: Path) -> None:
    psd, ora, webp = (tmp_path / "new" / name for name in ("a.psd", "a.ora", "webp"))
    done = call("export", result, "--psd", psd, "--ora", ora, "--webp", webp)
    assert done.exit_code == 0, done.stderr
    assert done.stdout.splitlines()[:2] == [str(psd), str(ora)]
    assert len(done.stdout.splitlines()) == 2 + len(leftovers(webp))
    assert psd.read_bytes() == (result / "layers.psd").read_bytes()  # named by the report
    for file in (psd, ora):
        done = call("flatten", file, "--out", tmp_path / "flat.png", "--overwrite")
        assert done.exit_code == 0, done.stderr
        with Image.open(tmp_path / "flat.png") as image:
            shown = np.asarray(image)
        np.testing.assert_array_equal(shown, flatten(exact(overlapping()).layers))
    assert call("flatten", ora).stdout == f"{tmp_path / 'new' / 'a.png'}\n"
    assert "exists already" in call("export", result, "--psd", psd, "--mode", "raw").stderr
    done = call("export", result, "--psd", psd, "--mode", "raw", "--overwrite")
    assert done.exit_code == 0, done.stderr
    np.testing.assert_array_equal(flatten_file(psd), raw(overlapping()).merged)


def test_an_export_that_fails_leaves_nothing(result: Path, tmp_path: Path) -> None:
    psd, taken = tmp_path / "new" / "a.psd", tmp_path / "b.ora"
    taken.mkdir()
    done = call("export", result, "--psd", psd, "--ora", taken)
    assert done.exit_code == 2
    assert done.stdout == ""
    assert leftovers(tmp_path) == ["b.ora", "result"]
    psd = tmp_path / "a.psd"
    psd.write_bytes(b"old")
    for more in ((), ("--overwrite",)):
        assert call("export", result, "--psd", psd, "--ora", taken, *more).exit_code == 2
        assert psd.read_bytes() == b"old"


def test_what_is_written_to_standard_output_comes_alone(result: Path, tmp_path: Path) -> None:
    done = call("export", result, "--psd", "-")
    assert done.exit_code == 0, done.stderr
    assert done.stdout_bytes == (result / "layers.psd").read_bytes()
    done = call("flatten", result / "layers.ora", "--out", "-")
    assert done.exit_code == 0, done.stderr
    assert Image.open(io.BytesIO(done.stdout_bytes)).size == (160, 96)
    assert leftovers(tmp_path) == ["result"]


@pytest.mark.parametrize("names", [("Big apple", "车"), (None, "2nd car")])
def test_named_subjects_are_exported(names: tuple[str | None, ...], tmp_path: Path) -> None:
    layers = made(names=names)
    subjects = [layer.subject for layer in layers.subjects]
    write_result(layers, {"settings": layers.settings}, tmp_path / "result")
    done = call("export", tmp_path / "result", "--psd", tmp_path / "x.psd")
    assert done.exit_code == 0, done.stderr
    assert (tmp_path / "x.psd").read_bytes() == (tmp_path / "result/layers.psd").read_bytes()

    gone = f"{layer_file_names(subjects)[0]}.png"
    (tmp_path / "result" / gone).unlink()
    done = call("export", tmp_path / "result", "--psd", tmp_path / "y.psd")
    assert done.exit_code == 2
    assert f"{gone}' is missing" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["export", "result"], "psd, ora or webp is missing"),
        (["export", "result", "--psd", "x.png"], "psd is 'x.png'; give a file that ends in .psd"),
        (["export", "result", "--ora", "x.psd"], "ora is 'x.psd'"),
        (["export", "result", "--psd", "x.psd", "--mode", "best"], "mode is 'best'"),
        (["export", "result", "--webp", "result"], "exists already"),
        (["export", "nothing", "--psd", "x.psd"], "folder 'nothing' is missing"),
        (["flatten", "nothing.psd"], "file 'nothing.psd' is missing"),
        (["flatten", "result"], "neither .psd nor .ora"),
        (["flatten", "result/layers.psd", "--out", "x.jpg"], "out is 'x.jpg'"),
    ],
)
def test_bad_input_is_one_sentence(
    arguments: list[str], says: str, result: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(result.parent)
    done = call(*arguments)
    assert done.exit_code == 2
    assert says in done.stderr
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1
    assert leftovers(result.parent) == ["result"]


@pytest.mark.slow
def test_neither_command_waits_for_torch(result: Path) -> None:
    code = (
        "import sys\nfrom taue.cli import app\n"
        "folder = sys.argv[1]\n"
        "for line in (['flatten', folder + '/layers.ora'], "
        "['export', folder, '--psd', folder + '/y.psd']):\n"
        "    try: app(line)\n    except SystemExit as end: print(end.code)\n"
        "print('torch' in sys.modules, 'diffusers' in sys.modules)"
    )
    arguments = [sys.executable, "-c", code, str(result)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        f"{result}/layers.png", "0", f"{result}/y.psd", "0", "False False"
    ]  # fmt: skip
