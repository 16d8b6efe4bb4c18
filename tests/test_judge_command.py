"""`taue judge` on folders made from rendered layers."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from benchmarks.judge_agreement import read_labels, shares_agreed
from benchmarks.judge_planted import MISTAKES, DrawnResult, draw_result
from made_scenes import png_of
from taue.cli import app
from taue.errors import TaueError
from taue.paddy.judge import Judge
from taue.paddy.scenes import Box, ObjectSpec, SceneSpec
from taue.scene import Scene, Subject

SIDE = 128
BOX = Box(0.3, 0.45, 0.4, 0.42)
SPEC = SceneSpec((ObjectSpec("apple", "red", BOX),), "a sunny beach", None, 4)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Each test in an empty folder of its own, on a wide terminal."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")
    return tmp_path


def call(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["judge", *map(str, arguments)])


def write(folder: Path, drawn: DrawnResult, stem: str = "1", **changes: Any) -> dict[str, Any]:
    """A folder as ``taue generate`` leaves it, as far as the judge reads it; its report. Changes
    are of the scene."""
    folder.mkdir()
    rgba = np.dstack([drawn.cutout.pixels, np.round(drawn.cutout.alpha * 255).astype(np.uint8)])
    Image.fromarray(rgba.astype(np.uint8)).save(folder / f"subject-{stem}.png")
    for name in ("composite", "background"):
        Image.fromarray(getattr(drawn, name)).save(folder / f"{name}.png")
    Image.fromarray(drawn.foreground).save(folder / f"foreground-{stem}.png")
    given = {"subjects": [Subject("a red apple", box=BOX)], "background": "a sunny beach"}
    scene = Scene.from_data({**given, **changes})
    (folder / "scene.toml").write_text(scene.dumps())
    report = {"settings": scene.to_dict(), "warnings": ["mind the gap"], "versions": {"taue": "0"}}
    report = json.loads(json.dumps(report))
    (folder / "report.json").write_text(json.dumps(report))
    return report


def right() -> DrawnResult:
    return draw_result(SPEC, SIDE, np.array([20, 235, 20]))


def test_right_and_wrong_results_in_a_table_and_as_json(elsewhere: Path) -> None:
    write(elsewhere / "good", right())
    twice = MISTAKES["twice"][0](right(), np.random.default_rng(1))
    report = write(elsewhere / "bad", twice)
    done = call("good", "bad", "--out", "all.json")
    assert done.exit_code == 0, done.stderr
    lines = {line.split()[0]: line for line in done.stdout.splitlines() if line.strip()}
    assert lines["good"].split()[-1] == "yes"
    assert lines["bad"].split()[-1] == "no"
    assert "1 twice" in lines["bad"]
    assert "50.0%" in lines["all"]

    document = json.loads((elsewhere / "all.json").read_text())
    assert [one["right"] for one in document["results"]] == [True, False]
    assert document["sum"]["twice"] == 0.5
    (subject,) = document["results"][0]["subjects"]
    assert min(subject["mask_iou"], subject["alpha_iou"], subject["box_iou"]) > 0.7

    told = json.loads((elsewhere / "bad" / "report.json").read_text())
    assert told["settings"] == report["settings"]
    assert told["judge"] == {k: v for k, v in document["results"][1].items() if k != "folder"}
    mind, warning = told["warnings"]
    assert mind == "mind the gap"
    assert "is there 2 times in the composite." in warning
    assert f"Warning: bad: {warning}" in done.stderr
    assert json.loads((elsewhere / "good" / "report.json").read_text())["warnings"] == [mind]


def test_a_second_look_leaves_the_same_report(elsewhere: Path) -> None:
    write(
        elsewhere / "out", MISTAKES["left in the background"][0](right(), np.random.default_rng())
    )
    assert call("out").exit_code == 0
    first = (elsewhere / "out" / "report.json").read_bytes()
    assert b"judge: subject 1 (" in first
    assert call("out").exit_code == 0
    assert (elsewhere / "out" / "report.json").read_bytes() == first
    assert sorted(path.name for path in (elsewhere / "out").iterdir()) == [
        "background.png", "composite.png", "foreground-1.png", "report.json", "scene.toml",
        "subject-1.png",
    ]  # fmt: skip


def test_a_subject_is_found_by_its_name_and_judged_where_it_was_moved(elsewhere: Path) -> None:
    other = replace(BOX, x=0)
    subject = Subject("a red apple", name="Big apple", crop_ratio=0.7, box=other, moves=(BOX,))
    gone = MISTAKES["missing"][0](right(), np.random.default_rng())
    write(elsewhere / "good", right(), "Big-apple", subjects=[subject])
    write(elsewhere / "bad", gone, "Big-apple", subjects=[subject], method={"crop_ratio": 0.5})
    done = call("good", "bad", "--out", "all.json")
    assert done.exit_code == 0, done.stderr
    good, bad = json.loads((elsewhere / "all.json").read_text())["results"]
    assert good["subjects"][0]["box_iou"] > 0.7
    assert bad["subjects"][0]["missing"]
    assert "lost its shape in the composite." in done.stderr


def test_other_words_are_not_judged_and_that_is_said(elsewhere: Path) -> None:
    write(elsewhere / "out", right(), subjects=[Subject("a cat")], background="home")
    done = call("out")
    assert done.exit_code == 0
    assert done.stdout.count("not judged") == 4
    assert "'a cat' is not in paddy's words" in done.stderr
    assert "'home' is not in paddy's words" in done.stderr
    judged = json.loads((elsewhere / "out" / "report.json").read_text())["judge"]
    assert (judged["right"], judged["not_judged"]) == (None, ["a cat", "home"])


EMPTY = '{"settings": {"subjects": [], "background": "a desert"}}'
BROKEN: dict[str, Callable[[Path], object]] = {
    "absent": shutil.rmtree,
    "no report": lambda folder: (folder / "report.json").unlink(),
    "no json": lambda folder: (folder / "report.json").write_text("{"),
    "endless json": lambda folder: (folder / "report.json").write_text("[" * 100_000),
    "another json": lambda folder: (folder / "report.json").write_text("[1]"),
    "no settings": lambda folder: (folder / "report.json").write_text("{}"),
    "no subjects": lambda folder: (folder / "report.json").write_text(EMPTY),
    "no scene": lambda folder: (folder / "scene.toml").unlink(),
    "no toml": lambda folder: (folder / "scene.toml").write_text("{"),
    "no picture": lambda folder: (folder / "composite.png").unlink(),
    "broken picture": lambda folder: (folder / "composite.png").write_bytes(b"no picture"),
    "absurd picture": lambda folder: (folder / "composite.png").write_bytes(png_of(50_000, 50_000)),
    "no alpha": lambda folder: Image.new("RGB", (SIDE, SIDE)).save(folder / "subject-1.png"),
    "other size": lambda folder: Image.new("RGB", (64, 64)).save(folder / "background.png"),
}


@pytest.mark.slow
@pytest.mark.parametrize("how", BROKEN)
def test_what_is_no_result_is_one_sentence_and_nothing_is_touched(
    how: str, elsewhere: Path
) -> None:
    write(elsewhere / "good", right())
    before = (elsewhere / "good" / "report.json").read_bytes()
    write(elsewhere / "bad", right())
    BROKEN[how](elsewhere / "bad")
    done = call("good", "bad")
    assert done.exit_code == 2
    assert done.stdout == ""
    assert done.stderr.startswith("Error: folder 'bad' is no result of taue generate (")
    assert done.stderr.endswith("name a folder that it made.\n")
    assert done.stderr.count("\n") == 1
    assert (elsewhere / "good" / "report.json").read_bytes() == before


def test_a_json_that_cannot_be_written_is_one_sentence(elsewhere: Path) -> None:
    write(elsewhere / "out", right())
    done = call("out", "--out", "nowhere/all.json")
    assert done.exit_code == 2
    assert "'nowhere/all.json' cannot be written" in done.stderr
    assert not os.path.lexists("nowhere")


@pytest.mark.skipif(os.name == "nt", reason="links and pipes")
def test_planted_links_and_pipes_harm_nobody(elsewhere: Path) -> None:
    victim = elsewhere / "victim"
    victim.write_bytes(b"precious")
    write(elsewhere / "out", right())
    for name in (".report.json.unfinished", "report.json.unfinished"):
        (elsewhere / "out" / name).symlink_to(victim)
    (elsewhere / ".all.json.unfinished").symlink_to(victim)
    done = call("out", "--out", "all.json")
    assert done.exit_code == 0, done.stderr
    assert victim.read_bytes() == b"precious"
    report = elsewhere / "out" / "report.json"
    report.rename(elsewhere / "real.json")
    report.symlink_to(elsewhere / "real.json")
    before = (elsewhere / "real.json").read_bytes()
    done = call("out", "--out", "other.json")
    assert done.exit_code == 2
    assert "is a link; name the file itself." in done.stderr
    assert (elsewhere / "real.json").read_bytes() == before
    assert not (elsewhere / "other.json").exists()
    os.mkfifo(elsewhere / "pipe")  # nobody reads it
    done = call("out", "--out", "pipe")
    assert done.exit_code == 2
    assert "'pipe' cannot be written" in done.stderr


def test_a_command_that_fails_changes_no_report(elsewhere: Path) -> None:
    write(elsewhere / "one", right())
    write(elsewhere / "two", right())
    (elsewhere / "two" / "report.json").rename(elsewhere / "real.json")
    (elsewhere / "two" / "report.json").symlink_to(elsewhere / "real.json")
    (elsewhere / "folder").mkdir()
    for arguments in (("one", "--out", "folder"), ("one", "two"), ("one", "--out", "no/x.json")):
        before = (elsewhere / "one" / "report.json").read_bytes()
        done = call(*arguments)
        assert done.exit_code == 2
        assert done.stdout == ""
        assert (elsewhere / "one" / "report.json").read_bytes() == before


def test_verdicts_on_standard_output_come_alone(elsewhere: Path) -> None:
    write(elsewhere / "out", right())
    done = call("out", "--out", "-")
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["sum"]["right"] == 1
    assert "all right" in done.stderr


def test_every_mistake_is_planted_where_it_says() -> None:
    drawn = right()
    changed = {
        "left in the background": {"background"},
        "missing": {"composite"},
        "twice": {"composite"},
    }
    for name, (plant, _) in MISTAKES.items():
        seen: set[str] = set()
        for seed in range(6):
            wrong = plant(drawn, np.random.default_rng(seed))
            pixels = {n: getattr(wrong, n) for n in ("composite", "background", "foreground")}
            now = {n for n, p in pixels.items() if (p != getattr(drawn, n)).any()}
            now |= {"cutout"} if (wrong.cutout.alpha != drawn.cutout.alpha).any() else set()
            assert now, name
            seen |= now
        assert seen == changed.get(name, seen)
        if name == "key colour left in":
            assert seen == {"composite", "cutout"}


def test_agreement_with_labels(elsewhere: Path) -> None:

    (elsewhere / "some").mkdir()
    drawn = right()
    Image.fromarray(drawn.composite).save(elsewhere / "some" / "1.png")
    Image.fromarray(drawn.background).save(elsewhere / "some" / "2.png")
    apple = {"kind": "apple", "colour": "red"}
    lines = [
        {"file": "1.png", "objects": [apple], "background": "a sunny beach"},
        {"file": "1.png", "objects": [apple], "background": "a desert"},
        {"file": "2.png", "objects": [apple], "background": "a sunny beach"},
        {"file": "2.png", "objects": None, "background": "a sunny beach"},
    ]
    path = elsewhere / "labels.json"
    path.write_text(json.dumps({"pictures": "some", "labels": lines}))
    labels, pictures = read_labels(path)
    shares = shares_agreed(labels, Judge.load().look(pictures))
    assert shares["kind"] == shares["colour"] == shares["number of objects"] == 0.6667
    assert shares["background"] == 0.75
    assert shares["everything"] == 0.5
    assert [one["file"] for one in shares["disagreements"]] == ["1.png", "2.png"]
    assert shares["disagreements"][1]["seen"] == "nothing, a sunny beach"


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ({"file": "1.png", "objects": [], "background": "the moon"}, "'the moon' is no background"),
        (
            {"file": "1.png", "objects": [{"kind": "cat", "colour": "red"}], "background": None},
            "cat",
        ),
        ({"file": "1.png", "objects": []}, "background"),
        ({"file": "1.png", "objects": [], "background": None}, "1.png"),
    ],
)
def test_labels_that_make_no_sense_are_refused(
    line: dict[str, Any], says: str, elsewhere: Path
) -> None:

    path = elsewhere / "labels.json"
    path.write_text(json.dumps({"pictures": "some", "labels": [line]}))
    with pytest.raises(TaueError, match=f"^labels '.*{says}.*mend the file.$"):
        read_labels(path)
