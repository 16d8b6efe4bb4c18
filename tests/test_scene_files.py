"""Scene files: both ways without loss, and one clear sentence for whatever is wrong."""

from __future__ import annotations

import json
import math
import unicodedata
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from PIL import Image

from taue import Box, Scene, Subject
from taue.disk.png import read_png_text, write_png
from taue.errors import TaueError
from taue.names import same_file, slug
from taue.readable import readable
from taue.scene import Method, Request
from taue.scene.fields import LARGEST_SEED
from taue.scene.method import CALLED, LIMITS
from taue.scene.problems import paths
from taue.scene.read import FILE, KEYWORD
from taue.scene.schema import json_schema
from taue.scene.subject import layer_file_names
from taue.settings import CHOICES, KEYS, SKIPPED, TRIES, Settings

SMALL: dict[str, Any] = {"background": "a beach", "subjects": [{"prompt": "a red apple"}]}

# How long an example takes says nothing on a machine that is busy.
law = hypothesis_settings(
    deadline=None,
    max_examples=60,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)

texts = st.text(min_size=1).filter(lambda text: bool(text.strip()))
ratios = st.floats(0, 1, exclude_min=True, exclude_max=True)


@st.composite
def boxes(draw: st.DrawFn) -> list[float]:
    """Boxes anywhere inside the canvas."""
    x, y = draw(st.floats(0, 0.9)), draw(st.floats(0, 0.9))
    return [x, y, draw(st.floats(1e-3, 1 - x)), draw(st.floats(1e-3, 1 - y))]


def number(name: str) -> st.SearchStrategy[float]:
    limits = LIMITS[name]
    return st.floats(limits["minimum"], limits["maximum"])


METHODS: dict[str, st.SearchStrategy[Any]] = {
    **{name: number(name) for name, limits in LIMITS.items() if "minimum" in limits},
    "tries": st.integers(*TRIES),
    "clip_skip": st.integers(*SKIPPED),
    "crop_ratio": ratios,
    "key": st.sampled_from([*KEYS, "auto", "#ff00FF"]),
    **{name: st.sampled_from(choices) for name, choices in CHOICES.items()},
    "filter_noisy": st.booleans(),
    "hold_crop_step": st.booleans(),
}
for called in CALLED.values():
    del METHODS[called]


def agree(method: dict[str, Any]) -> bool:
    """Whether fields that are checked together are right together."""
    base = asdict(Settings.of(method.get("base", "taue"))) | method
    seen = base["mask_value"] == "distance" or base["key"] in ("green", "auto")
    return seen and base["p_min"] <= base["p_max"]


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    """Scenes with anything that a file may hold."""
    subjects = draw(
        st.lists(
            st.fixed_dictionaries(
                {"prompt": texts},
                optional={"negative_prompt": texts, "box": boxes(), "crop_ratio": ratios},
            ),
            min_size=1,
            max_size=4,
        )
    )
    for i, subject in enumerate(subjects):
        if draw(st.booleans()):
            subject["name"] = f"{draw(st.text(max_size=10))} number {i}"
    side = st.integers(8, 512).map(lambda cells: cells * 8)
    data = draw(
        st.fixed_dictionaries(
            {"background": texts},
            optional={
                "model": texts,
                "revision": texts,
                "scheduler": texts,
                "scene": texts,
                "negative_prompt": texts,
                "seed": st.integers(0, LARGEST_SEED),
                "steps": st.integers(2, 1000),
                "guidance_scale": number("guidance_scale"),
                "foreground_guidance_scale": number("foreground_guidance_scale"),
                "canvas": st.fixed_dictionaries({}, optional={"width": side, "height": side}),
                "method": st.fixed_dictionaries({}, optional=METHODS).filter(agree),
            },
        )
    )
    return Scene.from_data({**data, "subjects": subjects})


@pytest.mark.slow
@law
@given(scenes(), st.sampled_from(["toml", "json"]))
def test_a_scene_survives_its_file_exactly(scene: Scene, form: Any) -> None:
    content = scene.dumps(form)
    read = Scene.loads(content.encode().decode(), form)
    assert read == scene
    assert read.dumps("json") == scene.dumps("json")  # tells -0.0 from 0.0, which == does not
    assert read.dumps(form) == content


@pytest.mark.slow
@law
@given(scenes())
def test_the_schema_takes_every_scene(scene: Scene) -> None:
    Draft202012Validator(json_schema()).validate(json.loads(scene.dumps("json")))


