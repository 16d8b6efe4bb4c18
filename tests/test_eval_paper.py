"""`taue eval paper` rehearsed: a synthetic COCO folder, tiny models of all the real classes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner, Result

from benchmarks.full_size import UNET
from taue import Box, Subject, TauePipeline
from taue.cli import app
from taue.commands.workers import ProcessOptions, run_together
from taue.errors import TaueError
from taue.evaluation.ablation import asked_variants
from taue.evaluation.dataset import first_pairs, read_data
from taue.evaluation.grid import chosen
from taue.evaluation.methods import METHODS, methods_of
from taue.evaluation.methods.base import counting
from taue.evaluation.methods.layerdiffuse import FETCHED, weights_folder
from taue.evaluation.methods.released import HUB
from taue.evaluation.plan import (
    H100_SECONDS,
    Plan,
    copied,
    fetched_in_half,
    has_sdxl_unet,
    own_side,
)
from taue.evaluation.rendered import write_rendered
from taue.evaluation.sizes import ALEXNET, CLIP, SDXL, SDXL_FILES, download
from taue.evaluation.weights import local
from taue.settings import Settings
from tiny_networks import save_alexnet, save_clip, save_inception, save_layerdiffuse
from tiny_phi import save_phi

COUNT = 3
Cached = Callable[..., None]


@pytest.fixture(scope="module")
def coco(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder laid out as MS-COCO's."""
    rendered = tmp_path_factory.mktemp("data") / "paddy"
    write_rendered(rendered, COUNT, seed=4, side=64)
    folder = tmp_path_factory.mktemp("coco")
    (folder / "annotations").mkdir()
    shutil.copy(rendered / "annotations.json", folder / "annotations/instances_val2017.json")
    captions = [{"image_id": i, "caption": "a red apple"} for i in range(1, COUNT + 1)]
    path = folder / "annotations/captions_val2017.json"
    path.write_text(json.dumps({"annotations": captions}))
    shutil.copytree(rendered / "images", folder / "val2017")
    return folder


def call(coco: Path, out: Path, *more: str | Path) -> Result:
    options = ["--coco", coco, "--out", out, "--min-area", "0", *more]
    return CliRunner().invoke(app, ["eval", "paper", *map(str, options)])


@pytest.fixture
def hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cached:
    """Puts files of a hub id into an empty cache, as a download leaves them."""
    folder = tmp_path / "hub"
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(folder))

    def put(name: str, *files: str, content: str = "") -> None:
        own = folder / f"models--{name.replace('/', '--')}"
        (own / "refs").mkdir(parents=True, exist_ok=True)
        (own / "refs/main").write_text("1" * 40)
        for file in files:
            path = own / "snapshots" / ("1" * 40) / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)

    return put


