"""Scenes files of batches: templates, ids, and what is wrong with a line."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from typer.testing import CliRunner

from batches import scenes_file
from taue.batch import templates
from taue.batch.ids import files_digest, model_digest, scene_id
from taue.batch.plan import portions, tasks_of
from taue.batch.scenes import read_scenes
from taue.batch.templates import filled_in
from taue.cli import app
from taue.errors import TaueError
from taue.scene import Scene

SCENE: dict[str, Any] = {"background": "a beach", "subjects": [{"prompt": "a ball"}]}


@given(
    st.lists(st.text(min_size=1), min_size=1, max_size=4),
    st.integers(0, 50),
    st.integers(1, 6),
    st.integers(1, 4),
)
def test_a_template_stands_for_every_combination_once(
    words: list[str], first: int, count: int, step: int
) -> None:
    last = first + (count - 1) * step
    line = {
        "background": {"each": words},
        "seed": {"range": [first, last, step]},
        "subjects": [{"prompt": "x", "box": [0, 0, {"each": [0.5, 1.0]}, 1]}],
    }
    made = list(filled_in(line))
    wanted = [
        (word, seed, width)
        for word in words
        for seed in range(first, last + 1, step)
        for width in (0.5, 1.0)
    ]
    assert [(m["background"], m["seed"], m["subjects"][0]["box"][2]) for m in made] == wanted
    assert len(made) == len(words) * count * 2


def test_words_fill_every_text_and_go_together() -> None:
    line = {
        "background": "a {place} with {c} sand",
        "subjects": [{"prompt": "a {c} ball"}],
        "with": {"c": ["red", "blue"], "place": ["beach"]},
    }
    told = [(one["background"], one["subjects"][0]["prompt"]) for one in filled_in(line)]
    assert told == [
        ("a beach with red sand", "a red ball"),
        ("a beach with blue sand", "a blue ball"),
    ]
    assert list(filled_in(SCENE)) == [SCENE]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"seed": {"range": [3, 1]}}, "seed has an empty range; give first <= last"),
        ({"seed": {"range": [1, 2.5]}}, "seed has a range of something else than whole numbers"),
        ({"seed": {"range": [0, 10**12]}}, "seed has a range that is too long"),
        ({"background": {"each": []}}, "background has no list after each"),
        (
            {"background": "a {colour} sea"},
            "background has {colour}, which is not among with;",
        ),
        ({"with": ["red"]}, "with is no table"),
        ({"with": {"c": "red"}, "background": "{c}"}, "with.c has no list"),
        ({"backgroud": "a sea"}, "backgroud is unknown; did you mean background?"),
        ({"canvas": {"width": 100}}, "canvas.width is 100; give a multiple of 8"),
        ({"seed": {"each": [1, "x"]}}, 'seed is "x"; give a whole number'),
        ({"model": "pady"}, "model 'pady' is unknown; did you mean paddy"),
        ({"scheduler": "Oiler"}, "scheduler 'Oiler' is unknown; did you mean"),
        ({"loras": [{"name": "no.safetensors"}]}, "lora 'no.safetensors' is missing"),
    ],
)
def test_what_is_wrong_names_line_field_and_fix(
    change: dict[str, Any], sentence: str, tmp_path: Path
) -> None:
    path = tmp_path / "scenes.jsonl"
    line = {**SCENE, **change}
    if "{colour}" in str(change):
        line["with"] = {"c": ["red"]}
    path.write_text(f"{json.dumps(SCENE)}\n\n{json.dumps(line)}\n")
    for more in (["--check"], ["--out", str(tmp_path / "store")]):
        result = CliRunner().invoke(app, ["batch", "run", str(path), *more])
        assert result.exit_code == 2, result.stderr
        assert f"line 3 of {path}: " in result.stderr.replace("\n", "")
        assert sentence in result.stderr
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"{]", "line 1 of {}: is no JSON"),
        (b"[1]", "line 1 of {}: is no scene; give an object"),
        (b'"\xff"', "line 1 of {}: is not UTF-8"),
        (b"[" * 100_000, "line 1 of {}: is no JSON"),
        (b"\n\n", "{} has no scene"),
        (b"x" * (2**20 + 5), "line 1 of {} is longer than a scene can be"),
    ],
)
def test_what_is_no_scenes_file_is_one_sentence(
    content: bytes, sentence: str, tmp_path: Path
) -> None:
    path = tmp_path / "s"
    path.write_bytes(content)
    for more in (["--check"], ["--out", str(tmp_path / "store")]):
        result = CliRunner().invoke(app, ["batch", "run", str(path), *more])
        assert result.exit_code == 2
        assert sentence.format(path) in result.stderr.replace("\n", "")
    result = CliRunner().invoke(app, ["batch", "run", str(tmp_path / "no"), "--check"])
    assert result.exit_code == 2 and "is missing or no file" in result.stderr


def test_a_check_says_all_that_is_wrong_and_makes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "scenes.jsonl"
    path.write_text("".join(json.dumps({**SCENE, "seed": s}) + "\n" for s in (1, -1, 2, "x")))
    result = CliRunner().invoke(app, ["batch", "run", str(path), "--check"])
    assert result.exit_code == 2
    assert "line 2 of" in result.stderr and "line 4 of" in result.stderr
    path.write_text(json.dumps({**SCENE, "seed": {"range": [1, 500]}}))
    result = CliRunner().invoke(app, ["batch", "run", str(path), "--check", "--json"])
    assert result.exit_code == 0 and json.loads(result.stdout)["scenes"] == 500


def test_a_template_that_stands_for_too_many_is_refused_before_it_is_expanded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(templates, "MOST_SCENES", 100)
    line = {"seed": {"range": [1, 90]}, "background": {"each": ["a", "b"]}}
    with pytest.raises(TaueError, match="more than 100 scenes"):
        next(filled_in(line))


def test_an_id_is_of_the_resolved_scene_and_the_model_not_of_its_name(tmp_path: Path) -> None:
    scene = Scene.from_data(SCENE)
    told = Scene.from_data({**SCENE, "steps": scene.steps, "seed": scene.seed})
    assert scene_id(scene, "m") == scene_id(told, "m")
    assert scene_id(scene, "m") != scene_id(scene, "n")
    changed = [{"seed": 8}, {"steps": 49}, {"background": "a sea"}, {"negative_prompt": "x"}]
    ids = {scene_id(Scene.from_data({**SCENE, **one}), "m") for one in changed}
    assert len(ids | {scene_id(scene, "m")}) == 5
    one, two = tmp_path / "one", tmp_path / "two"
    for folder, content in ((one, b"a"), (two, b"a")):
        folder.mkdir()
        (folder / "model_index.json").write_bytes(content)
    assert files_digest(one) == files_digest(two)
    (two / "more").write_bytes(b"")
    assert files_digest(one) != files_digest(two)
    lora = {**SCENE, "loras": [{"name": "few-steps"}]}
    half = {**SCENE, "loras": [{"name": "few-steps", "weight": 0.5}]}
    digests = {model_digest(Scene.from_data(data)) for data in (SCENE, lora, half)}
    assert len(digests) == 3


def test_an_own_picture_counts_by_its_bytes_and_is_found_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "sets").mkdir()
    path = tmp_path / "sets" / "scenes.jsonl"
    names = ["one.png", "two.png", "three.png"]
    for name, colour in zip(names, ("red", "red", "blue"), strict=True):
        Image.new("RGB", (64, 64), colour).save(tmp_path / "sets" / name)
    lines = [json.dumps({**SCENE, "background_image": name}) for name in names]
    path.write_text("\n".join(lines))
    tasks = tasks_of(read_scenes(path))
    assert [task.line for task in tasks] == [1, 3]
    kept = tasks[0].read().own_pictures["background"].path
    assert kept == str((tmp_path / "sets" / "one.png").resolve())
    path.write_text(json.dumps({**SCENE, "background_image": "no.png"}))
    with pytest.raises(TaueError, match=r"line 1 of .*: picture '.*no.png' is missing"):
        list(read_scenes(path))


def test_the_same_scene_twice_is_one_task(tmp_path: Path) -> None:
    path = scenes_file(tmp_path, 3)
    path.write_text(path.read_text() * 2)
    tasks = tasks_of(read_scenes(path))
    assert [task.line for task in tasks] == [1, 1, 1]
    assert [task.read().seed for task in tasks] == [1, 2, 3]


@pytest.mark.slow
@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from([64, 128]), st.integers(0, 3)), max_size=30))
def test_portions_have_each_task_once_and_one_canvas(asked: list[tuple[int, int]]) -> None:
    told = [
        Scene.from_data(
            {**SCENE, "seed": seed, "canvas": {"width": width}, "background": f"sea {i}"}
        )
        for i, (width, seed) in enumerate(asked)
    ]
    from taue.batch.scenes import Told

    tasks = tasks_of(Told(1, scene) for scene in told)
    parts = list(portions(tasks, 4))
    assert sorted(task.id for part in parts for task in part) == sorted(task.id for task in tasks)
    for part in parts:
        assert len({task.read().canvas.width for task in part}) == 1 and len(part) <= 4
    for width in (64, 128):
        count = sum(one[0] == width for one in asked)
        of = [part for part in parts if part[0].read().canvas.width == width]
        assert len(of) == math.ceil(count / 4)
        seeds = [task.read().seed for part in of for task in part]
        assert seeds == sorted(seeds)  # those that share subjects and noise lie together
