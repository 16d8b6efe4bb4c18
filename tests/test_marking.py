"""What markers say of layers, counted."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.marking import count, sheets, tallied


def test_layers_are_accepted_by_each_marker_and_by_most_of_them() -> None:
    good, bad = {"subject": [], "effects": []}, {"subject": ["bite"], "effects": []}
    torn = {"subject": ["tint"], "effects": ["seam"]}
    found = tallied([[good, bad, good], [torn, bad, good], [good, good, good]])
    assert found["sheets"] == 3
    assert found["subject"] == {"by each": [2, 1, 3], "by most": 2}
    assert found["effects"] == {"by each": [2, 3, 3], "by most": 3}
    # Half is not most.
    assert tallied([[good, bad]])["subject"]["by most"] == 0


@pytest.fixture
def marked(tmp_path: Path) -> Path:
    """Sheets of one pair in two forms."""
    rng = np.random.default_rng(1)
    for form in ("new", "old"):
        folder = tmp_path / form / "00"
        folder.mkdir(parents=True)
        for name in ("0-background", "1-effects-1", "2-subject-1"):
            pixels = rng.integers(0, 256, (16, 16, 4), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / f"{name}.png")
    out = tmp_path / "out"
    out.mkdir()
    sheets(tmp_path / "new", tmp_path / "old", out)
    return out


def test_sheets_are_mixed_told_of_and_counted_by_form(marked: Path) -> None:
    key = json.loads((marked / "key.json").read_text())
    assert sorted(one["form"] for one in key.values()) == ["difference", "first"]
    assert all((marked / f"{number}.png").is_file() for number in key)
    assert "visible at this enlargement" in (marked / "told.txt").read_text()
    for name, defects in (("a", []), ("b", ["tint"])):
        seen = {
            number: {"subject": defects if one["form"] == "first" else ["bite"], "effects": []}
            for number, one in key.items()
        }
        (marked / f"marks-{name}.json").write_text(json.dumps(seen))
    count(marked, marked / "joined.json")
    joined = json.loads((marked / "joined.json").read_text())
    assert joined["accepted"]["first"]["subject"] == {"by each": [1, 0], "by most": 0}
    assert joined["accepted"]["difference"]["effects"] == {"by each": [1, 1], "by most": 1}
    assert len(joined["marks"]) == 2


def test_a_sheet_that_somebody_left_out_is_named(marked: Path) -> None:
    (marked / "marks-a.json").write_text(json.dumps({"000": {"subject": [], "effects": []}}))
    with pytest.raises(SystemExit, match="001"):
        count(marked, marked / "joined.json")
