"""Walks through the studio with pictures of the user's own."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

from looks import require_look
from studio_steps import SMALL, address_of, drop, drop_scene, session_of, wait_for_result
from studios import call


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
    require_look(page, "brought", tmp_path)
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
    begun_from_a_picture(page, photo, hand_in)
    drop(page, cut_out.read_bytes(), "cup.png", "image/png")
    page.get_by_label("Let subject 2 be drawn").wait_for()


def begun_from_a_picture(page: Any, photo: Path, hand_in: Callable[[str, Path], None]) -> None:
    page.get_by_label("Let the background be drawn").click()
    page.get_by_text("Advanced").click()
    hand_in("Begin from a picture: choose it", photo)
    page.get_by_label("Strength").fill("0.9")
    page.get_by_role("button", name="Generate").click()
    wait_for_result(page, 2)
    made = call(address_of(page), "history", session_of(page))[0]
    assert made["scene"]["init"]["strength"] == 0.9
    assert made["scene"]["init"]["image"].startswith(f"{made['id']}/pictures/")
    page.get_by_text("Layout", exact=True).click()
    page.get_by_label("Begin from a picture: leave it out").click()
    assert page.get_by_label("Strength").count() == 0