@pytest.mark.slow
@law
@given(scenes())
def test_a_request_by_its_parts_is_the_scenes(scene: Scene) -> None:
    request = Request.of(
        scene.settings,
        subjects=scene.subjects,
        background=scene.background,
        scene=scene.scene,
        negative_prompt=scene.negative_prompt,
        canvas=scene.canvas,
    )
    assert request == scene.alone()
    again = Scene.making(
        request,
        model=scene.model,
        seed=scene.seed,
        revision=scene.revision,
        scheduler=scene.scheduler,
    )
    assert again == scene


def test_every_setting_of_the_method_is_in_a_scene_with_its_default() -> None:
    own = {field.name: field.default for field in fields(Settings)}
    in_scene = {**Method().model_dump(), **dict.fromkeys(CALLED.values())}
    assert set(in_scene) == set(own)
    assert set(METHODS) <= set(Method.model_fields)
    assert Scene.from_data(SMALL).settings == Settings()
    told = {**Scene.model_fields, **Method.model_fields}
    back = {called: name for name, called in CALLED.items()}
    assert all(told[back.get(name, name)].description for name in own)


def test_a_subject_is_the_same_from_a_file_and_by_hand() -> None:
    table = {
        "name": "apple",
        "prompt": "a red apple",
        "negative_prompt": "dull",
        "box": [0, 0, 1, 0.5],
        "crop_ratio": 0.4,
        "moves": [[0, 0, 0.5, 0.5]],
    }
    by_hand = Subject(
        "a red apple", "dull", Box(0, 0, 1, 0.5), "apple", 0.4, (Box(0, 0, 0.5, 0.5),)
    )
    assert set(table) | {"places", "image", "seed"} == {field.name for field in fields(Subject)}
    for one in (table, by_hand):
        assert Scene.from_data({**SMALL, "subjects": [one]}).subjects == (by_hand,)
    with pytest.raises(TaueError, match=r"^subjects\[0\].box is \{'x': 0\}; give"):
        Scene.from_data({**SMALL, "subjects": [{**table, "box": {"x": 0}}]})


