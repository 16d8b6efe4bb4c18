"""The report: what a run cost, how well its layers agree, and what it was made with."""

from __future__ import annotations

import json
import math
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from taue import __version__, metrics
from taue.disk.writing import whole_file
from taue.layers import Layers
from taue.stack import Stack, coverage, flatten, largest_error

_KEPT = "the layer that it had"

TOLD = ("torch", "diffusers", "transformers")


def make_report(
    layers: Layers, settings: dict[str, Any], warnings: Sequence[str], seconds: dict[str, float]
) -> dict[str, Any]:
    """Everything worth knowing about a run, ready for JSON.

    Args:
        layers: the result, with PIL images.
        settings: what the caller chose beyond ``layers.settings`` (model, device, seed, ...).
        warnings: what the user was told.
        seconds: wall-clock seconds of the whole run by part, such as "load" and "generate".
    """
    sources = layers.sources or _sources(layers)
    return {
        "stages": [
            {
                "stage": record.stage,
                "subjects": list(record.subjects),
                "seconds": round(record.seconds, 3),
                "unet_evaluations": record.unet_evaluations,
            }
            for record in layers.records
        ],
        "subjects": [
            {"subject": number, "cut_from": source} for number, source in enumerate(sources, 1)
        ],
        "seconds": {part: round(value, 3) for part, value in seconds.items()},
        "agreement": agreement(layers),
        "settings": {**layers.settings, **settings},
        "versions": versions(),
        "warnings": list(warnings),
    }


def _sources(layers: Layers) -> list[str]:
    """What subjects are cut from whose layers are older than this scene, or of no use to it."""
    made = _KEPT if layers.cuts else "foreground"
    brought = ["elsewhere" if one.drawn is not None else made for one in layers.seedlings]
    return [
        source if layer.subject.image is None else "image"
        for layer, source in zip(layers.subjects, brought, strict=True)
    ]


def agreement(layers: Layers) -> dict[str, Any]:
    """PSNR (dB) and SSIM of each layer against the composite, where the layer is what one sees.

    All three are the stages as they ended. Foregrounds: inside the alpha of their cut-out (above
    0.9) and where no later subject, which is in front, covers it. Background: outside all alphas,
    grown by one latent cell. None where a region is empty; "infinity" for a PSNR of equal pixels,
    which JSON has no number for.
    """
    raw = layers.composite if layers.raw_composite is None else layers.raw_composite
    composite = _pixels(raw)
    cuts = layers.cuts or [layer.image for layer in layers.subjects]
    alphas = [_pixels(cut)[..., 3] / np.float32(255) for cut in cuts]
    foregrounds: list[dict[str, Any]] = []
    for i, (raw, alpha) in enumerate(zip(layers.foregrounds, alphas, strict=True)):
        region = metrics.inside(alpha)
        for in_front in alphas[i + 1 :]:
            region &= in_front == 0
        foregrounds.append({"subject": i + 1, **_compare(_pixels(raw), composite, region)})
    outside = metrics.outside(alphas)
    return {
        "foregrounds": foregrounds,
        "background": _compare(_pixels(layers.background), composite, outside),
    }


def recomposition(stack: Stack, layering: str | None = None) -> dict[str, Any]:
    """How far the stack's source-over is from the composite (``largest_error``, in 1/255), and how
    much of the canvas its effects take (``coverage``, their mean alpha in [0, 1]); ``layering``
    says what made them."""
    return {
        "mode": stack.mode,
        **({} if layering is None else {"layering": layering}),
        "largest_error": largest_error(flatten(stack.layers), stack.merged),
        "coverage": round(coverage(stack.layers), 5),
    }


def distances(layers: Layers) -> dict[str, Any]:
    """How far the composite, which the layers add up to, is from the ``healed`` picture that the
    model ended with: PSNR in dB everywhere, and ``near`` the subjects (an eighth of the shorter
    side around them). Nothing if the composite is the stage itself."""
    if layers.healed is None:
        return {}
    composite, healed = _pixels(layers.composite), _pixels(layers.healed)
    alphas = [_pixels(layer.image)[..., 3] for layer in layers.subjects]
    covered = np.asarray(np.max(alphas, axis=0) > 0)
    reach = min(covered.shape) // 8
    near = np.asarray(ndimage.maximum_filter(covered, 2 * reach + 1), bool)
    everywhere = np.ones_like(covered)
    figures = {
        name: _psnr(composite, healed, region)
        for name, region in (("everywhere", everywhere), ("near", near))
    }
    return {"healed": figures}


def versions() -> dict[str, str]:
    """Versions of what decides the pixels."""
    told = {name: version(name) for name in TOLD}
    return {"taue": __version__, **told, "python": platform.python_version()}


def write_report(report: dict[str, Any], path: Path) -> None:
    """Write :func:`report_bytes` of the report."""
    with whole_file(path) as stream:
        stream.write(report_bytes(report))


def report_bytes(report: dict[str, Any]) -> bytes:
    """As strict JSON in UTF-8; values that JSON does not know are written as text."""
    text = json.dumps(report, indent=2, ensure_ascii=False, allow_nan=False, default=str)
    return (text + "\n").encode()


def _compare(
    layer: NDArray[np.uint8], composite: NDArray[np.uint8], region: NDArray[np.bool_]
) -> dict[str, Any]:
    return {
        "psnr": _psnr(layer, composite, region),
        "ssim": _rounded(metrics.ssim(layer, composite, region), 5),
        "pixels": int(region.sum()),
    }


def _psnr(
    one: NDArray[np.uint8], other: NDArray[np.uint8], region: NDArray[np.bool_]
) -> float | str | None:
    psnr = metrics.psnr(one, other, region)
    return "infinity" if psnr == math.inf else _rounded(psnr, 3)


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _pixels(image: Any) -> NDArray[np.uint8]:
    return np.asarray(image, dtype=np.uint8)
