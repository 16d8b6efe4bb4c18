"""The examples run as they are shown, with fewer steps."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

FOLDER = Path(__file__).parent.parent / "examples"
SCRIPTS = sorted(path.name for path in FOLDER.glob("*.py"))


@pytest.mark.parametrize("script", SCRIPTS)
def test_an_example_runs_and_is_short(script: str, tmp_path: Path) -> None:
    path = FOLDER / script
    assert len(path.read_text().splitlines()) <= 30
    done = subprocess.run(
        [sys.executable, str(path), str(tmp_path / "out"), "4"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
    )
    assert done.returncode == 0, done.stderr
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
