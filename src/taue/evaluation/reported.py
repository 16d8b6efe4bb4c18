"""What the paper reports (arXiv 2511.02580, MS-COCO, 1,770 pictures): quoted, not run."""

from __future__ import annotations

from taue.evaluation.columns import PAPER

SOURCE = "arXiv 2511.02580, MS-COCO, 1,770 pictures, SDXL"

_ROWS = {
    "LayerDiffuse": (61.46, 0.653, 0.312, 14.78, 32.76, 0.828, 0.957, 0.323, 0.039),
    "Alfie + inpainting": (85.93, 0.644, 0.302, 15.32, 27.45, 0.778, 0.947, 0.254, 0.019),
    "TAUE": (60.53, 0.646, 0.323, 20.46, 25.86, 0.901, 0.895, 0.137, 0.106),
    "TAUE + layout": (55.59, 0.655, 0.329, 23.82, 23.55, 0.969, 0.863, 0.045, 0.138),
}

REPORTED: dict[str, dict[str, float]] = {
    name: {column.key: value for column, value in zip(PAPER, values, strict=True)}
    for name, values in _ROWS.items()
}
"""Rows by name, values by the key of their column."""