def test_the_schemas_limits_are_those_of_the_settings() -> None:
    check = Draft202012Validator(json_schema())
    for name, limits in LIMITS.items():
        for side, outwards in (("minimum", -1), ("maximum", 1)):
            low_or_high = limits.get(side, limits.get(f"exclusiveM{side[1:]}"))
            if low_or_high is None:
                continue
            whole = isinstance(low_or_high, int) and name == "num_inference_steps"
            beyond = (
                low_or_high + outwards
                if whole
                else math.nextafter(low_or_high, outwards * math.inf)
            )
            for value in (low_or_high, beyond):
                short = next((s for s, called in CALLED.items() if called == name), None)
                data = {**SMALL, **({short: value} if short else {"method": {name: value}})}
                try:
                    Scene.from_data(data)
                    taken = True
                except TaueError:
                    taken = False
                assert check.is_valid(data) == taken, (name, value)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"background": None}, 'background is missing; add it, for example background = "a beach'),
        ({"subjects": None}, "subjects is missing; add it."),
        ({"subjects": []}, "subjects is empty; give at least one."),
        (
            {"subjects": [{"prompt": "x"}, {"promt": "y"}]},
            "subjects[1].promt is unknown; did you mean prompt?",
        ),
        ({"subjects": [{}]}, "subjects[0].prompt is missing; add it, for example prompt ="),
        ({"subjects": ["x"]}, 'subjects[0] is "x"; give a table'),
        ({"subjects": {"prompt": "x"}}, 'subjects is {"prompt": "x"}; give a list.'),
        ({"subjects": [{"prompt": " "}]}, "subjects[0].prompt is empty; say it in words."),
        ({"background": 3}, "background is 3; give a text in quotes."),
        ({"background": "\ud800"}, "background holds what is no Unicode text"),
        ({"sharpening": 0.2}, "sharpening is unknown; did you mean method.sharpening?"),
        ({"width": 128}, "width is unknown; did you mean canvas.width?"),
        ({"num_inference_steps": 9}, "num_inference_steps is unknown; did you mean steps?"),
        ({"method": {"seed": 1}}, "method.seed is unknown; did you mean seed at the top"),
        ({"frobnicate": 1}, "frobnicate is unknown; known are version, model,"),
        ({"method": {"keystrength": 1}}, "method.keystrength is unknown; did you mean key_str"),
        ({"method": {"key_strength": 2}}, "method.key_strength is 2.0; give a number from 0 to 1."),
        ({"method": {"key": "plaid"}}, "method.key is 'plaid'; choose one of green,"),
        ({"method": {"filter_noisy": 1}}, "method.filter_noisy is 1; give true or false."),
        (
            {"method": {"p_min": 0.5, "p_max": 0.4}},
            "method.p_max is 0.4; give at least p_min, 0.5.",
        ),
        (
            {"method": {"base": "paper", "key": "blue"}},
            "method.mask_value is 'greenness', which tells green alone; choose distance or key",
        ),
        ({"method": 3}, "method is 3; give a table"),
        ({"steps": 1}, "steps is 1; give a whole number from 2 to 1000."),
        ({"steps": 5.5}, "steps is 5.5; give a whole number."),
        ({"steps": True}, "steps is true; give a whole number."),
        ({"guidance_scale": "5"}, 'guidance_scale is "5"; give a number.'),
        ({"guidance_scale": math.nan}, "guidance_scale is nan; give a finite number."),
        ({"guidance_scale": 101}, "guidance_scale is 101.0; give a number from 0 to 100."),
        ({"seed": -1}, "seed is -1; give a whole number from 0 to"),
        ({"seed": 2**63}, "seed is 9223372036854775808; give"),
        ({"version": 2}, "version is 2; this taue reads version 1."),
        ({"version": 1.5}, "version is 1.5; give a whole number."),
        ({"version": True}, "version is true; give a whole number."),
        ({"guidance_scale": 10**400}, "guidance_scale is 1000"),
        ({"canvas": {"width": 16392}}, "canvas.width is 16392; give a multiple of 8 from 64 to"),
        ({"": 1}, '"" is unknown; known are version'),
        ({"method": {"a b": 1}}, 'method."a b" is unknown; known are crop_ratio'),
        ({"canvas": {"width": 100}}, "canvas.width is 100; give a multiple of 8 from 64"),
        ({"canvas": {"height": 8}}, "canvas.height is 8; give a multiple of 8 from 64"),
        ({"scheduler": ""}, "scheduler is empty"),
        ({"model": 1}, "model is 1; give a text"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_scene(change: dict[str, Any], says: str) -> None:
    data = {name: value for name, value in {**SMALL, **change}.items() if value is not None}
    with pytest.raises(TaueError) as caught:
        Scene.from_data(data, source="my.toml")
    assert str(caught.value).startswith(f"my.toml: {says}")
    assert str(caught.value).endswith((".", "?"))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"box": [0, 0, 1]}, "box is [0, 0, 1]; give four fractions"),
        ({"box": [0.5, 0, 0.6, 1]}, "box x and width are 0.5 and 0.6; the box must lie inside"),
        ({"box": [0, 0, 0, 1]}, "box width is 0.0; give a positive fraction"),
        ({"box": "0,0,1,1"}, "box is '0,0,1,1'; give one, for example Box(0.1, 0.4, 0.3,"),
        ({"box": [0, 0, "1", 1]}, "box is [0, 0, '1', 1]; give four fractions"),
        ({"box": [0, 0, True, 1]}, "box is [0, 0, True, 1]; give four fractions"),
        ({"box": [0, 0, 10**400, 1]}, "box is [0, 0, 1000"),
        ({"box": [0, 0, [1], 1]}, "box is [0, 0, [1], 1]; give four fractions"),
        ({"moves": [[0, 0, 1, 1], []]}, "moves[1] is []; give four fractions"),
        ({"crop_ratio": 1}, "crop_ratio is 1.0; give a number between 0 and 1."),
        ({"name": "?/"}, "name is '?/'; give at least one character that can name a file."),
        ({"name": "x" * 201}, "name is 201 bytes long; shorten it to 200."),
        ({"name": " "}, "name is empty"),
    ],
)
def test_what_is_wrong_with_a_subject(change: dict[str, Any], says: str) -> None:
    with pytest.raises(TaueError) as caught:
        Scene.from_data({**SMALL, "subjects": [{"prompt": "x", **change}]})
    assert str(caught.value).startswith(f"subjects[0].{says}")


