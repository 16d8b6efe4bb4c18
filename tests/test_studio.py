"""The studio in a real browser, from an empty canvas to files, without a word on the console."""

from __future__ import annotations

import base64
import io
import json
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image

from looks import require_look
from studios import PYTHON, ROOT, asked, browsing, call, serving, watched
from taue import Scene
from taue.files.layered import flatten_file

SMALL = {
    "subjects": [{"prompt": "a red apple", "name": "apple", "box": [0.05, 0.4, 0.4, 0.5]}],
    "background": "a green meadow",
    "canvas": {"width": 128, "height": 128},
    "steps": 4,
    "seed": 7,
}


def drop_scene(page: Any, scene: dict[str, Any], name: str = "scene.json") -> None:
    """Drop a scene file on the page, as from a desktop."""
    page.evaluate(
        """([name, text]) => {
          const data = new DataTransfer();
          data.items.add(new File([text], name));
          const drop = new DragEvent("drop", { dataTransfer: data, bubbles: true });
          document.querySelector(".studio").dispatchEvent(drop);
        }""",
        [name, json.dumps(scene)],
    )
    page.wait_for_function(
        "name => document.getElementById('told').textContent.includes(name)", arg=name
    )


def drag(page: Any, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Draw with the mouse, in fractions of the canvas."""
    box = page.locator(".boxes").bounding_box()
    points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in (start, end)]
    page.mouse.move(*points[0])
    page.mouse.down()
    page.mouse.move(*points[1], steps=4)
    page.mouse.up()


def shown(page: Any) -> np.ndarray:
    """What the canvas shows, [H, W, 4]."""
    url = page.evaluate("document.querySelector('canvas').toDataURL()")
    data = base64.b64decode(url.partition(",")[2])
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGBA")).astype(int)


def wait_for_result(page: Any, count: int) -> None:
    page.wait_for_function(
        "count => document.querySelectorAll('.past li').length === count", arg=count
    )
    page.wait_for_selector("canvas[data-drawn]")


def scene_of(page: Any) -> dict[str, Any]:
    """The scene file that the page would save."""
    with page.expect_download() as told:
        page.get_by_label("Save the scene file").click()
    return Scene.load(_kept(told.value, ".toml")).model_dump(mode="json", exclude_none=True)


def _kept(download: Any, ending: str) -> Path:
    path = Path(download.path())
    return path.rename(path.with_suffix(ending))


def a_scene_is_drawn_grown_moved_and_taken_home(page: Any, tmp_path: Path) -> None:
    require_look(page, "empty", tmp_path)
    drop_scene(page, SMALL)
    drag(page, (0.55, 0.45), (0.95, 0.9))  # a second box, with the mouse
    page.get_by_label("Prompt of subject 2").fill("a blue car")
    page.get_by_label("Name of subject 2").fill("car")
    page.locator("[data-box='2']").focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Shift+ArrowUp")
    asked_for = scene_of(page)
    assert asked_for["subjects"][1]["prompt"] == "a blue car"
    assert asked_for["subjects"][1]["box"] == pytest.approx([0.54, 0.45, 0.4, 0.44], abs=0.01)
    require_look(page, "layout", tmp_path)
    nothing_is_in_anybodys_way(page)

    page.get_by_role("button", name="Generate").click()
    page.wait_for_selector(".previews img")
    page.wait_for_function("/ s left$/.test(document.querySelector('.now p').textContent)")
    wait_for_result(page, 1)
    require_look(page, "result", tmp_path)
    nothing_is_in_anybodys_way(page)
    composite = shown(page)

    layers_are_looked_at(page, composite)
    files_are_taken_home(page, composite)
    a_subject_is_moved_before_another_background(page, composite)
    page.get_by_text("Before / after").click()
    page.get_by_label("How much of before is shown").fill("20")
    require_look(page, "compare", tmp_path)
    nothing_is_in_anybodys_way(page)
    page.get_by_label("Dark colours").click()
    nothing_is_in_anybodys_way(page)
    require_look(page, "dark", tmp_path)
    page.set_viewport_size({"width": 360, "height": 740})
    nothing_is_in_anybodys_way(page)
    page.get_by_text("Result", exact=True).click()
    page.wait_for_selector("canvas[data-drawn]")
    require_look(page, "narrow", tmp_path)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.set_viewport_size({"width": 3840, "height": 2160})
    require_look(page, "wide", tmp_path)
    page.reload()
    page.wait_for_selector(".studio[data-ready]")
    assert page.locator(".past li").count() == 3
    assert page.get_by_label("Prompt of subject 2").input_value() == "a blue car"


def nothing_is_in_anybodys_way(page: Any) -> None:
    """axe-core finds nothing wrong in our own parts, of whatever weight."""
    found = Axe().run(page, context=".studio").response["violations"]
    assert [(one["id"], [node["target"] for node in one["nodes"]]) for one in found] == []


def layers_are_looked_at(page: Any, composite: np.ndarray) -> None:
    page.get_by_label("Show car", exact=True).click()
    without = shown(page)
    assert (composite != without).any()
    page.get_by_label("car alone", exact=True).click()
    alone = shown(page)
    assert alone[..., 3].mean() < 200  # the rest is transparent
    page.get_by_label("car alone", exact=True).click()
    page.get_by_label("Show car", exact=True).click()
    assert (shown(page) == composite).all()
    page.get_by_label("Opacity of Background").fill("0")
    assert (shown(page) != composite).any()
    page.get_by_label("Opacity of Background").fill("100")


def files_are_taken_home(page: Any, composite: np.ndarray) -> None:
    with page.expect_download() as told:
        page.get_by_role("button", name="PSD").click()
    psd = flatten_file(_kept(told.value, ".psd"))
    assert np.abs(psd[..., :3].astype(int) - composite[..., :3]).max() <= 2
    with page.expect_download() as told:
        page.get_by_role("button", name="PNG").click()
    with zipfile.ZipFile(told.value.path()) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
    assert {"scene.toml", "composite.png", "0-background.png"} <= set(names)
    assert len(names) == 2 + 5
    for ending in ("ORA", "Scene"):
        with page.expect_download() as told:
            page.get_by_role("button", name=ending, exact=True).click()
        assert told.value.failure() is None
    assert Scene.load(_kept(told.value, ".toml")).subjects[1].name == "car"


def a_subject_is_moved_before_another_background(page: Any, composite: np.ndarray) -> None:
    box = page.locator("[data-box='1']").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2 + 30, box["y"] + box["height"] / 2 - 40, steps=3)
    page.mouse.up()
    moved = shown(page)
    assert (moved != composite).any()
    page.get_by_role("button", name="Regrow").click()
    wait_for_result(page, 2)
    again = call(address_of(page), "history", session_of(page))[0]
    assert again["kind"] == "regrow"
    assert len(again["scene"]["subjects"][0]["moves"]) == 1
    assert (
        "moves" not in again["scene"]["subjects"][1] or not again["scene"]["subjects"][1]["moves"]
    )

    page.locator("#behind").fill("a city at night")
    page.locator("#rebackground").click()
    wait_for_result(page, 3)
    night = call(address_of(page), "history", session_of(page))[0]
    assert night["scene"]["background"] == "a city at night"
    assert night["parent"] == again["id"]


def address_of(page: Any) -> str:
    return page.evaluate("location.origin")


def session_of(page: Any) -> str:
    return page.evaluate("JSON.parse(localStorage.getItem('taue-studio')).session")


def seeds_side_by_side_and_a_run_that_is_cancelled(page: Any, tmp_path: Path) -> None:
    drop_scene(page, {**SMALL, "steps": 2, "canvas": {"width": 64, "height": 64}})
    page.get_by_label("Seeds side by side").select_option("2")
    page.get_by_role("button", name="Generate").click()
    page.wait_for_selector(".choice .tile >> nth=1")
    assert page.locator(".choice .tile").all_inner_texts() == ["seed 7", "seed 8"]
    require_look(page, "choose", tmp_path)
    page.get_by_role("button", name="Seed 8", exact=True).click()
    page.wait_for_selector("canvas[data-drawn]")

    drop_scene(page, {**SMALL, "steps": 150})
    page.get_by_role("button", name="Generate").click()
    page.wait_for_selector(".previews img")
    page.get_by_role("button", name="Cancel").click()
    page.wait_for_selector("#generate:not([hidden])", timeout=15_000)
    assert page.locator(".past li").count() == 2
    status, told = asked(f"{address_of(page)}/health")
    assert status == 200
    assert json.loads(told)["running"] == 0


def what_cannot_be_is_said_in_a_sentence(page: Any, tmp_path: Path) -> None:
    page.get_by_label("Prompt of subject 1").fill("")
    page.get_by_role("button", name="Generate").click()
    page.wait_for_selector(".wrong:not([hidden])")
    assert "prompt of subject 1 is empty" in page.locator(".wrong").inner_text()
    require_look(page, "wrong", tmp_path)
    drop_scene(page, {"subjects": [], "background": "a beach"})
    assert "subjects is empty" in page.locator("#told").inner_text()
    drop_scene(page, SMALL, "virus.exe")
    assert "is no scene" in page.locator("#told").inner_text()
    page.get_by_label("Save the scene file").click()
    page.wait_for_function(
        "document.getElementById('told').textContent.includes('prompt of subject 1 is')"
    )


def rows_are_ordered_by_keys_and_examples_work_at_once(page: Any, tmp_path: Path) -> None:
    page.get_by_role("button", name="Meadow").click()
    assert page.get_by_label("Prompt of subject 1").input_value() == "a green tree"
    page.locator(".grip").first.focus()
    page.keyboard.press("Alt+ArrowDown")
    assert page.get_by_label("Prompt of subject 1").input_value() == "a red car"
    page.get_by_label("Remove subject 2").click()
    assert [one["prompt"] for one in scene_of(page)["subjects"]] == ["a red car"]


def four_layers_of_1024_pixels_are_recomposed_in_a_tenth_of_a_second(
    page: Any, tmp_path: Path
) -> None:
    slowest = page.evaluate(
        """async () => {
          const { compose } = await import("/studio/page/compose.js");
          const box = [0.2, 0.2, 0.4, 0.4];
          const layer = (file, role, subject) => ({ file, role, subject, box });
          const result = { layers: [layer("a", "background", 0), layer("b", "effects", 1),
            layer("c", "subject", 1), layer("d", "subject", 2)] };
          const images = {};
          for (const { file } of result.layers) {
            const one = new OffscreenCanvas(1024, 1024);
            const paper = one.getContext("2d");
            paper.fillStyle = "#80402080";
            paper.fillRect(100, 100, 800, 800);
            images[file] = one.transferToImageBitmap();
          }
          const canvas = document.createElement("canvas");
          canvas.width = canvas.height = 1024;
          const times = [];
          for (let i = 0; i < 12; i += 1) {
            const began = performance.now();
            compose(canvas, result, images, { boxes: { 1: [0.2 + i / 100, 0.2, 0.4, 0.4] } });
            (await createImageBitmap(canvas)).close();
            times.push(performance.now() - began);
          }
          return times.sort((a, b) => a - b)[6];
        }"""
    )
    assert slowest < 100


def own_pictures_are_handed_in(page: Any, tmp_path: Path) -> None:
    photo, cut_out, other = (tmp_path / name for name in ("beach.jpg", "cup.png", "notes.jpg"))
    Image.linear_gradient("L").convert("RGB").save(photo)
    picture = Image.new("RGBA", (64, 64), (200, 30, 30, 0))
    picture.paste((200, 30, 30, 255), (16, 16, 48, 48))
    picture.save(cut_out)
    other.write_text("no picture", encoding="utf-8")
    drop_scene(page, {**SMALL, "steps": 2})

    def hand_in(label: str, path: Path) -> None:
        with page.expect_file_chooser() as told:
            page.get_by_label(label).click()
        told.value.set_files(path)

    hand_in("Your own photo as the background", other)
    page.wait_for_function("document.getElementById('told').textContent.includes('no picture')")
    hand_in("Your own photo as the background", photo)
    page.get_by_label("Let the background be drawn").wait_for()
    hand_in("Your own cut-out for subject 1", cut_out)
    page.get_by_label("Let subject 1 be drawn").wait_for()
    page.get_by_role("button", name="Generate").click()
    wait_for_result(page, 1)
    made = call(address_of(page), "history", session_of(page))[0]
    assert made["scene"]["background_image"] == f"{made['id']}/pictures/background.png"
    assert made["scene"]["subjects"][0]["image"] == f"{made['id']}/pictures/subject-apple.png"
    page.get_by_label("Take the scene of seed 7 up again").click()
    page.get_by_label("Let subject 1 be drawn").wait_for()
    with page.expect_download() as told:
        page.get_by_role("button", name="PNG").click()
    with zipfile.ZipFile(told.value.path()) as archive:
        assert "pictures/background.png" in archive.namelist()


def the_python_client_works(address: str, tmp_path: Path) -> None:
    """As docs/studio.md shows it, with fewer steps."""
    text = (ROOT / "docs/studio.md").read_text(encoding="utf-8")
    code = text.partition("```python\n")[2].partition("```")[0].replace('"steps": 25', '"steps": 2')
    out = tmp_path / "taken"
    done = subprocess.run(
        [PYTHON, "-c", code, address, out], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert {path.name for path in out.iterdir()} == {
        "layers.psd",
        "0-background.png",
        "1-effects-apple.png",
        "2-subject-apple.png",
    }


WALKS = (
    a_scene_is_drawn_grown_moved_and_taken_home,
    seeds_side_by_side_and_a_run_that_is_cancelled,
    what_cannot_be_is_said_in_a_sentence,
    own_pictures_are_handed_in,
    rows_are_ordered_by_keys_and_examples_work_at_once,
    four_layers_of_1024_pixels_are_recomposed_in_a_tenth_of_a_second,
)
"""Each by a user of its own; one test, because a server and a browser are much to start."""


@pytest.mark.slow
def test_the_studio_in_a_browser(tmp_path: Path) -> None:
    size = {"width": 1280, "height": 800}
    with serving(tmp_path / "results") as address, browsing() as browser:
        for walk in WALKS:
            with watched(browser, address, viewport=size) as page:
                walk(page, tmp_path)
        the_python_client_works(address, tmp_path)