@pytest.fixture
def unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hub is not asked: what looks into the cache alone may look."""
    look = huggingface_hub.snapshot_download

    def asked(*given: Any, local_files_only: bool = False, **more: Any) -> str:
        assert local_files_only, "asked the hub"
        return look(*given, local_files_only=True, **more)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", asked)


@pytest.mark.usefixtures("hub_cache", "unasked")
def test_a_dry_run_says_what_it_takes_and_does_nothing(coco: Path, tmp_path: Path) -> None:
    dry = ["--dry-run", "--dtype", "float16"]
    done = call(coco, tmp_path / "out", *dry, "--evaluation-seconds", "0.1")
    assert done.exit_code == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[:2] == [f"pairs: {COUNT}", "model: sdxl, about 6.94 GB to fetch"]
    assert "prompts: microsoft/Phi-3-mini-4k-instruct, about 7.64 GB to fetch" in lines
    assert "plain: 100 UNet evaluations an item, 300 in all" in lines
    assert "taue: 137 UNet evaluations an item, 411 in all" in lines
    assert (
        'FID: not named, its columns will be "-"; give --inception '
        "(pt_inception-2015-12-05-6726825d.pth, about 96 MB)"
    ) in lines
    total = 3 * (137 + 300 + 300 + 100 + 200 + 200 + 300)
    cells = [one.base for one in asked_variants(None, None)]
    small = 3 * sum(137 if base == "taue" else 300 for base in cells)
    assert f"ablation: {len(cells)} runs, 3 pairs each, {small} UNet evaluations in all" in lines
    total += small
    assert f"everything: {total} UNet evaluations" in lines
    assert lines[-2] == f"hours: {total * 0.1 / 3600:.1f} of drawing"
    assert lines[-1] == (
        "layerdiffuse: left out, for its weights are not named; give --layerdiffuse"
    )
    assert not (tmp_path / "out").exists()
    hours = f"hours: about {total * 0.032 / 3600:.1f} of drawing on one H100 (docs/full-size.json);"
    assert hours in call(coco, tmp_path / "out", *dry).stdout
    quarter = call(coco, tmp_path / "out", *dry, "--width", "512", "--height", "512").stdout
    assert f"hours: about {total * 0.008 / 3600:.1f} of drawing" in quarter
    assert "hours: unknown" in call(coco, tmp_path / "out", "--dry-run", "--model", "paddy").stdout
    wrong = call(coco, tmp_path / "out", "--dry-run", "--method", "magic")
    assert wrong.exit_code == 2
    assert call(tmp_path, tmp_path / "out", "--dry-run").exit_code == 2


def test_the_seconds_of_an_h100_are_those_that_were_measured() -> None:
    file = Path(__file__).parent.parent / "docs/full-size.json"
    told = json.loads(file.read_text(encoding="utf-8"))
    measured = min(loop["seconds"] for loop in told["loops"]) / (2 * told["steps"])
    assert told["side"] == 1024 and "H100" in told["device"]
    assert pytest.approx(measured, rel=0.05) == H100_SECONDS


@pytest.mark.usefixtures("hub_cache", "unasked")
def test_a_dry_run_fetches_nothing(coco: Path, tmp_path: Path) -> None:
    given = ["--layerdiffuse", "some/weights", "--clip", "some/clip", "--inception", "weights/i.pt"]
    done = call(coco, tmp_path / "out", "--dry-run", *given, "--alexnet", ALEXNET)
    assert done.exit_code == 0, done.stderr
    assert "LayerDiffuse: some/weights, to fetch, size unknown" in done.stdout
    assert "CLIP-I and CLIP-S: some/clip, to fetch, size unknown" in done.stdout
    assert "FID: weights/i.pt, missing (size unknown); bring it" in done.stdout
    assert f"LPIPS: {ALEXNET}, missing (about 244 MB); bring it" in done.stdout
    assert "GB to fetch, and what is not known of 2 networks" in done.stdout
    assert not (tmp_path / "out").exists() and not (tmp_path / "hub").exists()


def test_a_file_of_weights_is_not_looked_for_on_the_hub() -> None:
    with pytest.raises(TaueError, match=r"^alexnet 'no/where.pth' is missing; give a file"):
        local("no/where.pth", "alexnet")


@pytest.mark.usefixtures("unasked")
def test_what_the_hubs_cache_has_is_here(hub_cache: Cached) -> None:
    for name in ("some/model", CLIP, HUB):
        assert "to fetch" in str(download("model", name))
    hub_cache("some/model", "model_index.json", "unet/config.json")
    assert "to fetch" in str(download("model", "some/model"))
    hub_cache("some/model", "unet/diffusion_pytorch_model.safetensors")
    hub_cache(CLIP, "config.json", "model.safetensors")
    hub_cache(HUB, *FETCHED[:-1])
    assert str(download("LayerDiffuse", HUB)) == (
        f"LayerDiffuse: {HUB}, at least about 951 MB to fetch"
    )
    hub_cache(HUB, *FETCHED)
    for name in ("some/model", CLIP, HUB):
        assert str(download("model", name)) == f"model: {name}, here"


@pytest.mark.usefixtures("unasked")
def test_sdxl_is_fetched_as_it_is_drawn_with(hub_cache: Cached) -> None:
    half, whole = (download("model", "sdxl", half=h).to_fetch for h in (True, False))
    assert half is not None and whole == 2 * half
    assert download("model", SDXL).to_fetch == whole
    hub_cache(SDXL, "model_index.json", *(f"{file}.fp16.safetensors" for file in SDXL_FILES))
    assert str(download("model", "sdxl", half=True)) == "model: sdxl, here"
    assert download("model", "sdxl").to_fetch == whole
    # Only float16 is a variant of its own.
    told = [fetched_in_half("cuda", name) for name in ("float16", "bfloat16", "float32", "auto")]
    assert told == [True, False, False, True]
    assert not fetched_in_half("cpu", "auto")


def test_of_the_hub_layerdiffuses_larger_offsets_are_fetched_only_if_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []

    def fetched(_: str, allow_patterns: list[str]) -> str:
        asked.append(allow_patterns)
        for name in allow_patterns:
            (tmp_path / name).touch()
        return str(tmp_path)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fetched)
    assert weights_folder(HUB) == tmp_path
    assert asked == [list(FETCHED)] and not any("conv" in name for name in FETCHED)


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    """Prompts of the first pair alone."""
    return write_prompts(tmp_path / "prompts.jsonl", 1)


def write_prompts(path: Path, count: int, ground: str = "a desert") -> Path:
    words = {"foreground": "a red apple", "background": ground, "scene": "a red apple"}
    lines = (json.dumps({"annotation": i, **words}) + "\n" for i in range(1, count + 1))
    path.write_text("".join(lines))
    return path


def plainly(model: Path, prompts: Path) -> list[str | Path]:
    """Options of the least that can be drawn."""
    return [
        "--model", model, "--steps", "2", "--width", "64", "--height", "64", "--device", "cpu",
        "--prompts", prompts, "--method", "plain", "--ablation-pairs", "0",
    ]  # fmt: skip


@pytest.mark.parametrize("option", ["inception", "clip", "alexnet"])
def test_networks_are_opened_before_anything_is_drawn(
    option: str, coco: Path, tiny_sdxl: Path, prompts: Path, tmp_path: Path
) -> None:
    broken, out = tmp_path / "broken.pth", tmp_path / "out"
    broken.write_bytes(b"none")
    for given in ("./no/where.pth", broken):
        done = call(coco, out, *plainly(tiny_sdxl, prompts), f"--{option}", given)
        assert done.exit_code == 2
        told = done.stderr.splitlines()[-1]
        assert told.startswith(f"Error: {option} ") or f"{str(broken)!r}" in told
        assert not out.exists()


def test_data_of_other_options_are_refused(
    coco: Path, tiny_sdxl: Path, prompts: Path, tmp_path: Path
) -> None:
    out, own = tmp_path / "out", plainly(tiny_sdxl, prompts)
    assert call(coco, out, *own).exit_code == 0
    assert call(coco, out, *own).exit_code == 0

    def refused(folder: Path, options: Sequence[str | Path], sentence: str) -> None:
        done = call(folder, out, *options)
        assert done.exit_code == 2
        assert sentence in done.stderr and "give another --out, or the same" in done.stderr

    refused(coco, [*own, "--max-second", "0.9"], "max-second is 0.9, and the data set")
    refused(coco, [*own, "--min-area", "0.001"], "min-area is 0.001, and the data set")
    refused(coco, own[:-6] + own[-4:], "prompt-model is 'microsoft/Phi-3-mini-4k-instruct', and")
    named = write_prompts(tmp_path / "others.jsonl", 1)
    refused(coco, plainly(tiny_sdxl, named), "prompts is 'others.jsonl', and the data set")
    for count, ground in ((1, "a wood"), (2, "a desert")):
        write_prompts(prompts, count, ground)
        refused(coco, own, "prompts has other texts than before, and the data set")
    write_prompts(prompts, 1)
    other = shutil.copytree(coco, tmp_path / "other")
    for kind in ("instances", "captions"):
        shutil.copy(
            other / f"annotations/{kind}_val2017.json", other / f"annotations/{kind}_x.json"
        )
    refused(other, [*own, "--split", "x"], "split's file of objects is 'instances_x.json', and")
    path = other / "annotations/instances_val2017.json"
    told = json.loads(path.read_text())
    told["annotations"][0]["bbox"][0] += 1
    path.write_text(json.dumps(told))
    refused(other, own, "coco has other objects than before, and the data set")
    (other / "annotations/captions_val2017.json").unlink()
    refused(other, own, "coco's file of captions is None, and the data set")


@pytest.mark.slow
@pytest.mark.parametrize("steps", [4, 25])
def test_evaluations_are_foreseen(steps: int, coco: Path, tiny_sdxl: Path) -> None:
    pipe = TauePipeline.from_pretrained(str(tiny_sdxl))
    for base in ("taue", "paper"):
        settings = replace(Settings.of(base), num_inference_steps=steps, tries=1)
        with counting(pipe.network) as count:
            generator = torch.Generator().manual_seed(1)
            subject = Subject("a red apple", box=Box(0.2, 0.2, 0.6, 0.6))
            pipe([subject], "a desert", generator=generator, settings=settings)
        assert METHODS[base].evaluations(steps) == pytest.approx(count[0], rel=0.15)


@pytest.mark.slow
def test_the_whole_comparison_runs_and_goes_on(coco: Path, tiny_sdxl: Path, tmp_path: Path) -> None:
    unet = TauePipeline.from_pretrained(str(tiny_sdxl)).network
    options = [
        "--model", tiny_sdxl, "--steps", "2", "--width", "64", "--height", "64",
        "--prompt-model", save_phi(tmp_path / "phi"), "--clip", save_clip(tmp_path / "clip"),
        "--inception", save_inception(tmp_path / "inception"),
        "--alexnet", save_alexnet(tmp_path / "alexnet"), "--device", "cpu",
        "--layerdiffuse", save_layerdiffuse(tmp_path / "layerdiffuse", unet),
        "--ablation-pairs", "2", "--factor", "filter",
    ]  # fmt: skip
    out = tmp_path / "out"
    done = call(coco, out, *options)
    assert done.exit_code == 0, done.stderr
    assert done.stdout.count(", here\n") == 6 and "not named" not in done.stdout
    page = (out / "table.md").read_text(encoding="utf-8")
    drawn = methods_of("sdxl")
    assert len(drawn) == 8 and all(f"\n| {name} " in page for name in drawn)
    for told in json.loads((out / "table.json").read_text())["runs"]:
        assert told["columns"]["fid"] is not None and told["columns"]["clip_s"] is not None
    with Image.open(out / "table.png") as grid:
        assert grid.size[0] == 640
    whole = (out / "page.md").read_text(encoding="utf-8")
    assert whole.startswith(page) and "](table.png)" in whole
    assert "# Ablation: one factor at a time" in whole and "| **paper** | 2 |" in whole
    own = (out / "ablation/ablation.md").read_text(encoding="utf-8")
    assert "| box IoU | LPIPS fg | LPIPS bg | CLIP-I | CLIP-S | FID |" in own
    for sheet in ("paper", "paper-layout", "taue"):
        picture = f"figures/ablation-{sheet}-crop.png"
        assert f"](ablation/{picture})" in whole and f"]({picture})" in own
        assert (out / "ablation" / picture).is_file()
    assert "| **paper-layout** | 2 |" in whole
    again = call(coco, out, *options)
    assert again.exit_code == 0
    assert again.stdout.count("0 made, 3 of 3 are there") == len(drawn)
    assert again.stdout.count("0 made, 2 of 2 are there") == 9
    assert (out / "table.md").read_text(encoding="utf-8") == page


@pytest.mark.slow
def test_two_processes_draw_what_one_does(coco: Path, tiny_sdxl: Path, tmp_path: Path) -> None:
    options = plainly(tiny_sdxl, write_prompts(tmp_path / "prompts.jsonl", COUNT))
    one, two = tmp_path / "one", tmp_path / "two"
    assert call(coco, one, *options).exit_code == 0
    done = call(coco, two, *options, "--gpus", "2")
    assert done.exit_code == 0, done.stderr
    for path in (one / "runs").rglob("*.png"):
        assert path.read_bytes() == (two / path.relative_to(one)).read_bytes()
    logs = [(two / f"logs/plain/{i}.txt").read_text() for i in (1, 2)]
    assert sorted(log.splitlines()[-1].split(" made")[0] for log in logs) == ["1", "2"]


@pytest.mark.slow
def test_a_worker_that_fails_says_why_and_stops_the_others(tmp_path: Path) -> None:
    """Whichever fails first is named, never one that was stopped for it and says "Terminated"."""
    failing = ["eval", "generate", "--data", "nowhere", "--out", str(tmp_path / "a")]
    slow = ["--subject", "an apple", "--background", "a desert", "--steps", "900"]
    waiting = ["generate", *slow, "--out", str(tmp_path / "b")]
    for number, commands in ((1, [failing, waiting]), (2, [waiting, failing])):
        logs = [tmp_path / f"logs{number}" / f"{i}.txt" for i in (1, 2)]
        said = rf"worker {number} of 2 failed: .*nowhere.* is no evaluation set"
        with pytest.raises(TaueError, match=said):
            run_together(commands, logs)


@pytest.mark.slow
def test_more_processes_than_gpus_are_refused(
    coco: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    for more, sentence in (
        (["--gpus", "2"], "gpus is 2 and this machine has 1"),
        (["--gpus", "0"], "gpus is 0; give 1 at least"),
        (["--ablation-pairs", "-1"], "ablation-pairs is -1; give 0 at least"),
        (["--factor", "hue"], "factor is 'hue'"),
    ):
        done = call(coco, tmp_path / "out", "--model", "paddy", *more)
        assert done.exit_code == 2
        assert sentence in done.stderr
        assert not (tmp_path / "out").exists()
    crew = ProcessOptions(2, "auto", tmp_path)
    assert [crew.device_of(number) for number in (1, 2)] == ["cuda:0", "cuda:1"]
    assert ProcessOptions(1, "auto", tmp_path).device_of(1) == "auto"


def test_the_grid_shows_the_best_the_middle_and_the_worst() -> None:
    rows = {str(i): {"psnr_fg": float(i)} for i in range(5)}
    assert chosen(rows) == ["4", "2", "0"]
    assert chosen({"a": {}}) == ["a"]
    assert chosen({"a": {}, "b": {"psnr_fg": 3.0}, "c": {}}) == ["b", "a", "c"]
    # As the scores' JSON has them, which the ablation's sheets are chosen by, too.
    equal = {"a": {"psnr_fg": 3.0}, "b": {"psnr_fg": "infinity"}, "c": {"psnr_fg": None}}
    assert chosen(equal) == ["b", "a", "c"]


def test_the_canvas_is_the_models_own(tiny_sdxl: Path) -> None:
    assert own_side("paddy") == 256
    assert own_side(str(tiny_sdxl)) == 128
    assert own_side("sdxl") == 1024


def test_a_model_with_sdxls_unet_is_known_by_its_configuration(
    tiny_sdxl: Path, tmp_path: Path, hub_cache: Cached
) -> None:
    assert has_sdxl_unet("sdxl") and not has_sdxl_unet(str(tiny_sdxl))
    config = {**UNET, "sample_size": 96}
    (tmp_path / "tuned/unet").mkdir(parents=True)
    (tmp_path / "tuned/model_index.json").write_text("{}")
    (tmp_path / "tuned/unet/config.json").write_text(json.dumps(config))
    assert has_sdxl_unet(str(tmp_path / "tuned"))
    assert own_side("some/tuned") == 1024 and not has_sdxl_unet("some/tuned")
    hub_cache("some/tuned", "unet/config.json", content=json.dumps(config))
    assert own_side("some/tuned") == 768 and has_sdxl_unet("some/tuned")


def test_copies_are_the_pictures_and_the_first_ones_again(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a", "b")]
    for path in paths:
        path.write_bytes(b"x" * 1000)
    assert copied(paths, 0) == copied(paths, 2) == 2e-6
    assert copied(paths, 1) == 3e-6
    assert copied([*paths, tmp_path / "c"], 1) is None


@pytest.mark.parametrize("name", ["~nobody-here/x", "x" * 300, "nul\0"])
def test_what_can_be_no_path_is_not_here(name: str) -> None:
    assert download("clip", name).gigabytes is None


def test_a_plan_adds_up() -> None:
    small = Plan(10, 64 * 64, {"a": 100, "b": 50}, [download("model", "some/model")])
    assert small.total_evaluations == 1500
    assert small.hours(2.4) == 1
    assert small.disk == 10 * 2 * 64 * 64 * 25 / 1e9
    more = replace(small, ablation_pairs=4, ablation_evaluations=100, ablation_runs=2)
    assert more.total_evaluations == 1900 and more.hours(3.6, 2) == 0.95
    assert more.disk == (10 * 2 + 4 * 2) * 64 * 64 * 25 / 1e9
    assert "ablation: 2 runs, 4 pairs each, 400 UNet evaluations in all" in more.lines(None)
    assert replace(more, ablation_pairs=99).few == 10
    assert not any("ablation" in line for line in small.lines(1.0))
    told = small.lines(None)
    assert "model: some/model, to fetch, size unknown" in told
    assert told[-2] == (
        "disk: 0.0 GB of drawn pictures at most, the data's copies unknown, about 0.0 GB to fetch, "
        "and what is not known of 1 network"
    )
    sized = replace(small, copies=0.5, downloads=[download("LPIPS", None)], sdxl=True)
    assert sized.lines(None)[-2] == (
        "disk: 0.0 GB of drawn pictures at most, the data's copies 0.50 GB, about 0.0 GB to fetch"
    )
    assert "of drawing on 4 H100s (docs/" in sized.lines(None, 4)[-1]


def test_the_first_pairs_are_a_set(coco: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    write_rendered(data, COUNT, seed=4, side=64)
    read, out = read_data(data), tmp_path / "few"
    assert first_pairs(read, COUNT, out) == data and not out.exists()
    for _ in range(2):
        few = read_data(first_pairs(read, 2, out))
        assert few.pairs == read.pairs[:2]
        assert few.about.counts[-1].pictures == 2
    with pytest.raises(TaueError, match="has other pairs; remove it"):
        first_pairs(read, 1, out)
