"""The README's pictures of the studio, as its page is now.

    TAUE_STUDIO_PYTHON=.venv-studio/bin/python python -m benchmarks.studio_pictures --out docs

Starts a studio, makes a scene of two subjects with paddy before two backgrounds in a browser, and
writes ``studio.png`` (1280 pixels wide, light), ``studio-wide.png`` (of 3840, dark) and
``studio-narrow.png`` (360 each, light and dark). Says how long the scene took.
"""

from __future__ import annotations

import io
import tempfile
import time
from pathlib import Path
from typing import Any

import typer
from PIL import Image

from benchmarks.crew import Out, figure_in
from tests.studios import browsing, serving, watched

LAPTOP = {"width": 1280, "height": 800}
WALL = {"width": 3840, "height": 2160}
PHONE = {"width": 360, "height": 740}
WIDEST = 1920
"""Pixels that the README has of the widest."""

GAP = 24
PATIENCE = 300_000
"""Milliseconds."""

HALF = """
document.querySelector(".previews img") && document.querySelector(".stages progress").value > 0.5
"""
"""Until the first stage shows what it is going to be."""


def shot(page: Any) -> Image.Image:
    """The page as it is now."""
    return Image.open(io.BytesIO(page.screenshot(animations="disabled"))).convert("RGB")


def wait_for_results(page: Any, count: int) -> None:
    """Until so many results are there, and drawn."""
    there = "count => document.querySelectorAll('.past li').length === count"
    page.wait_for_function(there, arg=count, timeout=PATIENCE)
    page.wait_for_selector("canvas[data-drawn]")


def side_by_side(pictures: list[Image.Image]) -> Image.Image:
    """In a row, with room between them."""
    width, height = pictures[0].size
    row = Image.new("RGB", (len(pictures) * (width + GAP) - GAP, height), "white")
    for place, picture in enumerate(pictures):
        row.paste(picture, (place * (width + GAP), 0))
    return row


def main(out: Out) -> None:
    """Make a scene, and take its pictures."""
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(Path(folder, "results")) as address,
        browsing() as browser,
        watched(browser, address, viewport=LAPTOP) as page,
    ):
        page.get_by_role("button", name="Meadow").click()
        page.locator("#scene").evaluate("panel => panel.scrollTo(0, 0)")
        page.set_viewport_size(PHONE)
        narrow = [shot(page)]
        page.set_viewport_size(LAPTOP)
        page.wait_for_timeout(1000)
        began = time.perf_counter()
        page.get_by_role("button", name="Generate").click()
        page.wait_for_selector(".previews img", timeout=PATIENCE)
        first = time.perf_counter() - began
        wait_for_results(page, 1)
        typer.echo(f"first picture {first:.1f} s, layers {time.perf_counter() - began:.1f} s")
        page.locator("[data-box='2']").focus()
        page.mouse.move(2, 2)
        laptop = shot(page)

        page.get_by_label("Dark colours").click()
        page.locator("#behind").fill("a city at night")
        page.locator("#rebackground").click()
        page.set_viewport_size(PHONE)
        page.wait_for_function(HALF, timeout=PATIENCE)
        narrow.append(shot(page))
        wait_for_results(page, 2)
        page.mouse.move(2, 2)
        narrow.append(shot(page))

        page.set_viewport_size(WALL)
        page.get_by_text("Before / after").click()
        page.wait_for_timeout(500)
        wide = shot(page)
    laptop.save(figure_in(out, "studio.png"), optimize=True)
    wide.thumbnail((WIDEST, WIDEST), Image.Resampling.LANCZOS)
    wide.save(figure_in(out, "studio-wide.png"), optimize=True)
    side_by_side(narrow).save(figure_in(out, "studio-narrow.png"), optimize=True)


if __name__ == "__main__":
    typer.run(main)
