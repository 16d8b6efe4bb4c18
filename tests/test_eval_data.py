"""Evaluation sets: rendered ones, and MS-COCO's format through every filter."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image
from typer.testing import CliRunner, Result

from taue.cli import app
from taue.errors import TaueError
from taue.evaluation.coco import Thresholds, main_objects, read_instances
from taue.evaluation.dataset import Prompts, read_data
from taue.evaluation.phi import PromptWriter
from taue.evaluation.prompts import Question, digest, template, written_prompts
from taue.evaluation.rendered import run_lengths
from taue.paddy.scenes import BACKGROUNDS, KINDS
from tiny_phi import save_phi


def call(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["eval", "data", *map(str, arguments)])


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("data") / "paddy"
    done = call("paddy", "--n", "6", "--seed", "1", "--size", "64", "--out", out)
    assert done.exit_code == 0, done.stderr
    return out


@pytest.fixture(scope="module")
def phi(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_phi(tmp_path_factory.mktemp("models") / "phi")


def changed(source: Path, out: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """A set's annotations with a change."""
    document = json.loads((source / "annotations.json").read_text())
    change(document)
    out.write_text(json.dumps(document))
    return out


def coco(
    rendered: Path, tmp_path: Path, *more: str | Path, annotations: Path | None = None
) -> Result:
    return call(
        "coco", "--annotations", annotations or rendered / "annotations.json",
        "--images", rendered / "images", "--out", tmp_path / "coco", *more,
    )  # fmt: skip


def prompts_of(rendered: Path, path: Path) -> Path:
    """The rendered set's prompts as a prompts file."""
    names = ("annotation", "foreground", "background", "scene")
    lines = [
        json.dumps({name: getattr(pair, name) for name in names}) + "\n"
        for pair in read_data(rendered).pairs
    ]
    path.write_text("".join(lines))
    return path


def test_without_a_command_the_commands_are_shown() -> None:
    for group, shown in ((["eval"], "generate"), (["eval", "data"], "paddy")):
        done = CliRunner().invoke(app, group)
        assert done.exit_code == 0
        assert shown in done.stdout


def test_a_rendered_set_says_the_truth_and_comes_again(rendered: Path, tmp_path: Path) -> None:
    data = read_data(rendered)
    assert [pair.id for pair in data.pairs] == [f"{i:06d}" for i in range(1, 7)]
    coco_file = read_instances(rendered / "annotations.json")
    for pair, one in zip(data.pairs, coco_file.annotations, strict=True):
        picture = np.asarray(Image.open(data.picture(pair)))
        assert picture.shape == (64, 64, 3)
        assert KINDS[one.category_id - 1] in pair.foreground
        assert pair.background in BACKGROUNDS
        assert pair.foreground in pair.scene
        left, top, width, height = one.bbox
        assert pair.box == (left / 64, top / 64, width / 64, height / 64)
        assert 0 < one.area <= width * height
    assert (
        call("paddy", "--n", "6", "--seed", "1", "--size", "64", "--out", tmp_path / "b").exit_code
        == 0
    )
    for path in rendered.rglob("*.*"):
        assert path.read_bytes() == (tmp_path / "b" / path.relative_to(rendered)).read_bytes()
    assert (
        call("paddy", "--n", "6", "--seed", "2", "--size", "64", "--out", tmp_path / "c").exit_code
        == 0
    )
    assert read_data(tmp_path / "c").digest != data.digest


@given(arrays(bool, st.tuples(st.integers(1, 6), st.integers(1, 6))))
def test_run_lengths_are_the_mask(mask: np.ndarray) -> None:
    coded = run_lengths(mask)
    values = np.arange(len(coded["counts"])) % 2 == 1
    back = np.repeat(values, coded["counts"]).reshape(coded["size"], order="F")
    assert np.array_equal(back, mask)


def test_the_coco_reader_takes_a_rendered_set_with_given_prompts(
    rendered: Path, tmp_path: Path
) -> None:
    prompts = prompts_of(rendered, tmp_path / "prompts.jsonl")
    done = coco(rendered, tmp_path, "--prompts", prompts, "--min-area", "0")
    assert done.exit_code == 0, done.stderr
    assert "one main object: 6" in done.stdout
    first, second = read_data(rendered), read_data(tmp_path / "coco")
    assert len(second.pairs) == 6
    for one, other in zip(first.pairs, second.pairs, strict=True):
        assert (one.foreground, one.background, one.scene) == (
            other.foreground, other.background, other.scene,
        )  # fmt: skip
        assert one.box == pytest.approx(other.box)
        assert first.picture(one).read_bytes() == second.picture(other).read_bytes()
    assert [c.after for c in second.about.counts][-1] == "with prompts"
    again = read_instances(tmp_path / "coco" / "annotations.json")
    assert len(again.annotations) == 6
    assert again.annotations[0].model_extra["segmentation"]["size"] == [64, 64]


