"""What the paper reports (arXiv 2511.02580, MS-COCO, 1,770 pictures): quoted, not run.

Taken from notes on the paper:
https://en.papernotes.org/CVPR2026/image_generation/taue_training-free_noise_transplant_and_cultivation_diffusion_model/
"""

from __future__ import annotations

from taue.evaluation.columns import PAPER

Rows = dict[str, tuple[float, ...]]

SOURCE = "arXiv 2511.02580, MS-COCO, 1,770 pictures, SDXL"

_ROWS: Rows = {
    "LayerDiffuse": (61.46, 0.653, 0.312, 14.78, 32.76, 0.828, 0.957, 0.323, 0.039),
    "Alfie + inpainting": (85.93, 0.644, 0.302, 15.32, 27.45, 0.778, 0.947, 0.254, 0.019),
    "TAUE": (60.53, 0.646, 0.323, 20.46, 25.86, 0.901, 0.895, 0.137, 0.106),
    "TAUE + layout": (55.59, 0.655, 0.329, 23.82, 23.55, 0.969, 0.863, 0.045, 0.138),
}

_ABLATION: Rows = {
    "paper-layout": _ROWS["TAUE + layout"],
    "crop-25": (55.70, 0.640, 0.321, 21.12, 19.70, 0.953, 0.750, 0.059, 0.284),
    "crop-75": (56.48, 0.653, 0.328, 24.33, 25.02, 0.974, 0.904, 0.041, 0.091),
    "filter-off": (55.79, 0.654, 0.328, 23.92, 23.59, 0.970, 0.862, 0.045, 0.139),
}


def _by_column(rows: Rows) -> dict[str, dict[str, float]]:
    """Rows by name, values by the key of their column."""
    keys = [column.key for column in PAPER]
    return {name: dict(zip(keys, values, strict=True)) for name, values in rows.items()}


REPORTED = _by_column(_ROWS)
"""The comparison's rows by name, values by the key of their column."""

REPORTED_ABLATION = _by_column(_ABLATION)
"""The ablation's, by what our own runs are called: TAUE + layout with a crop ratio of 50 % and the
filter, with other ratios, and without the filter."""