def test_a_scene_by_hand() -> None:
    apple = Scene(subjects=["a red apple"], background="a beach", steps=20)
    parts = {"background": "a beach", "steps": 20}
    assert apple == Scene.from_data({**parts, "subjects": [{"prompt": "a red apple"}]})
    assert apple == Scene(subjects=(Subject("a red apple"),), **parts)
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"steps": "x"}, r'^steps is "x"; give a whole number'),
        ({"backgroud": "a sea"}, "backgroud is unknown"),
        ({"subjects": []}, "subjects is empty; give at least one"),
        ({"subjects": "an apple"}, "^subjects is"),
    ]
    for change, says in wrong:
        with pytest.raises(TaueError, match=says):
            Scene(**{"subjects": ["a red apple"], "background": "a beach", **change})


def test_several_problems_are_counted_and_a_misspelling_is_one() -> None:
    wrong = {"background": 1, "subjects": [{"promt": "x"}], "seed": -1}
    with pytest.raises(TaueError) as caught:
        Scene.from_data(wrong, source="my.toml")
    said = "my.toml has 3 problems, the first: subjects[0].promt is unknown; did you mean prompt?"
    assert str(caught.value) == said


def test_names_must_be_told_apart_on_every_system() -> None:
    alike = [
        ("apple", "Apple"),
        ("a b", "a-b"),
        ("caf\u00e9", "cafe\u0301"),
        ("stra\u00dfe", "STRASSE"),
    ]
    for one, two in alike:
        subjects = [{"prompt": "x", "name": one}, {"prompt": "y", "name": two}]
        with pytest.raises(TaueError, match=r"^subjects 'x' and 'y' would both be called subject-"):
            Scene.from_data({**SMALL, "subjects": subjects})
    with pytest.raises(TaueError, match="would both be called subject-2"):
        layer_file_names([Subject("x", name="2"), Subject("y")])


def test_layer_files() -> None:
    people = [Subject("x"), Subject("y", name="der \u00c4pfel: 3"), Subject("z")]
    assert layer_file_names(people) == ["subject-1", "subject-der-\u00c4pfel-3", "subject-3"]
    assert layer_file_names(people, "foreground")[1] == "foreground-der-\u00c4pfel-3"
    assert layer_file_names([]) == []


@law
@given(st.text())
def test_a_slug_is_a_file_name_everywhere(name: str) -> None:
    try:
        made = slug(name)
    except TaueError:
        return
    assert made == unicodedata.normalize("NFC", made)
    assert made.isprintable()
    assert not set(made) & set('<>:"/\\|?* ')
    assert made.strip("-.") == made != ""
    assert "--" not in made
    assert slug(made) == made
    assert len(f"foreground-{made}.safetensors".encode()) <= 255
    assert same_file(made) == same_file(made.upper().lower())


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_a_scene_is_read_from_wherever_it_lies(tmp_path: Path) -> None:
    scene = Scene.from_data({**SMALL, "seed": 12, "scene": "caf\u00e9 \u2014 \U0001f34e\r\n\x7f"})
    write(tmp_path, FILE, scene.dumps())
    write(tmp_path, "bom.TOML", b"\xef\xbb\xbf" + scene.dumps().encode())
    write(tmp_path, "s.json", scene.dumps("json"))
    linked = {"$schema": "scene.schema.json", **json.loads(scene.dumps("json"))}
    write(tmp_path, "linked.json", json.dumps(linked))
    write(tmp_path, "null.json", json.dumps({**linked, "method": None, "revision": None}))
    write_png(Image.new("RGBA", (8, 8)), tmp_path / "s.png", {KEYWORD: scene.dumps()})
    for name in (FILE, "bom.TOML", "s.json", "linked.json", "null.json", "s.png", "."):
        assert Scene.load(tmp_path / name) == scene, name
    Draft202012Validator(json_schema()).validate(linked)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("s.toml", "seed = \n", "is not valid TOML (Invalid value (at line 1"),
        ("s.toml", "a = 1\nb = 2\na = 3\n", "is not valid TOML (Cannot overwrite a value (at li"),
        ("s.toml", b'a = "\xff"\n', "is not UTF-8 in line 1; save it as UTF-8"),
        ("s.toml", "a = 1\n".encode("utf-16"), "is not UTF-8 in line 1"),
        ("s.toml", "a = " + "[" * 100_000, "is nested too deeply"),
        ("s.toml", b"#" * (2**20 + 1), "is larger than a scene file can be"),
        ("s.toml", "", "has 2 problems, the first: background is missing"),
        ("s.json", '{"seed":\n1 2}', "is not valid JSON (Expecting ',' delimiter: line 2 column 3"),
        ("s.json", '{"seed": 1, "seed": 2}', "is not valid JSON (seed stands twice in an object)"),
        ("s.json", '{"seed": NaN}', "is not valid JSON (NaN is no number)"),
        ("s.json", '{"seed": ' + "9" * 5000 + "}", "is not valid JSON (Exceeds the limit"),
        ("s.json", "[" * 100_000, "is nested too deeply"),
        ("s.json", "[]", "is no scene; give an object"),
        ("s.yaml", "", "is no scene; name a .toml, .json or .png file or a result folder"),
        ("s.png", "no picture", "cannot be read as a PNG"),
        ("s.png", b"\x89PNG\r\n\x1a\n" + b"\x00" * 40, "cannot be read as a PNG"),
    ],
)  # fmt: skip
def test_files_that_hold_no_scene(
    name: str, content: str | bytes, says: str, tmp_path: Path
) -> None:
    path = write(tmp_path, name, content)
    with pytest.raises(TaueError) as caught:
        Scene.load(path)
    said = str(caught.value)
    assert said.startswith((f"{path} ", f"{path}: "))
    assert says in said