def test_every_filter_leaves_out_what_it_should_and_prints_how_many(
    rendered: Path, tmp_path: Path
) -> None:
    def spoil(document: dict[str, Any]) -> None:
        one, two, three, *_ = document["annotations"]
        one["iscrowd"] = 1
        two["area"] = 1
        document["annotations"].append({**three, "id": 70, "area": three["area"] * 0.9})
        document["annotations"].append({**three, "id": 71, "image_id": 4, "area": 2})
        document["annotations"] = [a for a in document["annotations"] if a["image_id"] != 6]

    path = changed(rendered, tmp_path / "a.json", spoil)
    prompts = prompts_of(rendered, tmp_path / "p.jsonl")
    small = ("--min-area", "0.002", "--prompts", prompts)
    done = coco(rendered, tmp_path, *small, annotations=path)
    assert done.exit_code == 0, done.stderr
    told = [
        "all: 6", "with objects: 5", "no crowd: 4", "not small: 3", "one main object: 2",
        "with prompts: 2",
    ]  # fmt: skip
    assert done.stdout.splitlines()[:6] == told
    data = read_data(tmp_path / "coco")
    assert [pair.annotation for pair in data.pairs] == [4, 5]
    assert [f"{c.after}: {c.pictures}" for c in data.about.counts] == told


@given(st.floats(0, 1), st.floats(0, 1))
def test_stricter_thresholds_never_let_more_through(one: float, other: float) -> None:
    images = [{"id": i, "file_name": "x", "width": 10, "height": 10} for i in range(1, 9)]
    annotations = [
        {"id": 10 * i + k, "image_id": i, "category_id": 1, "bbox": [0, 0, 5, 5], "area": area}
        for i in range(1, 9)
        for k, area in enumerate((i * 12, i * i))
    ]
    from taue.evaluation.coco import Instances

    read = Instances.model_validate(
        {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "cup"}]}
    )
    low, high = sorted((one, other))
    assert len(main_objects(read, Thresholds(high, 0.5))[0]) <= len(
        main_objects(read, Thresholds(low, 0.5))[0]
    )
    assert len(main_objects(read, Thresholds(0.1, low))[0]) <= len(
        main_objects(read, Thresholds(0.1, high))[0]
    )


def test_a_box_that_leaves_the_picture_is_cut_and_one_outside_refused(
    rendered: Path, tmp_path: Path
) -> None:
    path = changed(
        rendered, tmp_path / "a.json", lambda d: d["annotations"][0].update(bbox=[-5, 10, 30, 80])
    )
    found, _ = main_objects(read_instances(path), Thresholds(0, 1))
    box = found[0].box
    assert (box.x, box.y, box.width, box.height) == pytest.approx((0, 10 / 64, 25 / 64, 54 / 64))
    path = changed(
        rendered, tmp_path / "b.json", lambda d: d["annotations"][0].update(bbox=[70, 1, 5, 5])
    )
    prompts = prompts_of(rendered, tmp_path / "p.jsonl")
    done = coco(rendered, tmp_path, "--prompts", prompts, "--min-area", "0", annotations=path)
    assert done.exit_code == 2
    assert "annotation 1 has the bbox" in done.stderr


WRONG: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "no images": (lambda d: d.pop("images"), "has a wrong field images"),
    "text for a number": (lambda d: d["images"][0].update(width="x"), "field images[0].width"),
    "no picture": (lambda d: d["images"].pop(0), "whose image_id 1 is nowhere"),
    "no category": (lambda d: d.update(categories=[]), "whose category_id"),
    "a path that leads out": (
        lambda d: d["images"][0].update(file_name="../../x.png"), "give a plain file name",
    ),
    "another picture's size": (lambda d: d["images"][0].update(width=32), "has not the size"),
    "no such file": (lambda d: d["images"][0].update(file_name="x.png"), "lacks 1 of 6 pictures"),
    "nothing left": (lambda d: d.update(annotations=[]), "leave no picture after the filters"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_bad_annotations_are_one_sentence(name: str, rendered: Path, tmp_path: Path) -> None:
    change, sentence = WRONG[name]
    path = changed(rendered, tmp_path / "a.json", change)
    done = coco(rendered, tmp_path, "--min-area", "0", annotations=path)
    assert done.exit_code == 2
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "coco").exists()


