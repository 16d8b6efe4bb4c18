"""`taue eval score`: columns with known answers, the tables, and everybody's files."""

from __future__ import annotations

import csv
import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFilter
from typer.testing import CliRunner, Result

from benchmarks import results
from made_items import perfect, write_run
from taue.cli import app
from taue.disk.unfinished import PREFIX
from taue.errors import TaueError
from taue.evaluation import figures
from taue.evaluation.art import read_any
from taue.evaluation.bootstrap import Figure, mean_figure, set_figure
from taue.evaluation.columns import COLUMNS, OURS, PAPER
from taue.evaluation.dataset import read_data
from taue.evaluation.items import Item, read_item, write_item
from taue.evaluation.rendered import write_rendered
from taue.evaluation.reported import REPORTED
from taue.evaluation.score import Scored, box_iou, draws_on_key, recomposition_error
from taue.evaluation.table import latex
from taue.evaluation.tint import key_tint
from tiny_networks import save_alexnet, save_clip, save_inception

COUNT = 4


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("data") / "paddy"
    write_rendered(out, COUNT, seed=3, side=128)
    return out


@pytest.fixture(scope="module")
def run(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("runs") / "ours", data)


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> list[str | Path]:
    folder = tmp_path_factory.mktemp("networks")
    return [
        "--inception", save_inception(folder / "inception"), "--clip", save_clip(folder / "clip"),
        "--alexnet", save_alexnet(folder / "alexnet"),
    ]  # fmt: skip


def call(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["eval", "score", "--device", "cpu", *map(str, arguments)])


def there(value: float | None) -> float:
    assert value is not None
    return value


def told(out: Path, place: int = 0) -> dict:
    return json.loads(out.with_suffix(".json").read_text())["runs"][place]


@pytest.mark.slow
def test_all_columns_of_a_perfect_run(
    run: Path, networks: list[str | Path], tmp_path: Path
) -> None:
    out = tmp_path / "table.md"
    done = call(run, *networks, "--out", out, "--require", "fid", "--require", "lpips_bg")
    assert done.exit_code == 0, done.stderr
    columns = {key: c and c["value"] for key, c in told(out)["columns"].items()}
    assert set(columns) == set(COLUMNS)
    assert [key for key, value in columns.items() if value is None] == ["key_tint"]
    assert told(out)["why"]["key_tint"] == "no run of plain beside it"
    # The composites are the data set's pictures, and the layers are cut from them.
    assert columns["fid"] == pytest.approx(0, abs=1e-3)
    assert columns["fd_judge"] == pytest.approx(0, abs=1e-3)
    assert columns["clip_i"] == pytest.approx(1, abs=1e-5)
    assert columns["sim_judge"] == pytest.approx(1, abs=1e-5)
    assert columns["psnr_fg"] == columns["psnr_bg"] == "infinity"
    assert columns["ssim_bg"] > 0.99 and columns["ssim_fg"] > 0.8  # its window sees outside
    assert columns["lpips_fg"] == columns["lpips_bg"] == 0
    assert columns["box_iou"] > 0.9 and columns["iou"] > 0.8
    assert columns["ghosts"] == 0 and columns["edge"] > 0.7
    assert columns["residue"] > 0.5  # its grey shape is left in the background
    assert (columns["seconds"], columns["unet_evaluations"]) == (2, 100)
    document = json.loads(out.with_suffix(".json").read_text())
    assert set(document["networks"]) == {"judge", "inception", "clip", "alexnet"}
    assert all(len(one["sha256"]) == 64 for one in document["networks"].values())
    assert len(told(out)["items"]) == COUNT


