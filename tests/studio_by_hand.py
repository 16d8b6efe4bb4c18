"""Walks through the studio by touch, by keys alone, and by several people at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from looks import require_look
from studio_steps import (
    SMALL,
    address_of,
    drop_scene,
    kept,
    scene_of,
    shown,
    wait_for_result,
)
from studios import watched
from taue.files.layered import flatten_file

PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
LONG = {**SMALL, "steps": 150, "method": {"quality": "best"}}
"""A scene that takes until it is cancelled."""


def a_finger_draws_moves_sizes_and_orders(page: Any, tmp_path: Path) -> None:
    browser, address = page.context.browser, address_of(page)
    with watched(browser, address, **PHONE) as phone:
        touch = phone.context.new_cdp_session(phone)

        def swipe(*points: tuple[float, float]) -> None:
            kinds = ["touchStart", *["touchMove"] * (len(points) - 1)]
            for kind, (x, y) in zip(kinds, points, strict=True):
                told = {"type": kind, "touchPoints": [{"x": x, "y": y}]}
                touch.send("Input.dispatchTouchEvent", told)
            touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

        def on_canvas(*points: tuple[float, float]) -> None:
            box = phone.locator(".boxes").bounding_box()
            swipe(*((box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points))

        drop_scene(phone, SMALL)
        on_canvas((0.6, 0.1), (0.8, 0.3), (0.9, 0.4))
        phone.get_by_label("Prompt of subject 2").fill("a blue ball")
        phone.locator(".studio").evaluate("page => page.scrollTo(0, 0)")
        assert box_of(phone, 2) == pytest.approx([0.6, 0.1, 0.3, 0.3], abs=0.02)
        on_canvas((0.75, 0.25), (0.7, 0.3), (0.65, 0.4))
        assert box_of(phone, 2) == pytest.approx([0.5, 0.25, 0.3, 0.3], abs=0.02)
        on_canvas((0.8, 0.55), (0.85, 0.6), (0.9, 0.75))  # by its corner
        assert box_of(phone, 2) == pytest.approx([0.5, 0.25, 0.4, 0.5], abs=0.02)
        assert phone.evaluate("document.querySelector('.studio').scrollTop") == 0
        require_look(phone, "touched", tmp_path)
        grip = phone.locator(".grip").first
        grip.scroll_into_view_if_needed()
        box = grip.bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        swipe((x, y), (x, y + 30), (x, y + 90))
        assert [one["name"] for one in scene_of(phone)["subjects"][1:]] == ["apple"]


def box_of(page: Any, number: int) -> list[float]:
    """A subject's box as it is drawn, in fractions of the canvas."""
    return page.locator(f"[data-box='{number}']").evaluate(
        "box => ['left', 'top', 'width', 'height'].map((name) => parseFloat(box.style[name]) / 100)"
    )


def everything_goes_by_keys(page: Any, tmp_path: Path) -> None:
    """The main job without a pointer: nothing is reached but by Tab."""
    drop_scene(page, SMALL)
    press, go = page.keyboard.press, lambda name: tab_to(page, name)
    go("Add a subject")
    press("Enter")  # its row has the focus, and a box
    page.keyboard.type("a blue car")
    go("Name of subject 2")
    page.keyboard.type("car")
    begun = box_of(page, 2)
    go("Box of car")
    for key in ("ArrowRight", "ArrowRight", "Control+ArrowDown", "Shift+ArrowDown"):
        press(key)
    changes = [0.02, 0.05, 0, 0.01]
    moved = [value + change for value, change in zip(begun, changes, strict=True)]
    assert box_of(page, 2) == pytest.approx(moved, abs=1e-3)
    require_look(page, "keys", tmp_path)
    go("Generate")
    press("Enter")
    wait_for_result(page, 1)
    whole = shown(page)
    go("Show car")
    press("Space")
    assert (shown(page) != whole).any()
    press("Space")
    assert (shown(page) == whole).all()
    go("Box of car")
    press("Control+ArrowLeft")
    assert (shown(page) != whole).any()
    go("Put back")
    press("Enter")
    assert (shown(page) == whole).all()
    go("PSD")
    with page.expect_download() as told:
        press("Enter")
    assert flatten_file(kept(told.value, ".psd")).shape[:2] == (128, 128)


NAMED = """() => {
  const one = document.activeElement;
  const label = one.getAttribute("aria-label") || one.labels?.[0]?.textContent || one.textContent;
  return label.trim();
}"""


def tab_to(page: Any, name: str) -> None:
    """Press Tab until what begins with ``name`` has the focus."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate(NAMED).startswith(name):
            return
    raise AssertionError(f"{name} is not reached by Tab")


def three_people_wait_for_each_other(page: Any, tmp_path: Path) -> None:
    browser, address = page.context.browser, address_of(page)
    size = {"viewport": page.viewport_size}

    def begin(one: Any) -> None:
        drop_scene(one, LONG)
        one.get_by_role("button", name="Generate").click()

    begin(page)
    page.wait_for_selector(".previews img")
    with watched(browser, address, **size) as second, watched(browser, address, **size) as third:
        begin(second)
        wait_for_words(second, "Next in the queue")
        begin(third)
        wait_for_words(third, "Number 2 in the queue")
        require_look(third, "queued", tmp_path)
        second.get_by_role("button", name="Cancel").click()
        second.wait_for_selector("#generate:not([hidden])")
        wait_for_words(third, "Next in the queue")
        page.get_by_role("button", name="Cancel").click()
        third.wait_for_selector(".previews img")  # its turn
        third.get_by_role("button", name="Cancel").click()
        third.wait_for_selector("#generate:not([hidden])")
        for one in (page, second, third):
            assert one.locator(".past li").count() == 0


def wait_for_words(page: Any, words: str) -> None:
    page.wait_for_function(
        "words => document.querySelector('.now p').textContent === words", arg=words
    )


BY_HAND: tuple[Callable[[Any, Path], None], ...] = (
    a_finger_draws_moves_sizes_and_orders,
    everything_goes_by_keys,
    three_people_wait_for_each_other,
)