def test_files_that_are_no_annotations_and_options_out_of_range(
    rendered: Path, tmp_path: Path
) -> None:
    (tmp_path / "a.json").write_text("{")
    assert (
        "cannot be read as JSON" in coco(rendered, tmp_path, annotations=tmp_path / "a.json").stderr
    )
    missing = coco(rendered, tmp_path, annotations=tmp_path / "no.json")
    assert missing.exit_code == 2
    path = str(tmp_path / "no.json")
    assert missing.stderr == f"Error: file {path!r} is missing or no file; check its name.\n"
    assert "min-area is 2.0" in coco(rendered, tmp_path, "--min-area", "2").stderr
    (tmp_path / "p.jsonl").write_text('{"annotation": 1, "foreground": " "}\n')
    wrong = coco(rendered, tmp_path, "--min-area", "0", "--prompts", tmp_path / "p.jsonl")
    assert "line 1, has a wrong field foreground" in wrong.stderr
    (tmp_path / "p.jsonl").write_text("")
    none = coco(rendered, tmp_path, "--min-area", "0", "--prompts", tmp_path / "p.jsonl")
    assert none.exit_code == 2
    assert "prompts leave no picture" in none.stderr
    for option, value in (("--n", "0"), ("--seed", "-1"), ("--size", "50")):
        options = {"--n": "1", "--seed": "0", "--size": "64"} | {option: value}
        bad = call("paddy", *(x for pair in options.items() for x in pair), "--out", tmp_path / "x")
        assert bad.exit_code == 2
        assert f"{option.strip('-')} is {value}" in bad.stderr


@pytest.mark.slow
def test_phi_writes_prompts_once_and_goes_on_where_it_was(
    rendered: Path, phi: Path, tmp_path: Path
) -> None:
    captions = tmp_path / "captions.json"
    told = [{"image_id": i, "caption": f"picture {i} \n of a thing"} for i in range(1, 7)]
    captions.write_text(json.dumps({"annotations": told}))
    options = ("--prompt-model", phi, "--min-area", "0", "--device", "cpu", "--captions", captions)
    done = coco(rendered, tmp_path, *options)
    assert done.exit_code == 0, done.stderr
    cache = tmp_path / "coco.prompts.jsonl"
    whole = cache.read_bytes()
    first = read_data(tmp_path / "coco").pairs
    assert len(first) == len(whole.splitlines()) == 6

    # Killed in the middle of the third line: what is whole is kept, the rest written anew.
    lines = whole.splitlines(keepends=True)
    cache.write_bytes(b"".join(lines[:2]) + lines[2][:10])
    shutil.rmtree(tmp_path / "coco")
    assert coco(rendered, tmp_path, *options).exit_code == 0
    assert cache.read_bytes() == whole
    assert read_data(tmp_path / "coco").pairs == first

    # With every answer known the model is not even loaded; another question is asked anew.
    shutil.rmtree(tmp_path / "coco")
    hidden = phi.rename(phi.with_name("hidden"))
    try:
        assert coco(rendered, tmp_path, *options).exit_code == 0
        shutil.rmtree(tmp_path / "coco")
        lost = coco(rendered, tmp_path, *options[:-2])
    finally:
        hidden.rename(phi)
    assert lost.exit_code == 2
    assert "prompt-model" in lost.stderr


def test_the_cache_is_by_annotation_model_and_question(tmp_path: Path) -> None:
    asked: list[str] = []

    def ask(text: str) -> Prompts:
        asked.append(text)
        return Prompts(foreground="a", background="b", scene="c")

    questions = [Question(1, "cup", "a cup"), Question(2, "cup", None)]
    cache = tmp_path / "deep" / "cache.jsonl"
    for _ in range(2):
        assert len(list(written_prompts(questions, "phi", cache, lambda: ask))) == 2
    assert len(asked) == 2
    list(written_prompts(questions, "another", cache, lambda: ask))
    assert len(asked) == 4
    list(written_prompts([Question(1, "cup", "the cup")], "another", cache, lambda: ask))
    assert len(asked) == 5
    assert digest(questions[0], "phi") != digest(questions[0], "another")
    assert "{category}" in template() and "{" not in questions[1].text


def test_a_writer_that_says_nothing_writes_no_prompts(tmp_path: Path) -> None:
    import torch

    place = torch.device("cpu"), torch.float32
    quiet = PromptWriter.load(str(save_phi(tmp_path / "phi", silent=True)), *place)
    assert quiet("What is there?") is None
    quiet.tokenizer.chat_template = None
    assert quiet("What is there?") is None


def test_no_set_and_broken_sets_are_refused(rendered: Path, tmp_path: Path) -> None:
    with pytest.raises(TaueError, match="is no evaluation set"):
        read_data(tmp_path)
    broken: dict[str, tuple[str, str]] = {
        "twice": ("pairs.jsonl", "has an id twice"),
        "none": ("pairs.jsonl", "has no pairs"),
        "no line": ("pairs.jsonl", "line 2, has a wrong field"),
        "no picture": ("images/000001.png", "lacks images/000001.png"),
        "another format": ("data.json", "has a wrong field format"),
    }
    for name, (file, sentence) in broken.items():
        folder = tmp_path / name
        shutil.copytree(rendered, folder)
        path = folder / file
        line = path.read_bytes().splitlines(keepends=True)[0]
        content = {"twice": line * 2, "none": b"", "no line": line + b"{}\n"}.get(name)
        if name == "another format":
            content = path.read_bytes().replace(b'"format": 1', b'"format": 2')
        if content is None:
            path.unlink()
        else:
            path.write_bytes(content)
        with pytest.raises(TaueError, match=sentence.replace("[", r"\[")):
            read_data(folder)