def test_places_that_hold_no_scene(tmp_path: Path) -> None:
    for path, says in (
        (tmp_path / "none.toml", "is missing; check the path"),
        (tmp_path, "has no scene.toml; name a folder that taue generate made"),
        (Path("/dev/null"), "is no file; name a scene file"),
        (tmp_path / "nul\0byte.toml", "is missing"),
        (tmp_path / ("x" * 300 + ".toml"), "cannot be read"),
    ):
        with pytest.raises(TaueError) as caught:
            Scene.load(path)
        name = readable(str(path), None)
        assert str(caught.value).startswith(name[:200])
        assert f"{name[-9:]} {says}" in str(caught.value)
    plain = tmp_path / "plain.png"
    write_png(Image.new("L", (8, 8)), plain)
    with pytest.raises(TaueError, match=r"plain\.png carries no scene; name a PNG that"):
        Scene.load(plain)


@pytest.mark.slow
@law
@given(st.dictionaries(st.sampled_from(["taue:scene", "other"]), st.text(), max_size=2))
def test_png_texts_are_kept_and_move_no_pixel(texts: dict[str, str]) -> None:
    pixels = np.arange(9 * 7 * 4, dtype=np.uint8).reshape(9, 7, 4)
    folder = Path(".hypothesis")
    folder.mkdir(exist_ok=True)
    path = folder / "texts.png"
    try:
        write_png(Image.fromarray(pixels), path, texts)
        with Image.open(path) as read:
            np.testing.assert_array_equal(np.asarray(read), pixels)
        assert {name: read_png_text(path, name) for name in texts} == texts
        first = path.read_bytes()
        write_png(Image.fromarray(pixels), path, texts)
        assert path.read_bytes() == first
    finally:
        path.unlink(missing_ok=True)


def test_a_large_canvas_is_read_without_its_pixels(tmp_path: Path) -> None:
    import struct
    import zlib

    path = tmp_path / "huge.png"
    write_png(Image.new("L", (8, 8)), path, {KEYWORD: Scene.from_data(SMALL).dumps()})
    size = struct.pack(">II", 12_000, 12_000) + b"\x08\x00\x00\x00\x00"
    checked = size + struct.pack(">I", zlib.crc32(b"IHDR" + size))
    content = path.read_bytes()
    path.write_bytes(content[:16] + checked + content[33:])
    assert Scene.load(path) == Scene.from_data(SMALL)


def test_a_scene_is_frozen_and_hashable() -> None:
    scene = Scene.from_data(SMALL)
    with pytest.raises(ValueError, match="frozen"):
        scene.seed = 3  # pyright: ignore[reportAttributeAccessIssue]
    alike, other = Scene.from_data(SMALL), scene.on_canvas(128, 64)
    assert hash(alike) == hash(scene) != hash(other)
    assert scene.on_canvas(64, 128).size == (64, 128)


def test_paths_name_every_field() -> None:
    found = set(paths(Scene))
    assert {"seed", "canvas.width", "subjects[].box", "method.key"} <= found
    assert len(found) == len(set(found))