@pytest.mark.slow
def test_the_tables_say_the_same(run: Path, data: Path, tmp_path: Path) -> None:
    pasted = write_run(tmp_path / "pas_ted", data, "composite-then-cut", copies=True)
    worse = tmp_path / "worse"
    shutil.copytree(run, worse)
    for path in (worse / "items").glob("*/item.json"):
        path.write_text('{"seconds": 7, "unet_evaluations": 300}')
    out = tmp_path / "table.md"
    assert call(run, worse, pasted, "--out", out).exit_code == 0
    page = out.read_text(encoding="utf-8")
    lines = {line.split(" | ")[0][2:]: line for line in page.splitlines() if line.startswith("| ")}
    assert "TAUE + layout *(reported)*" in lines
    assert "55.59" in lines["TAUE + layout *(reported)*"]
    # Without networks: '-' with a footnote each, which is said once.
    assert page.count("no Inception network: give --inception") == 1
    assert "no CLIP network: give --clip" in page and "no AlexNet: give --alexnet" in page
    assert "copies pixels of one picture into another" in page
    ours = next(line for line in page.splitlines() if line.startswith("| ours | 4 | -"))
    assert ours.count("- <sup>") == 5
    # The better cost is bold, and the one that copies never is.
    costs = [line for line in page.splitlines() if line.startswith(("| ours", "| worse", "| pas"))]
    assert "**100 [100, 100]** | **2.0 [2.0, 2.0]**" in costs[3]
    assert "**300" not in costs[4] and "**" not in costs[5]

    rows = list(csv.DictReader(out.with_suffix(".csv").read_text().splitlines()))
    assert [row["run"] for row in rows] == ["ours", "worse", "pas_ted", *REPORTED]
    assert rows[1]["seconds"] == "7.0" and rows[0]["fid"] == "" and rows[3]["fid"] == "61.46"
    assert [row["reported"] for row in rows] == ["0"] * 3 + ["1"] * 4
    tex = out.with_suffix(".tex").read_text()
    assert r"pas\_ted$^*$" in tex and "TAUE + layout (reported) & 55.59" in tex
    theirs, ours = tex.split("% Ours besides")
    for part, columns in ((theirs, len(PAPER)), (ours, 3)):
        assert {line.count(" & ") for line in part.splitlines() if line.endswith(r"\\")} == {
            columns
        }
    again = tmp_path / "again.md"
    assert call(run, worse, pasted, "--out", again).exit_code == 0
    for ending in (".md", ".csv", ".json", ".tex"):
        assert again.with_suffix(ending).read_bytes() == out.with_suffix(ending).read_bytes()


