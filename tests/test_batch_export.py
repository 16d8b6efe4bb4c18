"""Training sets out of a store, read by the libraries that train on them."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from batches import prepared, scenes_file, sleeping
from taue.batch.driver import drive
from taue.batch.engines import StoreInProcess
from taue.batch.export import Threshold
from taue.cli import app
from taue.errors import TaueError

COUNT = 6


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six scenes; of seeds 5 and 6 the background is poor."""
    folder = tmp_path_factory.mktemp("export")
    subjects = [{"prompt": "a red ball", "box": [0.1, 0.2, 0.3, 0.4]}]
    opened, tasks = prepared(folder / "store", scenes_file(folder, COUNT, subjects=subjects))
    recipe = sleeping(poor=[5, 6])
    drive(opened, tasks, StoreInProcess(opened, recipe))
    return folder / "store"


@pytest.mark.slow
# webdataset leaves its file to be closed by whoever collects it.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_webdataset_reads_what_is_exported(store: Path, tmp_path: Path) -> None:
    import webdataset

    out = tmp_path / "set"
    done = CliRunner().invoke(app, ["batch", "export", str(store), "--out", str(out)])
    assert done.exit_code == 0, done.stderr
    assert done.stdout.startswith(f"{COUNT} scenes in 1 file, 0 left out:")
    (tar,) = (out / "data").iterdir()
    samples = list(webdataset.WebDataset(str(tar), shardshuffle=False).decode("pil"))
    assert sorted(one["json"]["seed"] for one in samples) == list(range(1, COUNT + 1))
    for one in samples:
        told = one["json"]
        assert one["txt"] == told["caption"] == "a red ball, a beach"
        assert told["subjects"][0]["box"] == [0.1, 0.2, 0.3, 0.4]
        assert told["scene"]["seed"] == told["seed"] and told["id"] == one["__key__"]
        assert one["composite.png"].size == (64, 64)
        place = store / "results" / told["id"][:2] / told["id"]
        for number, name in enumerate(told["layers"]):
            with Image.open(place / "layers" / f"{name}.png") as picture:
                assert picture.mode == "RGBA"  # straight alpha, to the last bit
                pixels = np.asarray(picture)
            with tar_image(tar, f"{told['id']}.layer-{number}.png") as kept:
                assert np.array_equal(np.asarray(kept), pixels)


def tar_image(tar: Path, name: str) -> Image.Image:
    import tarfile

    with tarfile.open(tar) as opened:
        member = opened.extractfile(name)
        assert member is not None
        return Image.open(io.BytesIO(member.read()))


@pytest.mark.slow
def test_datasets_reads_what_is_exported_and_what_is_poor_is_left_out(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    import datasets

    out = tmp_path / "set"
    arguments = ["batch", "export", str(store), "--out", str(out), "--format", "parquet"]
    done = CliRunner().invoke(app, [*arguments, "--threshold", "psnr_background=20", "--json"])
    assert done.exit_code == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["samples"], told["left_out"]) == (4, {"psnr_background": 2})
    data = datasets.load_dataset(
        "parquet",
        data_files=str(out / "data" / "*.parquet"),
        split="train",
        cache_dir=str(tmp_path / "cache"),
    )
    assert sorted(data["seed"]) == [1, 2, 3, 4]
    one = data[0]
    assert one["composite"].size == (64, 64) and one["composite"].mode == "RGB"
    assert [layer.mode for layer in one["layers"]] == ["RGBA", "RGBA"]
    assert one["layer_names"] == ["0-background", "1-subject-1"]
    assert one["subjects"][0] == {"prompt": "a red ball", "name": "", "box": [0.1, 0.2, 0.3, 0.4]}
    assert json.loads(one["scene"])["seed"] == one["seed"]
    card = (out / "README.md").read_text()
    assert "| scenes in the store | 6 |" in card and "| in this set | 4 |" in card
    assert "| left out by `psnr_background` | 2 |" in card
    assert "| `psnr_background` | 4 | 30 | 30 |" in card


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--format", "csv"], "format is 'csv'; choose webdataset or parquet"),
        (["--threshold", "beauty=1"], "threshold 'beauty=1' is of no figure; known are psnr_f"),
        (["--threshold", "psnr_background"], "has no number; give psnr_background=VALUE"),
        (["--threshold", "psnr_background=99"], "nothing of store"),
    ],
)
def test_a_bad_export_is_one_sentence_and_leaves_nothing(
    more: list[str], sentence: str, store: Path, tmp_path: Path
) -> None:
    out = tmp_path / "set"
    done = CliRunner().invoke(app, ["batch", "export", str(store), "--out", str(out), *more])
    assert done.exit_code == 2 and sentence in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_threshold_is_met_from_its_value_on() -> None:
    more, less = Threshold.parse("psnr_background=20"), Threshold.parse("warnings=1")
    assert more.met({"psnr_background": 20.0}) and not more.met({"psnr_background": 19.9})
    assert less.met({"warnings": 1.0}) and not less.met({"warnings": 2.0})
    assert more.met({"psnr_background": float("inf")})
    assert not more.met({"psnr_background": None}) and not more.met({})
    with pytest.raises(TaueError, match="has no number"):
        Threshold.parse("warnings=nan")


def test_layers_are_measured_as_a_designer_opens_them() -> None:
    from taue.batch.figures import OPENED
    from taue.batch.opened import opened

    rng = np.random.default_rng(0)
    behind = rng.integers(90, 110, (64, 64, 3), np.uint8)
    alpha = np.zeros((64, 64), np.uint8)
    alpha[4:16, 4:16] = 255
    subject = np.dstack([np.full((64, 64, 3), 200, np.uint8), alpha])
    composite = np.where(alpha[..., None] > 0, subject[..., :3], behind)
    effects = np.zeros((64, 64, 4), np.uint8)
    effects[16:20, 4:16, 3] = 51

    def measured(composite: np.ndarray, subject: np.ndarray) -> dict[str, float]:
        layers = {"0-background": behind, "1-effects-1": effects, "2-subject-1": subject}
        return opened(png(composite), png(behind), {name: png(p) for name, p in layers.items()})

    clean = measured(composite, subject)
    assert set(clean) == set(OPENED)
    assert (clean["far"], clean["structure"], clean["cutout_db"]) == (0, 0, 90)
    assert clean["coverage"] == pytest.approx(0.2 * 48 / 64**2)
    redrawn = composite.copy()
    redrawn[48:56, 48:56] = 255  # the background is another where no subject is
    assert measured(redrawn, subject)["far"] == 64 / 64**2
    pale = subject.copy()
    pale[..., :3] += 51
    assert measured(composite, pale)["cutout_db"] == pytest.approx(-20 * np.log10(0.2), abs=1e-3)


def png(pixels: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, format="PNG")
    return stream.getvalue()


def test_an_export_leaves_out_what_its_layers_show(store: Path, tmp_path: Path) -> None:
    arguments = ["batch", "export", str(store), "--out", str(tmp_path / "set"), "--json"]
    done = CliRunner().invoke(app, [*arguments, "--threshold", "cutout_db=60"])
    assert done.exit_code == 2 and "6 are below a threshold" in done.stderr
    done = CliRunner().invoke(app, [*arguments, "--threshold", "cutout_db=3"])
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["samples"] == COUNT
    assert "| `cutout_db` | 6 |" in (tmp_path / "set" / "README.md").read_text()
