"""The examples run as they are shown, with fewer steps."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest
from PIL import Image

FOLDER = Path(__file__).parent.parent / "examples"
SCRIPTS = sorted(path.name for path in FOLDER.glob("*.py"))


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS)
def test_an_example_runs_and_is_short(
    script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = FOLDER / script
    assert len(path.read_text().splitlines()) <= 30
    monkeypatch.setattr(sys, "argv", [str(path), str(tmp_path / "out"), "2"])
    runpy.run_path(str(path), run_name="__main__")
    pictures = [Image.open(one) for one in (tmp_path / "out").glob("*.png")]
    assert pictures
    assert len({picture.size for picture in pictures}) == 1
    assert all(len(picture.getcolors(2**24) or ()) > 50 for picture in pictures)


def test_there_is_one_example_for_each_application() -> None:
    assert SCRIPTS == [
        "harmony.py",
        "layout.py",
        "many_objects.py",
        "moving.py",
        "new_background.py",
    ]
