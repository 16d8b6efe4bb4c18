"""Write docs/ablation.md, and docs/ablation.json where another one is named.

    python docs/generate_ablation.py [OUT/ablation.json ...]

The figures are what ``taue eval ablation`` measured, of several files all pairs; a test fails
if the page is old. So a set can be drawn in parts (``--shard``), each added to what is there:
``python docs/generate_ablation.py docs/ablation.json OUT/ablation.json``.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from taue.evaluation import ablation_page

JSON = Path(__file__).parent / "ablation.json"
SHAPES = ("areas", "filled")
"""What is told of each pair's object."""

QUESTIONS = """
## What the paper leaves open

- **Which thresholds**: the end scores are the rows `tau-bg-less` to `tau-a-more`; precision and
  recall of the paper's own mask with each of them 20 % off, and the masks themselves, stand in
  [masks](masks.md#the-papers-own-mask).
- **Which attention layers and steps give $A_{fg}$**: by the mask
  [there](masks.md#layers-and-steps), by end scores the rows `attention-late`, `attention-finest`
  and `attention-coarsest`.
- **Does the filter save edges**: `edge`, and the trends above. LPIPS needs AlexNet's weights, which
  were never at hand (`--alexnet`).
- **Does the best crop ratio depend on the object**: no. By size, and by how much of its box the
  object fills, which is less the more complex its outline is, the foregrounds' PSNR is highest at
  75 % in every half, of all methods (the tables "Crop ratio and object"): so there is no
  `crop_ratio = "auto"`.
- **What happens to green objects on a green key**: each colour on each key stands in
  [masks](masks.md#the-key-by-sight); `on-green` and `on-magenta` here are all objects on either.
"""


def page() -> str:
    """The whole page, of the figures that are committed."""
    return ablation_page.page(json.loads(JSON.read_text(encoding="utf-8"))) + QUESTIONS


def merged(parts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """One document of several, of which a later one's pairs win.

    Raises:
        ValueError: if they were not drawn alike, or not of one set.
    """
    how = [{key: part[key] for key in ("model", "steps", "dtype", "of")} for part in parts]
    if any(one != how[0] for one in how):
        raise ValueError(f"these are not parts of one ablation: {how}")
    cells: dict[str, dict[str, Any]] = {}
    for cell in (cell for part in parts for cell in part["cells"]):
        items = cells[cell["run"]]["items"] if cell["run"] in cells else {}
        cells[cell["run"]] = {**cell, "items": {**items, **cell["items"]}}
    missing = {name: None for part in parts for name in part["missing"] if name not in cells}
    told = {key: {k: v for part in parts for k, v in part[key].items()} for key in SHAPES}
    return {**how[0], **told, "cells": list(cells.values()), "missing": list(missing)}


def main() -> None:
    if sys.argv[1:]:
        parts = [json.loads(Path(name).read_text(encoding="utf-8")) for name in sys.argv[1:]]
        JSON.write_text(json.dumps(merged(parts)) + "\n", encoding="utf-8")
    JSON.with_suffix(".md").write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
