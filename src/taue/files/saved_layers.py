"""Layers read back from a result folder, to be grown again."""

from __future__ import annotations

import os
from pathlib import Path

from PIL import Image

from taue.errors import TaueError
from taue.files.made import CUT, RAW
from taue.files.png import read_png
from taue.files.result import SEEDLINGS
from taue.files.saved_report import read_report, settings_of
from taue.files.saved_result import read_effects
from taue.layers import Layers, SubjectLayer
from taue.request import Request
from taue.seedling import Seedling
from taue.subject import layer_file_names, layer_stems


def read_layers(path: str | os.PathLike[str]) -> Layers:
    """Everything that ``taue generate`` kept of a result, with PIL images.

    Raises:
        TaueError: if the folder is no result, or one of its files is missing, broken or too large.
    """
    folder = Path(path).expanduser()
    report = folder / "report.json"
    if not report.is_file():
        raise TaueError(f"folder {str(path)!r} has no report.json; name a result of taue generate.")
    settings = settings_of(read_report(folder))
    if settings is None:
        raise TaueError(f"{report} has no settings; name a result of taue generate.")
    subjects = Request.from_dict(settings).subjects
    seedlings = [
        Seedling.load(folder / SEEDLINGS / f"{name}.safetensors")
        for name in layer_file_names(subjects)
    ]

    def picture(name: str, mode: str = "RGB") -> Image.Image:
        return Image.fromarray(read_png(folder / f"{name}.png", mode))

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
