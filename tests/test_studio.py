"""The studio in a real browser, from an empty canvas to files, without a word on the console."""

from __future__ import annotations

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
from studio_by_hand import BY_HAND
from studio_own import own_pictures_are_handed_in
from studio_steps import (
    SMALL,
    address_of,
    drag,
    drop_scene,
    kept,
    scene_of,
    session_of,
    shown,
    wait_for_result,
)
from studios import PYTHON, ROOT, asked, browsing, call, serving, watched
from taue import Scene
from taue.files.layered import read_layered


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
    a_layer_is_dragged_out(page)


def a_layer_is_dragged_out(page: Any) -> None:
    """What a desktop is told when a thumbnail is dragged onto it is a PNG, and where it is."""
    told = page.evaluate(
        """() => {
          const dataTransfer = new DataTransfer();
          const drag = new DragEvent("dragstart", { dataTransfer, bubbles: true });
          document.querySelector(".layer.subject .thumb").dispatchEvent(drag);
          return dataTransfer.getData("DownloadURL");
        }"""
    )
    kind, name, url = told.split(":", 2)
    assert (kind, name) == ("image/png", "4-subject-car.png")
    assert Image.open(io.BytesIO(asked(url)[1])).mode == "RGBA"


def on_a_canvas(file: Path) -> np.ndarray:
    """What a canvas shows of a file's layers [H, W, 3]: it keeps 8 bits of premultiplied colours,
    and of what is beneath a layer it drops the fractions."""
    (width, height), layers = read_layered(file)
    paper = np.zeros((height, width, 3), int)
    for layer in layers:
        rows, columns = layer.pixels.shape[:2]
        part = paper[layer.top : layer.top + rows, layer.left : layer.left + columns]
        alpha = layer.pixels[..., 3:].astype(int)
        colours = (layer.pixels[..., :3] * alpha + 127) // 255
        part[:] = colours + part * (255 - alpha) // 255
    return paper


def files_are_taken_home(page: Any, composite: np.ndarray) -> None:
    with page.expect_download() as told:
        page.get_by_role("button", name="PSD").click()
    psd = on_a_canvas(kept(told.value, ".psd"))
    assert np.abs(psd - composite[..., :3]).max() <= 1
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
    assert Scene.load(kept(told.value, ".toml")).subjects[1].name == "car"


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


def rows_are_ordered_and_examples_work_at_once(page: Any, tmp_path: Path) -> None:
    page.get_by_role("radio", name="Fast").check(force=True)
    page.get_by_text("Advanced").click()
    page.get_by_label("Tries").fill("5")
    page.locator("#scene").evaluate("panel => panel.scrollTo(0, panel.scrollHeight)")
    require_look(page, "advanced", tmp_path)
    nothing_is_in_anybodys_way(page)
    method = scene_of(page)["method"]
    assert (method["quality"], method["tries"]) == ("fast", 5)
    page.get_by_role("button", name="Meadow").click()
    assert scene_of(page)["method"]["quality"] == "fast"  # how it is drawn stays
    grip, other = (page.locator(".grip").nth(index).bounding_box() for index in (0, 1))
    page.mouse.move(grip["x"] + 8, grip["y"] + 8)
    page.mouse.down()
    page.mouse.move(other["x"] + 8, other["y"] + other["height"], steps=4)
    page.mouse.up()
    assert page.get_by_label("Prompt of subject 1").input_value() == "a red car"
    page.locator(".grip").first.focus()
    page.keyboard.press("Alt+ArrowDown")
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
    *BY_HAND,
    a_scene_is_drawn_grown_moved_and_taken_home,
    seeds_side_by_side_and_a_run_that_is_cancelled,
    what_cannot_be_is_said_in_a_sentence,
    own_pictures_are_handed_in,
    rows_are_ordered_and_examples_work_at_once,
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
