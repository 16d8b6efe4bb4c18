"""The page of an ablation: changes over the same pairs, and what they say of the paper's trends."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from taue.evaluation.ablation import FACTORS, asked_variants, variants
from taue.evaluation.ablation_page import best_crop, change, document, page
from taue.evaluation.ablation_sheets import LABEL, SIDE, sheet_picture, sheets_of
from taue.evaluation.dataset import Pair
from taue.evaluation.items import Item, write_item
from taue.evaluation.runs import ITEMS

NAMES = [f"{i:06d}" for i in range(1, 9)]
FILLED = {name: (i * 3 % 8) / 8 for i, name in enumerate(NAMES)}


def made_up(effects: dict[str, float]) -> dict:
    """The scores of paper's runs whose PSNR is a pair's own plus the run's effect, in dB."""
    rng = np.random.default_rng(0)
    own = dict(zip(NAMES, rng.normal(18, 3, len(NAMES)), strict=True))
    runs = [
        {
            "name": run,
            "items": {
                name: {
                    "psnr_fg": own[name] + effect + (0.05 if place % 2 == (run == "paper") else 0),
                    "psnr_bg": "infinity",
                }
                for place, name in enumerate(NAMES)
            },
        }
        for run, effect in effects.items()
    ]
    return {"runs": runs}


def pairs() -> list[Pair]:
    return [
        Pair(
            id=name, image=f"images/{name}.png", annotation=i, foreground="a", background="b",
            scene="c", box=(0, 0, 0.1 * i, 0.5), seed=i,
        )
        for i, name in enumerate([*NAMES, "000009"], 1)
    ]  # fmt: skip


def told(effects: dict[str, float]) -> dict:
    chosen = list(variants(["paper"], ["crop", "filter"]))
    how = {"model": "paddy", "steps": 50, "dtype": "float32"}
    return json.loads(json.dumps(document(made_up(effects), chosen, pairs(), FILLED, how)))


def test_trends_agree_disagree_or_are_not_told_apart() -> None:
    text = page(
        told({"paper": 1, "paper-crop-25": 0, "paper-crop-75": 0.5, "paper-filter-off": 1.1})
    )
    lines = [line for line in text.splitlines() if line.startswith("- PSNR fg")]
    assert lines[0].startswith("- PSNR fg, crop 25 to 50 % (reported +2.70): +")
    assert float(lines[0].split(": ")[1].split(" [")[0]) == pytest.approx(1, abs=0.1)
    assert lines[0].endswith("; agrees, of 8 pairs.")
    assert lines[1].endswith("; disagrees, of 8 pairs.")
    assert "with the filter: -0." in lines[2] and lines[2].endswith("; agrees, of 8 pairs.")
    same = page(told({"paper": 1, "paper-filter-off": 1.001}))
    (line,) = [one for one in same.splitlines() if one.startswith("- PSNR fg, with the filter")]
    assert line.endswith("; not told apart, of 8 pairs.")
    assert "- PSNR fg, crop 25 to 50 % (reported +2.70): not drawn." in same
    assert "- PSNR bg, with the filter" not in same
    assert "Not drawn yet: paper-filter-estimate." in text
    assert "**8 of them are drawn so far**" in text and "The set has 9 pairs" in text
    # What has no number is left out, and never 0.
    (row,) = [line for line in text.splitlines() if line.startswith("| **paper** | 8 |")]
    assert row.split(" | ")[3] == "-"
    halves = [
        line for line in text.splitlines() if line.startswith(("| smaller", "| larger", "| half"))
    ]
    assert [line.split(" | ")[1] for line in halves] == ["4"] * 12
    assert {line.split(" | ")[-1] for line in halves if "PSNR fg" in line} == {"50 % |"}
    assert {line.split(" | ")[-1] for line in halves if "IoU" in line} == {"- |"}


def test_the_best_ratio_is_told_with_those_that_are_not_told_apart_from_it() -> None:
    rng = np.random.default_rng(1)
    base = {name: float(value) for name, value in zip(NAMES, rng.normal(18, 3, 8), strict=True)}

    def crop(effect: float, unrest: float = 0.0) -> dict:
        return {
            name: {"psnr_fg": value + effect + unrest * (-1) ** i}
            for i, (name, value) in enumerate(base.items())
        }

    assert best_crop([crop(-1), crop(0), crop(-2)], "psnr_fg") == "50 %"
    assert best_crop([crop(-1), crop(0), crop(-0.1, unrest=1)], "psnr_fg") == "50 % or 75 %"
    assert best_crop([{}, crop(0), {}], "psnr_fg") == "50 %"
    assert best_crop([{}, {}, {}], "psnr_fg") == "-"
    fewest = [{n: {"ghosts": g + i / 100} for i, n in enumerate(NAMES)} for g in (2.0, 1.0, 3.0)]
    assert best_crop(fewest, "ghosts") == "50 %"


def test_a_change_is_over_the_pairs_that_both_have() -> None:
    before = {"a": {"psnr_fg": 1.0}, "b": {"psnr_fg": 2.0}, "c": {"psnr_fg": None}}
    after = {"b": {"psnr_fg": 5.0}, "c": {"psnr_fg": 9.0}, "d": {"psnr_fg": 0.0}}
    one = change(before, after, "psnr_fg")
    assert one is not None
    assert (one.value, one.count, one.low) == (3, 1, None)
    assert change(before, {"d": {}}, "psnr_fg") is None


