"""Layers read back from a result folder, to be grown again."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from taue.disk.limits import named
from taue.errors import TaueError
from taue.files.made import CUT, RAW
from taue.files.png import read_png
from taue.files.result import SEEDLINGS
from taue.files.saved_report import read_report, settings_of
from taue.files.saved_result import read_effects
from taue.files.saved_scene import require_one_story
from taue.layers import Layers, SubjectLayer
from taue.request import Request
from taue.scene import Scene
from taue.seedling import Seedling
from taue.subject import layer_file_names, layer_stems


def read_layers(path: str | os.PathLike[str]) -> Layers:
    """Everything that ``taue generate`` kept of a result, with PIL images.

    Raises:
        TaueError: if the folder is no result, or one of its files is missing, broken or too large.
    """
    folder = named(path)
    report = folder / "report.json"
    if not report.is_file():
        raise TaueError(f"folder {str(path)!r} has no report.json; name a result of taue generate.")
    settings = settings_of(read_report(folder))
    if settings is None:
        raise TaueError(f"{report} has no settings; name a result of taue generate.")
    request = _checked(settings, report)
    require_one_story(folder, settings)
    subjects = request.subjects
    seedlings = [
        Seedling.load(folder / SEEDLINGS / f"{name}.safetensors")
        for name in layer_file_names(subjects)
    ]

    _require_one_grid(seedlings, request, folder)

    def picture(name: str, mode: str = "RGB") -> Image.Image:
        pixels = read_png(folder / f"{name}.png", mode)
        if pixels.shape[:2] != (request.height, request.width):
            raise TaueError(
                f"file {str(folder / name)!r}.png is {pixels.shape[1]} x {pixels.shape[0]} pixels, "
                f"and report.json says {request.width} x {request.height}; make the result again."
            )
        return Image.fromarray(pixels)

    stems = layer_stems(subjects)
    first = (folder / RAW / "healed.png").is_file()
    refined = [f"{RAW}/refined-{stem}" for stem in stems]
    return Layers(
        composite=picture("composite"),
        background=picture("background"),
        subjects=[
            SubjectLayer(subject, picture(name, "RGBA"))
            for subject, name in zip(subjects, layer_file_names(subjects), strict=True)
        ],
        foregrounds=[picture(name) for name in layer_file_names(subjects, "foreground")],
        masks=[s.mask for s in seedlings],
        attention_maps=[s.attention for s in seedlings],
        seedlings=seedlings,
        effects=[Image.fromarray(one) for one in read_effects(folder, stems)],
        cuts=[picture(f"foreground-{stem}{CUT}", "RGBA") for stem in stems] if first else [],
        refined=[picture(name) for name in refined if (folder / f"{name}.png").is_file()],
        raw_composite=picture(f"{RAW}/composite") if first else None,
        healed=picture(f"{RAW}/healed") if first else None,
        settings=settings,
    )


def _checked(settings: dict[str, Any], report: Path) -> Request:
    """What the report says was asked for, checked as a scene is.

    Raises:
        TaueError: naming the report and what is wrong in it.
    """
    try:
        request = Request.from_dict(settings)
        Scene.from_settings(request.to_dict(), model="paddy", seed=0)
        if not isinstance(request.noise_seed, int) or not 0 <= request.noise_seed < 2**63:
            raise TaueError("noise_seed is no whole number from 0 to 2**63 - 1.")
    except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError) as error:
        reason = str(error) if isinstance(error, TaueError) else "it is not as taue writes it"
        raise TaueError(f"{report} is no report of taue generate: {reason}") from error
    return request


def _require_one_grid(seedlings: Sequence[Seedling], request: Request, folder: Path) -> None:
    """Make sure that all seedlings lie on one grid of the canvas."""
    canvas = request.height, request.width
    for one in seedlings:
        fits = one.denoised.shape == seedlings[0].denoised.shape
        fits &= all(side % cells == 0 for side, cells in zip(canvas, one.mask.shape, strict=True))
        if not fits or (one.layer is not None and one.layer.shape[1:] != canvas):
            raise TaueError(
                f"folder {str(folder)!r} has seedlings of another size than its report says; "
                "make the result again."
            )