@pytest.mark.slow
def test_any_programs_files_are_scored_without_a_data_set(data: Path, tmp_path: Path) -> None:
    theirs, read = tmp_path / "theirs", read_data(data)
    for pair in read.pairs:
        item = perfect(read, pair)
        assert item.foreground is not None and item.mask is not None
        folder = theirs / pair.id
        folder.mkdir(parents=True)
        rgba = np.dstack([item.foreground, item.mask])
        Image.fromarray(rgba).save(folder / "foreground.png")
        Image.fromarray(item.composite).save(folder / "composite.png")
        Image.fromarray(item.background).save(folder / "background.png")
    out = tmp_path / "t.md"
    assert call("--layers", theirs, "--out", out).exit_code == 0
    one = told(out)
    assert one["columns"]["psnr_fg"]["value"] == "infinity"
    assert one["columns"]["recomposition"]["value"] <= 255
    assert one["columns"]["sim_judge"] is None
    assert one["why"]["sim_judge"] == one["why"]["fid"] == "no data set: give --data"
    assert one["why"]["seconds"] == "its files do not say"
    assert call("--layers", theirs, "--data", data, "--out", out).exit_code == 0
    assert told(out)["columns"]["sim_judge"]["value"] == pytest.approx(1, abs=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("alpha", [False, True])
def test_a_mask_alone_has_every_column_that_it_suffices_for(
    alpha: bool, data: Path, tmp_path: Path
) -> None:
    theirs, whole, read = tmp_path / "theirs", tmp_path / "whole", read_data(data)
    for pair in read.pairs[:2]:
        item = perfect(read, pair)
        assert item.mask is not None and item.foreground is not None
        for place in (theirs / pair.id, whole / pair.id):
            place.mkdir(parents=True)
            Image.fromarray(item.composite).save(place / "composite.png")
            Image.fromarray(item.background).save(place / "background.png")
        black = np.zeros_like(item.composite)
        mask = np.dstack([black, item.mask]) if alpha else item.mask
        Image.fromarray(mask).save(theirs / pair.id / "mask.png")
        rgba = np.dstack([item.foreground, item.mask])
        Image.fromarray(rgba).save(whole / pair.id / "foreground.png")
    out = tmp_path / "t.md"
    assert call("--layers", whole, "--layers", theirs, "--data", data, "--out", out).exit_code == 0
    full, one = told(out), told(out, 1)
    lost = {key for key in COLUMNS if full["columns"][key] and not one["columns"][key]}
    assert lost == {
        "psnr_fg", "ssim_fg", "recomposition", "left", "coverage", "cutout_db", "rawcut_db",
    }  # fmt: skip
    for key in COLUMNS:
        if one["columns"][key]:
            assert one["columns"][key] == full["columns"][key], key
    assert (
        one["why"]["psnr_fg"]
        == one["why"]["cutout_db"]
        == ("its items have no foreground's colours: add foreground.png")
    )
    assert one["why"]["recomposition"].startswith("its items have no stack that adds up")
    assert one["why"]["lpips_bg"] == "no AlexNet: give --alexnet"
    assert one["why"]["key_tint"] == one["why"]["psnr_fg"]
    # Without the background it still has what the mask and the composite tell.
    for folder in theirs.iterdir():
        (folder / "background.png").unlink()
    assert call("--layers", theirs, "--data", data, "--out", out).exit_code == 0
    bare = told(out)
    there_still = {key for key in COLUMNS if bare["columns"][key]}
    assert {"edge", "box_iou", "iou", "bites", "ghosts"} <= there_still
    assert not {"psnr_bg", "residue", "far", "structure"} & there_still
    assert bare["why"]["psnr_bg"] == bare["why"]["far"]
    assert bare["why"]["far"] == "its items have no background: add background.png"


def hand_made(name: str, *, copies: bool = False, absent: int = 0) -> Scored:
    """A run of two items with a figure in all columns but one."""
    columns: dict[str, Figure | None] = {key: Figure(2.0, 1.0, 4.0, 2) for key in COLUMNS}
    columns["psnr_bg"] = Figure(math.inf, None, None, 1)
    columns["fid"] = None
    items = {"1": {}, "2": {}}
    why = {"fid": "no data set: give --data"}
    return Scored(name, "taue", copies, columns, why, items, absent)


def test_latex_has_intervals_all_columns_and_the_footnotes() -> None:
    tex = latex([hand_made("[a_b"), hand_made("pasted", copies=True, absent=1)])
    lines = tex.splitlines()
    assert tex.count(r"\begin{tabular}") == tex.count(r"\end{tabular}") == 2
    (row,) = [line for line in lines if line.startswith(r"{[}a\_b & ")]
    assert row.split(" & ")[1] == r"-$^{1}$"
    assert row.split(" & ")[2] == r"\textbf{2.000} {\scriptsize [1.000, 4.000]}"
    assert row.split(" & ")[5] == r"\textbf{$\infty$}$^{2}$"
    for column in OURS:
        title = column.title.replace("_", r"\_")
        (row,) = [line for line in lines if line.startswith((f"{title} & ", f"{title} $"))]
        assert row.count(r"{\scriptsize [1.") + row.count(r"{\scriptsize [1,") == 2
    assert r"\noindent $^{1}$ no data set: give -{}-data.\par" in lines
    assert r"\noindent $^{2}$ of 1 pictures: the others have no such figure.\par" in lines
    assert any(line.startswith(r"\noindent $^*$ copies pixels") for line in lines)
    assert r"\noindent pasted lacks 1 pair of its data set.\par" in lines
    assert r"the 95 \% interval" in tex


def save_art(folder: Path, layers: list[np.ndarray], merged: np.ndarray) -> Path:
    """A sample as ART's published program writes it: background RGB, then RGBA layers."""
    folder.mkdir(parents=True)
    Image.fromarray(merged).save(folder / "merged.png")
    stacked = Image.fromarray(layers[0]).convert("RGBA")
    for number, layer in enumerate([merged, *layers]):
        drawn = Image.fromarray(layer)
        if number >= 2:
            stacked = Image.alpha_composite(stacked, drawn)
            grey = Image.new("RGB", drawn.size, (127, 127, 127))
            grey.paste(drawn, mask=drawn)
            grey.save(folder / f"layer_{number}.png")
        else:
            drawn.save(folder / f"layer_{number}.png")
        drawn.convert("RGBA").save(folder / f"layer_{number}_rgba.png")
    stacked.convert("RGB").save(folder / "merged_rgba.png")
    return folder


@pytest.mark.slow
def test_arts_published_output_is_read(data: Path, tmp_path: Path) -> None:
    read, theirs = read_data(data), tmp_path / "art"
    for pair in read.pairs:
        item = perfect(read, pair)
        assert item.foreground is not None and item.mask is not None and item.background is not None
        rgba = np.dstack([item.foreground, item.mask])
        # In two layers, left and right half; ten further ones that show nothing, by numbers that
        # sort otherwise as text.
        left, right = rgba.copy(), rgba.copy()
        middle = round((pair.box[0] + pair.box[2] / 2) * rgba.shape[1])
        left[:, middle:, 3] = right[:, :middle, 3] = 0
        hidden = np.zeros_like(rgba)
        save_art(theirs / pair.id, [item.background, left, *[hidden] * 10, right], item.composite)
    out = tmp_path / "t.md"
    assert call("--layers", theirs, "--data", data, "--out", out).exit_code == 0
    one = told(out)["columns"]
    assert one["psnr_fg"]["value"] == one["psnr_bg"]["value"] == "infinity"
    assert one["recomposition"]["value"] <= 1
    assert one["box_iou"]["value"] > 0.9 and one["iou"]["value"] > 0.8
    assert one["coverage"]["value"] == 0  # its subjects are no effects
    back = read_any(theirs / read.pairs[0].id)
    assert len(back.layers) == 13 and back.subjects == 12
    first = perfect(read, read.pairs[0])
    assert np.array_equal(back.mask, first.mask)

    bare = save_art(tmp_path / "bare" / "1", [first.composite], first.composite)
    assert read_any(bare).mask is None
    Image.new("RGBA", (9, 9)).save(bare / "layer_2_rgba.png")
    with pytest.raises(TaueError, match="pictures of different sizes"):
        read_any(bare)
    (bare / "layer_1_rgba.png").unlink()
    with pytest.raises(TaueError, match=r"lacks layer_1_rgba.png, ART's background"):
        read_any(bare)


def test_a_mask_beside_a_foreground_is_its_alpha(data: Path, tmp_path: Path) -> None:
    read = read_data(data)
    item = perfect(read, read.pairs[0])
    write_item(item, tmp_path)
    back = read_item(tmp_path)
    for name in ("composite", "background", "foreground", "mask"):
        assert np.array_equal(getattr(back, name), getattr(item, name))
    assert all(np.array_equal(a, b) for a, b in zip(back.layers, item.layers, strict=True))
    (tmp_path / "mask.png").unlink()
    with pytest.raises(TaueError, match=r"opaque foreground.png; add a mask.png"):
        read_item(tmp_path)
    Image.new("RGB", (9, 9)).save(tmp_path / "background.png")
    (tmp_path / "foreground.png").unlink()
    with pytest.raises(TaueError, match="pictures of different sizes"):
        read_item(tmp_path)


@pytest.mark.slow
def test_a_method_without_layers_has_the_columns_that_it_can(data: Path, tmp_path: Path) -> None:
    run = write_run(tmp_path / "plain", data, "plain")
    for folder in (run / "items").iterdir():
        for name in ("background.png", "foreground.png", "mask.png"):
            (folder / name).unlink()
        shutil.rmtree(folder / "layers")
    out = tmp_path / "t.md"
    assert call(run, "--out", out).exit_code == 0
    one = told(out)
    assert one["why"]["psnr_fg"] == one["why"]["box_iou"] == "it makes no layers"
    assert one["columns"]["fd_judge"]["value"] == pytest.approx(0, abs=1e-3)
    refused = call(run, "--out", out, "--require", "psnr_fg")
    assert refused.exit_code == 2
    assert refused.stderr.endswith("\nError: require: plain has no psnr_fg; it makes no layers.\n")


def test_every_figure_worsens_with_what_it_measures(data: Path) -> None:
    read = read_data(data)
    item = perfect(read, read.pairs[0])
    alpha = item.alpha
    assert alpha is not None and item.mask is not None
    noise = np.random.default_rng(0).choice([-20, 20], item.composite.shape)
    spoilt = item.composite.astype(int) + noise
    spoilt = np.where((spoilt < 0) | (spoilt > 255), spoilt - 2 * noise, spoilt).astype(np.uint8)
    for region in (figures.foreground_region(alpha), figures.background_region(alpha)):
        assert region.any()
        one = figures.region_psnr(spoilt, item.composite, region)
        assert one == pytest.approx(20 * math.log10(255 / 20))
        assert there(figures.region_ssim(spoilt, item.composite, region)) < 0.9
    regions = figures.foreground_region(alpha), figures.background_region(alpha)
    assert not (regions[0] & regions[1]).any()
    assert recomposition_error(replace(item, composite=spoilt)) >= 20
    assert recomposition_error(replace(item, shown=item.composite)) == recomposition_error(item)
    box = read.pairs[0].area
    assert box_iou(item.mask, box) > box_iou(np.roll(item.mask, 9, axis=1), box)
    assert box_iou(np.zeros_like(item.mask), box) == 0
    assert figures.similarity(np.zeros(3), np.ones(3)) == 0


def spoilt(item: Item, how: str, side: np.ndarray) -> Item:
    """An item with one fault of those that the further columns are for."""
    solid = side > 127
    if how == "tint":
        tinted = item.composite.astype(int) + solid[..., None] * np.array([-60, 60, -60])
        return replace(item, composite=tinted.clip(0, 255).astype(np.uint8))
    if how == "blur":
        soft = Image.fromarray(item.composite).filter(ImageFilter.GaussianBlur(5))
        return replace(item, composite=np.asarray(soft))
    if how == "noise":
        noise = np.random.default_rng(0).integers(0, 256, item.composite.shape, np.uint8)
        return replace(item, composite=noise)
    small = Image.fromarray(np.dstack([item.composite, side])).resize((64, 64))
    page = Image.fromarray(item.composite)
    for corner in ((0, 0), (64, 0), (0, 64), (64, 64)):
        page.paste(small, corner, small)
    twice = np.asarray(page)
    background = np.dstack([item.composite, np.full(side.shape, 255, np.uint8)])
    return replace(item, composite=twice, layers=(np.dstack([twice, background[..., 3]]),) * 2)


@pytest.mark.slow
def test_what_is_tinted_blurred_or_doubled_scores_badly(data: Path, tmp_path: Path) -> None:
    faults = {"tint": "key_tint", "blur": "edge", "noise": "edge", "ghosts": "ghosts"}
    plain = write_run(tmp_path / "plain", data, "plain", first=2)
    runs = [plain, write_run(tmp_path / "ours", data, first=2)]
    for how in faults:
        runs.append(run := write_run(tmp_path / how, data, first=2))
        for folder in (run / "items").iterdir():
            item = read_item(folder)
            assert item.mask is not None
            shutil.rmtree(folder)
            folder.mkdir()
            write_item(spoilt(item, how, item.mask), folder)
    out = tmp_path / "t.md"
    assert call(*runs, "--out", out).exit_code == 0
    document = json.loads(out.with_suffix(".json").read_text())
    rows = {row["name"]: row["columns"] for row in document["runs"]}
    for how, key in faults.items():
        true, false = rows["ours"][key]["value"], rows[how][key]["value"]
        assert COLUMNS[key].better * (true - false) > 0.1, (how, key, true, false)
    assert rows["ours"]["key_tint"]["value"] < 8
    assert rows["tint"]["key_tint"]["value"] > 20
    assert rows["ours"]["ghosts"]["value"] == 0
    assert rows["noise"]["edge"]["value"] == pytest.approx(0.5, abs=0.05)


@pytest.mark.slow
def test_key_tint_is_of_methods_with_a_key_alone(data: Path, tmp_path: Path) -> None:
    from taue.evaluation.methods import METHODS

    keyed = {name for name, method in METHODS.items() if method.keyed}
    assert keyed == {"taue", "paper", "paper-layout", "tkg"}
    assert not draws_on_key("alfie") and draws_on_key("") and draws_on_key("taue-crop-25")
    # The same items, whose border is green: that is a key only of a method that has one.
    names = ("plain", "taue", "composite-then-cut", "another")
    runs = [write_run(tmp_path / name, data, name, first=2) for name in names]
    out = tmp_path / "t.md"
    assert call(*runs, "--out", out).exit_code == 0
    rows = [told(out, place) for place in range(len(names))]
    assert [row["columns"]["key_tint"] is None for row in rows] == [True, False, True, False]
    assert rows[2]["why"]["key_tint"] == "its foregrounds are on no key colour"
    assert all("key_tint" not in item for item in rows[2]["items"].values())


def test_a_ground_without_colour_is_no_key() -> None:
    white = np.full((32, 32, 3), 250, np.uint8)
    everywhere = np.ones((32, 32), bool)
    assert key_tint(white, (white, everywhere), (white, everywhere)) is None
    green = np.full((32, 32, 3), (20, 230, 20), np.uint8)
    assert key_tint(green, (green, everywhere), (green, everywhere)) == 0
    assert there(key_tint(green, (green, everywhere), (white, everywhere))) > 60
    assert key_tint(green, (green, ~everywhere), (white, everywhere)) is None
    assert figures.edge(white, everywhere.astype(float)) is None
    half = np.zeros((32, 32))
    half[:, 16:] = 1
    assert figures.edge(white, half) == 0.5


@pytest.mark.slow
@given(st.lists(st.floats(-100, 100), min_size=2, max_size=30))
def test_the_interval_holds_the_mean(values: list[float]) -> None:
    one = mean_figure(values)
    low, high = there(one.low), there(one.high)
    assert low - 1e-9 <= one.value <= high + 1e-9
    assert min(values) - 1e-9 <= low and high <= max(values) + 1e-9
    assert mean_figure(values) == one


def test_intervals_narrow_with_more_items_and_stand_back_where_there_is_none() -> None:
    rng = np.random.default_rng(1)
    figures_ = (mean_figure(rng.normal(size=n).tolist()) for n in (20, 2000))
    few, many = (there(one.high) - there(one.low) for one in figures_)
    assert many < few / 5
    assert mean_figure([1.0]).low is None
    assert mean_figure([1.0, math.inf]).low is None
    # Drawn again, fewer items are different: biased as a value, yet the interval is around it.
    features = rng.normal(size=(50, 4))
    drawn = set_figure(1.0, features, lambda some: float(len(np.unique(some[:, 0])) / 50), 100)
    assert there(drawn.low) < 1 < there(drawn.high)
    assert there(drawn.high) - 1 == pytest.approx(1 - there(drawn.low))
    assert there(drawn.high) - 1 == pytest.approx(1.96 * 0.043, rel=0.3)
    assert set_figure(1.0, features, lambda some: None, 3).low is None


def test_the_papers_rows_have_its_nine_columns() -> None:
    assert len(PAPER) == 9
    assert set(REPORTED) == {"LayerDiffuse", "Alfie + inpainting", "TAUE", "TAUE + layout"}
    for row in REPORTED.values():
        assert list(row) == [column.key for column in PAPER]
    assert "fid" not in {column.key for column in OURS}


def test_the_page_names_every_column_and_method() -> None:
    from taue.evaluation.methods import METHODS

    page = (Path(__file__).parent.parent / "docs/evaluation.md").read_text(encoding="utf-8")
    for column in COLUMNS.values():
        assert column.title.removesuffix(" bg").removesuffix(" fg") in page, column.title
    rows = [line.split("|")[1].strip(" `*") for line in page.splitlines() if line.startswith("| ")]
    for column in OURS:
        assert rows.count(column.title) == 1, column.title
    for name, method in METHODS.items():
        (row,) = [line for line in page.splitlines() if line.startswith(f"| `{name}` |")]
        assert row.endswith("| yes |" if method.copies else "| |")


@pytest.mark.slow
def test_bad_options_runs_and_files_are_one_sentence(run: Path, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "t.md"
    other = tmp_path / "other-data"
    write_rendered(other, 2, seed=9, side=64)
    broken = tmp_path / "broken"
    shutil.copytree(run, broken)
    (next((broken / "items").iterdir()) / "composite.png").write_bytes(b"no")
    empty = tmp_path / "empty"
    empty.mkdir()
    shutil.copy(run / "run.json", empty)
    twin = tmp_path / "twin" / "ours"
    shutil.copytree(run, twin)
    cases: list[tuple[list[str | Path], str]] = [
        ([run, "--out", "x.csv"], "give a file that ends in .md"),
        ([run, "--out", out, "--require", "fd"], "require is 'fd'; choose among fid"),
        (["--out", out], "runs are missing"),
        ([tmp_path, "--out", out], "is none; make one with taue eval generate"),
        ([run, "--data", other, "--out", out], "is of another data set"),
        ([run, "--out", out, "--require", "fid"], "require is 'fid'; no Inception network"),
        (["--layers", run / "items", "--out", out, "--require", "clip_s"], "no data set"),
        ([broken, "--out", out], "no readable picture"),
        ([empty, "--out", out], "run 'empty' has no items"),
        ([run, twin, "--out", out], "run 'ours' is named twice"),
        (["--layers", run / "items", "--data", other, "--out", out], "is not in the data set"),
        ([run, "--clip", "nowhere", "--out", out], "clip 'nowhere' is missing"),
    ]
    for arguments, sentence in cases:
        done = call(*arguments)
        assert done.exit_code == 2, sentence
        assert sentence in done.stderr
        assert not out.exists()


@pytest.mark.slow
def test_a_run_that_lacks_pairs_says_so(data: Path, tmp_path: Path) -> None:
    run = write_run(tmp_path / "half", data, first=2)
    whole = write_run(tmp_path / "whole", data, first=3)
    shared = tmp_path / "common.md"
    assert call(run, whole, "--common", "--out", shared).exit_code == 0
    assert [list(told(shared, place)["items"]) for place in (0, 1)] == [["000001", "000002"]] * 2
    shutil.rmtree(run / "items" / "000001")
    shutil.rmtree(run / "items" / "000002")
    none = call(run, whole, "--common", "--out", shared)
    assert none.exit_code == 2 and "runs have no item in common" in none.stderr
    run = write_run(tmp_path / "again" / "half", data, first=2)
    hidden = run / "items" / f"{PREFIX}0123456789abcdef"
    hidden.mkdir()
    mask = run / "items" / "000001" / "mask.png"
    Image.new("L", (128, 128)).save(mask)
    out = tmp_path / "t.md"
    assert call(run, "--out", out).exit_code == 0
    page = out.read_text(encoding="utf-8")
    assert "half lacks 2 pairs of its data set." in page
    # A foreground that is not there has no PSNR; the table says of how many the mean is.
    assert told(out)["columns"]["psnr_fg"]["count"] == 1
    assert "of 1 pictures: the others have no such figure" in page


@pytest.mark.slow
def test_the_results_page_compares_the_pairs_that_all_runs_have(data: Path, tmp_path: Path) -> None:
    runs, out = tmp_path / "runs", tmp_path / "docs"
    out.mkdir()
    write_run(runs / "taue", data, first=3)
    write_run(runs / "tkg", data, "tkg", copies=True, first=2)
    write_run(runs / "paper", data, "paper")
    write_run(runs / "paper-layout", data, "paper-layout")
    plain = write_run(runs / "alfie", data, "alfie")
    for folder in (plain / "items").iterdir():
        (folder / "item.json").write_text('{"seconds": 1, "unet_evaluations": 50}')
    with pytest.raises(TaueError, match="runs share 2 pairs; draw 100 at least"):
        results.main(runs, out)
    assert not list(out.iterdir())
    results.main(runs, out, least=2)
    page = (out / "results.md").read_text(encoding="utf-8")
    assert page.startswith("# All methods on paddy") and "2 pairs of 4, 8 steps" in page
    assert "- UNet evaluations: 100, and alfie 50; five stages, and a subject" in page
    assert "- box IoU: +0.000 [+0.000, +0.000], of 2." in page  # of the layout
    assert "`taue` is the best, or inside the interval of the best, in " in page
    assert page.index("results-columns.png") < page.index("| taue | 2 |")
    told_runs = json.loads((out / "results.json").read_text())["runs"]
    assert [len(run["items"]) for run in told_runs] == [2] * 5
    for name in ("columns", "pairs"):
        with Image.open(out / f"figures/results-{name}.png") as image:
            assert min(image.size) > 300
    with pytest.raises(TaueError, match="holds no run"):
        results.main(tmp_path, out)
    about = json.loads((runs / "alfie/run.json").read_text())
    (runs / "alfie/run.json").write_text(json.dumps(about | {"options": {"steps": 50}}))
    with pytest.raises(TaueError, match=r"runs are of \[8, 50\] steps"):
        results.main(runs, out, least=2)
