"""What a run leaves on disk: all of it or nothing."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from taue.disk.png import write_png
from taue.disk.writing import check_out, complete_folder
from taue.errors import TaueError
from taue.layers import Layers, StageRecord, SubjectLayer
from taue.results.folder import write_result
from taue.results.report import agreement, make_report, versions, write_report
from taue.results.sheet import contact_sheet, grey, heat, on_checkerboard
from taue.scene import Scene, Subject
from taue.seedling import Seedling
from taue.space import Level


def picture(size: tuple[int, int], colour: tuple[int, ...]) -> Image.Image:
    return Image.new("RGBA" if len(colour) == 4 else "RGB", size, colour)


def make_layers(subjects: int = 1, size: tuple[int, int] = (128, 128)) -> Layers:
    """Grey scenes with a red square for each subject, side by side."""
    width, height = size
    composite = picture(size, (128, 128, 128))
    made: list[SubjectLayer] = []
    foregrounds: list[Image.Image] = []
    masks: list[torch.Tensor] = []
    for i in range(subjects):
        box = (16 + 40 * i, 16, 40 + 40 * i, 40)
        rgba, raw = picture(size, (0, 200, 0, 0)), picture(size, (0, 200, 0))
        for image, colour in ((composite, (200, 0, 0)), (raw, (200, 0, 0))):
            image.paste(colour, box)
        rgba.paste((200, 0, 0, 255), box)
        made.append(SubjectLayer(Subject(f"a red square {i + 1}"), rgba))
        foregrounds.append(raw)
        mask = torch.zeros(height // 8, width // 8)
        mask[2:5, 2 + 5 * i : 5 + 5 * i] = 1
        masks.append(mask)
    latents = torch.zeros(1, 4, height // 8, width // 8)
    return Layers(
        composite=composite,
        background=picture(size, (128, 128, 128)),
        subjects=made,
        foregrounds=foregrounds,
        masks=masks,
        attention_maps=[mask * 0.5 for mask in masks],
        seedlings=[Seedling(latents, latents, Level(1.0, 1.0), mask, mask) for mask in masks],
        records=[StageRecord("foreground", (1,), 1.23456, 8), StageRecord("composite", (), 2, 8)],
        scene=Scene.from_data(
            {
                "subjects": [layer.subject for layer in made],
                "background": "grey",
                "steps": 4,
                "canvas": {"width": width, "height": height},
            }
        ),
        noise_seed=1,
        warnings=["look here"],
    )


def leftovers(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_folder_is_complete(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "er" / "out"
    assert check_out(out) == out
    assert leftovers(tmp_path) == []
    with complete_folder(out) as folder:
        (folder / "file").write_text("text")
        assert not out.exists()
    assert (out / "file").read_text() == "text"
    assert leftovers(tmp_path) == ["deep"]
    usual = tmp_path / "usual"
    usual.mkdir()
    assert out.stat().st_mode == usual.stat().st_mode  # not private, as temporary folders are


@pytest.mark.parametrize("kind", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_a_folder_is_absent_after_a_failure(kind: type[BaseException], tmp_path: Path) -> None:
    def fill() -> None:
        with complete_folder(tmp_path / "new" / "out") as folder:
            (folder / "sub").mkdir()
            (folder / "sub" / "file").touch()
            raise kind

    with pytest.raises(kind):
        fill()
    assert leftovers(tmp_path) == []


def block_by_folder(path: Path) -> None:
    path.mkdir()


def block_by_file(path: Path) -> None:
    path.touch()


def block_by_dangling_link(path: Path) -> None:
    path.symlink_to(path.parent / "nowhere")


@pytest.mark.parametrize("block", [block_by_folder, block_by_file, block_by_dangling_link])
def test_what_is_there_is_left_alone(block: Callable[[Path], None], tmp_path: Path) -> None:
    out = tmp_path / "out"
    block(out)
    with pytest.raises(TaueError, match=r"out .* exists already; name"):
        check_out(out)
    with pytest.raises(TaueError, match="exists already"), complete_folder(out):
        pass
    assert leftovers(tmp_path) == ["out"]


def test_a_parent_that_cannot_hold_it(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for out in (tmp_path / "file" / "out", Path("/proc/out"), tmp_path / ("x" * 300), "nul\0byte"):
        with pytest.raises(TaueError, match=r"out .* cannot be written"):
            check_out(out)
        with pytest.raises(TaueError, match=r"out .* cannot be written"), complete_folder(out):
            pass
    assert leftovers(tmp_path) == ["file"]


def test_a_parent_without_permission(tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    user = os.geteuid()
    if user == 0:  # root may write anywhere, so be nobody for a moment
        os.seteuid(65534)
    try:
        with pytest.raises(TaueError, match=r"out .* cannot be written"):
            check_out(locked / "out")
    finally:
        os.seteuid(user)


def test_a_folder_made_meanwhile_wins(tmp_path: Path) -> None:
    with pytest.raises(TaueError, match="exists already"), complete_folder(tmp_path / "out"):
        (tmp_path / "out").mkdir()
    assert leftovers(tmp_path) == ["out"]
    assert leftovers(tmp_path / "out") == []


def test_png_keeps_straight_alpha_and_its_bytes(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (9, 7, 4), dtype=np.uint8)
    pixels[:3, :, 3] = 0  # hidden colours must survive
    image = Image.fromarray(pixels)
    image.info["dpi"] = (72, 72)
    write_png(image, tmp_path / "one.png")
    write_png(Image.fromarray(pixels), tmp_path / "two.png")
    with Image.open(tmp_path / "one.png") as read:
        np.testing.assert_array_equal(np.asarray(read), pixels)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


def test_checkerboard_shows_through_by_alpha() -> None:
    clear = np.asarray(on_checkerboard(picture((64, 64), (255, 0, 0, 0)), (64, 64)))
    assert set(clear.reshape(-1).tolist()) == {204, 255}
    assert clear[0, 0].tolist() == [255] * 3
    assert clear[0, 16].tolist() == [204] * 3
    solid = np.asarray(on_checkerboard(picture((32, 32), (9, 8, 7, 255)), (64, 64)))
    assert (solid == (9, 8, 7)).all()


def test_enlarging_lets_no_hidden_colour_bleed_in() -> None:
    pixels = np.zeros((8, 8, 4), np.uint8)
    pixels[:, :4] = (255, 255, 255, 255)
    pixels[:, 4:] = (0, 255, 0, 0)  # invisible green
    shown = np.asarray(on_checkerboard(Image.fromarray(pixels), (64, 64))).astype(int)
    assert np.abs(shown - shown[..., :1]).max() <= 2


def test_maps_run_from_dark_to_bright() -> None:
    ramp = np.linspace(0, 1, 256, dtype=np.float32)[None]
    assert np.asarray(grey(ramp))[0, :, 0].tolist() == list(range(256))
    hot = np.asarray(heat(ramp))[0].astype(int)
    assert hot[0].tolist() == [0, 0, 0]
    assert hot[-1].tolist() == [255, 255, 255]
    assert (np.diff(hot.sum(1)) >= 0).all()


@pytest.mark.parametrize(
    ("canvas", "tile"),
    [((128, 128), (256, 256)), ((1024, 1024), (512, 512)), ((64, 128), (128, 256)),
     ((1024, 256), (512, 128)), ((384, 320), (384, 320))],
)  # fmt: skip
@pytest.mark.parametrize("subjects", [1, 2])
def test_the_sheet_holds_every_tile(
    canvas: tuple[int, int], tile: tuple[int, int], subjects: int
) -> None:
    layers = make_layers(subjects, canvas)
    sheet = contact_sheet(layers)
    columns, rows = max(subjects + 2, 3), subjects + 1
    across, down = tile[0] + 12, tile[1] + 22 + 12
    assert sheet.size == (columns * across + 12, rows * down + 12)
    pixels = np.asarray(sheet)
    middle = (12 + 22 + tile[1] * 7 // 8, 12 + tile[0] * 7 // 8)
    for column in (subjects, subjects + 1):  # background and composite: grey in the corner
        assert pixels[middle[0], middle[1] + column * across].tolist() == [128] * 3
    # The mask shows latent cells as squares: exactly black and white.
    top = 12 + down + 22
    mask = pixels[top : top + tile[1], 12 + across : 12 + across + tile[0]]
    assert set(np.unique(mask)) == {0, 255}
    assert (mask == 255).mean() == pytest.approx(9 * 64 / (canvas[0] * canvas[1]), rel=0.1)


def test_the_sheet_takes_any_label() -> None:
    layers = make_layers()
    layers.subjects[0] = SubjectLayer(
        Subject("ein sehr langer\nName " * 20 + "\u679c"), layers.subjects[0].image
    )
    assert contact_sheet(layers).size == contact_sheet(make_layers()).size


@pytest.mark.slow
def test_agreement_where_layers_are_seen() -> None:
    layers = make_layers(2)
    told = agreement(layers)
    assert [one["subject"] for one in told["foregrounds"]] == [1, 2]
    assert all(one["psnr"] == "infinity" for one in told["foregrounds"])
    assert all(one["pixels"] == 24 * 24 for one in told["foregrounds"])
    assert all(one["ssim"] < 1 for one in told["foregrounds"])  # its window reaches the key
    assert told["background"] == {
        "psnr": "infinity", "ssim": 1.0, "pixels": 128 * 128 - 40 * 80
    }  # fmt: skip


def test_agreement_by_hand() -> None:
    layers = make_layers()
    layers.background = picture((128, 128), (128 + 51, 128 + 51, 128 + 51))  # 0.2 off: 14 dB
    layers.foregrounds[0] = picture((128, 128), (200, 51, 0))  # a third of the channels 0.2 off
    told = agreement(layers)
    assert told["background"]["psnr"] == pytest.approx(-10 * np.log10(0.04), abs=1e-3)
    assert told["foregrounds"][0]["psnr"] == pytest.approx(-10 * np.log10(0.04 / 3), abs=1e-3)


def test_a_covered_subject_is_not_compared_where_it_is_covered() -> None:
    layers = make_layers(2)
    layers.subjects[1] = SubjectLayer(
        layers.subjects[1].subject, picture((128, 128), (0, 0, 0, 255))
    )
    told = agreement(layers)
    assert told["foregrounds"][0] == {"subject": 1, "psnr": None, "ssim": None, "pixels": 0}
    assert told["background"] == {"psnr": None, "ssim": None, "pixels": 0}


def test_the_report_is_strict_json(tmp_path: Path) -> None:
    report = make_report(
        make_layers(), {"seed": 7, "odd": Path("x")}, ["look here"], {"load": 1.00049}
    )
    write_report(report, tmp_path / "report.json")
    read = json.loads((tmp_path / "report.json").read_text(), parse_constant=pytest.fail)
    assert read["stages"] == [
        {"stage": "foreground", "subjects": [1], "seconds": 1.235, "unet_evaluations": 8},
        {"stage": "composite", "subjects": [], "seconds": 2, "unet_evaluations": 8},
    ]
    assert read["seconds"] == {"load": 1.0}
    assert read["settings"] == json.loads(
        json.dumps({**make_layers().settings, "seed": 7, "odd": "x"})
    )
    assert read["settings"]["num_inference_steps"] == 4
    assert read["warnings"] == ["look here"]
    assert read["versions"] == versions()
    assert set(read["versions"]) == {"taue", "torch", "diffusers", "transformers", "python"}
    assert read["versions"]["torch"].split("+")[0] == torch.__version__.split("+")[0]


def test_a_result_is_all_of_its_files(tmp_path: Path) -> None:
    out = tmp_path / "out"
    paths = write_result(make_layers(2), {"a": 1}, out)
    assert sorted(path.name for path in paths) == leftovers(out)
    assert leftovers(out) == [
        "background.png", "composite.png", "foreground-1.png", "foreground-2.png", "layers",
        "layers.ora", "layers.psd", "report.json", "scene.toml", "seedlings", "sheet.png",
        "subject-1.png", "subject-2.png",
    ]  # fmt: skip
    with Image.open(out / "subject-2.png") as image:
        assert (image.mode, image.size) == ("RGBA", (128, 128))
        assert np.asarray(image)[0, 0].tolist() == [0, 200, 0, 0]
    for name in ("background", "composite", "foreground-1", "sheet"):
        with Image.open(out / f"{name}.png") as image:
            assert image.mode == "RGB"


def test_a_result_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_result(make_layers(), {"a": float("nan")}, tmp_path / "out")
    assert leftovers(tmp_path) == []


def test_a_full_disk_is_one_sentence(tmp_path: Path) -> None:
    def fill() -> None:
        with complete_folder(tmp_path / "out") as folder:
            shutil.copy(__file__, folder / "copy")
            Path("/dev/full").write_text("x" * 100_000)

    with pytest.raises(TaueError, match=r"out .* cannot be written .No space left"):
        fill()
    assert leftovers(tmp_path) == []