def test_without_a_method_ours_and_the_papers_are_asked_for_and_the_papers_own_table() -> None:
    names = [one.name for one in asked_variants(None, None)]
    whole = [one.name for one in variants(["taue", "paper"], list(FACTORS))]
    table = ["paper-layout", "paper-layout-crop-25", "paper-layout-crop-75"]
    assert names[: len(whole)] == whole
    assert names[len(whole) : len(whole) + 3] == table
    assert len(names) == len(whole) + 9
    # What our own transplant takes no notice of makes no second run.
    assert not any(name.startswith("taue-crop") and name.endswith("-noise") for name in names)
    assert {"paper-crop-25-noise", "paper-layout-crop-75-noise"} <= set(names)
    # A factor that the paper's table has not is asked for of the two alone.
    assert asked_variants(None, ["key"]) == list(variants(["taue", "paper"], ["key"]))
    assert asked_variants(["paper"], None) == list(variants(["paper"], list(FACTORS)))


def test_crop_ratios_are_compared_with_the_noise_that_each_needs_where_those_runs_are() -> None:
    runs = {"paper": 1, "paper-crop-25": 0, "paper-crop-75": 0.5, "paper-crop-25-noise": 0.5}
    scores, how = made_up(runs), {"model": "paddy", "steps": 50, "dtype": "float32"}
    text = page(
        document(scores, list(variants(["paper"], ["crop", "noise"])), pairs(), FILLED, how)
    )
    (line,) = [
        one for one in text.splitlines() if "25 to 50 %, with as much noise" in one and "fg" in one
    ]
    assert float(line.split("): ")[1].split(" [")[0]) == pytest.approx(0.5, abs=0.1)
    assert "with as much noise" not in page(told({"paper": 1, "paper-crop-25": 0}))


def test_the_papers_own_rows_stand_beside_ours() -> None:
    text = page(told({"paper": 1, "paper-crop-75": 2}))
    (row,) = [line for line in text.splitlines() if line.startswith("| **paper-layout** |")]
    assert row.startswith("| **paper-layout** | 55.59 | 0.655 | 0.329 | 23.82 | 23.55 |")
    (late,) = [line for line in text.splitlines() if line.startswith("| crop-75 | +")]
    assert late.startswith("| crop-75 | +0.89 | -0.002 | -0.001 | +0.51 | +1.47 |")
    assert "paddy, 50 steps, float32." in text
    assert "taue eval" not in text  # how a set was made only its own page knows


def test_columns_of_networks_stand_there_where_those_were_at_hand() -> None:
    scores = made_up({"paper": 1, "paper-filter-off": 1.5})
    chosen = list(variants(["paper"], ["filter"]))
    how = {"model": "sdxl", "steps": 50, "dtype": "float16"}
    plain = page(document(scores, chosen, pairs(), FILLED, how))
    assert "LPIPS" not in plain.split("## paper")[1]
    for run, (lpips, fid) in zip(scores["runs"], ((0.1, 50.0), (0.3, 52.5)), strict=True):
        run["columns"] = {"fid": {"value": fid}, "psnr_fg": None}
        for i, row in enumerate(run["items"].values()):
            row["lpips_fg"] = lpips + i / 1000
    told = json.loads(json.dumps(document(scores, chosen, pairs(), FILLED, how)))
    text = page(told).split("## paper\n")[1]
    head, _, own, off = text.splitlines()[1:5]
    assert head.endswith("| box IoU | LPIPS fg | FID |")
    assert own.endswith("| 50.00 |") and off.endswith("| +0.200 [+0.200, +0.200] | +2.50 |")
    assert "- LPIPS fg, with the filter: -0.200" in text


def test_a_sheet_shows_the_runs_that_there_are_beside_the_method(tmp_path: Path) -> None:
    chosen = list(variants(["paper", "taue"], list(FACTORS)))
    there = ["paper", "paper-crop-25", "paper-tau-a-less", "taue-crop-25"]
    made = list(sheets_of(chosen, there))
    assert [(one.title, one.runs) for one in made] == [
        ("crop ratio and filter", ("paper", "paper-crop-25")),
        ("masks", ("paper", "paper-tau-a-less")),
    ]
    assert [one.file for one in made] == ["ablation-paper-crop.png", "ablation-paper-masks.png"]
    red = np.full((2 * SIDE, 3 * SIDE, 3), (255, 0, 0), np.uint8)
    (tmp_path / "paper-crop-25" / ITEMS / "000002").mkdir(parents=True)
    write_item(Item(composite=red), tmp_path / "paper-crop-25" / ITEMS / "000002")
    page_ = np.asarray(sheet_picture(made[0], tmp_path, ["000001", "000002"]))
    assert page_.shape == (2 * SIDE, LABEL + 2 * 3 * SIDE, 3)
    seen = np.argwhere((page_ == (255, 0, 0)).all(axis=-1))
    assert seen.min(axis=0).tolist() == [SIDE, LABEL + 3 * SIDE]
    assert seen.max(axis=0).tolist() == [SIDE + SIDE * 2 // 3 - 1, LABEL + 4 * SIDE - 1]
