"""What a report tells of the layers' quality, as plain numbers for the index and for thresholds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

FIGURES: Mapping[str, int] = {
    "psnr_foreground": 1,
    "ssim_foreground": 1,
    "psnr_background": 1,
    "ssim_background": 1,
    "psnr_healed": 1,
    "recomposition_error": -1,
    "effects_coverage": -1,
    "warnings": -1,
}
"""1 if more is better, -1 if less is. PSNR in dB and SSIM against the composite, of several
subjects the worst; the layers' largest error laid over each other, in 1/255; how much of the canvas
effects take; how many warnings there were."""

OPENED: Mapping[str, int] = {"far": -1, "structure": -1, "coverage": -1, "cutout_db": 1}
"""Likewise, what the layers themselves show (see :mod:`taue.batch.opened`): measured only where a
training set asks for it."""

KNOWN: Mapping[str, int] = {**FIGURES, **OPENED}


def rated(report: Mapping[str, Any]) -> dict[str, float | None]:
    """The figures above, of a report (see :mod:`taue.results.report`); None where it has none."""
    agreement = report["agreement"]
    foregrounds, background = agreement["foregrounds"], agreement["background"]
    recomposition = report["recomposition"]
    return {
        "psnr_foreground": _least(one["psnr"] for one in foregrounds),
        "ssim_foreground": _least(one["ssim"] for one in foregrounds),
        "psnr_background": _least([background["psnr"]]),
        "ssim_background": _least([background["ssim"]]),
        "psnr_healed": _least([report.get("healed", {}).get("everywhere")]),
        "recomposition_error": float(recomposition["largest_error"]),
        "effects_coverage": float(recomposition["coverage"]),
        "warnings": float(len(report["warnings"])),
    }


def _least(values: Iterable[Any]) -> float | None:
    """The smallest; "infinity" is a number, None is not."""
    known = [float(value) for value in values if value is not None]
    return min(known, default=None)
