"""Result folders read back, from their scene file; a folder may come from anywhere."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from taue.arrays import Bytes
from taue.disk.limits import MOST_LAYERS, full_path
from taue.disk.png import read_png
from taue.errors import TaueError
from taue.files.made import CUT, RAW, SEEDLINGS, layer_file
from taue.files.saved_report import REPORT, read_report, require_agreement
from taue.scene import Scene
from taue.scene.subject import layer_file_names, layer_stems
from taue.stack.build import Pictures

if TYPE_CHECKING:
    from taue.seedling import Seedling


def read_scene(path: str | os.PathLike[str]) -> tuple[Path, Scene]:
    """A result folder and what it says it was made from.

    Raises:
        TaueError: if there is none, its scene file is missing or wrong, or its report tells of
            another scene.
    """
    folder = full_path(path)
    if not folder.is_dir():
        raise TaueError(f"folder {str(folder)!r} is missing or no folder; name a result.")
    scene = Scene.load(folder)
    if os.path.lexists(folder / REPORT):
        require_agreement(scene, read_report(folder), folder)
    return folder, scene


def read_pictures(path: str | os.PathLike[str]) -> Pictures:
    """What a stack is made from: composite, background and subjects, named as in the scene.

    Raises:
        TaueError: if the folder is no result, or one of its files is missing, broken or too large.
    """
    folder, scene = read_scene(path)
    subjects = scene.subjects
    if len(subjects) > MOST_LAYERS:
        raise TaueError(f"folder {str(folder)!r} has too many subjects to read.")
    stems = layer_stems(subjects)
    cuts = [folder / f"foreground-{stem}{CUT}.png" for stem in stems]
    return Pictures(
        composite=read_png(folder / "composite.png", "RGB"),
        background=read_png(folder / "background.png", "RGB"),
        subjects=tuple(
            read_png(folder / f"{name}.png", "RGBA") for name in layer_file_names(subjects)
        ),
        names=tuple(subject.name or subject.prompt for subject in subjects),
        effects=tuple(_effects(folder, stems)),
        cuts=tuple(read_png(cut, "RGBA") for cut in cuts) if cuts[0].is_file() else (),
        stems=tuple(stems),
    )


def read_parts(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Everything that ``taue generate`` kept of a result, with PIL images: the fields of
    :class:`taue.Layers`, whose subjects are images alone.

    Raises:
        TaueError: if the folder is no result, or one of its files is missing, broken or too large.
    """
    from taue.noise import seed_of
    from taue.seedling import Seedling

    folder, scene = read_scene(path)
    subjects, stems = scene.subjects, layer_stems(scene.subjects)
    seedlings = [
        Seedling.load(folder / SEEDLINGS / f"{name}.safetensors")
        for name in layer_file_names(subjects)
    ]
    first = (folder / RAW / "healed.png").is_file()
    composite = read_png(folder / "composite.png", "RGB")
    if scene.canvas.height is None or scene.canvas.width is None:
        raise TaueError(f"{folder / 'scene.toml'} has no canvas; make the result again.")
    height, width = scene.size
    _require_one_grid(seedlings, (height, width), folder)

    def picture(name: str, mode: str = "RGB") -> Image.Image:
        pixels = composite if name == "composite" else read_png(folder / f"{name}.png", mode)
        if pixels.shape[:2] != (height, width):
            raise TaueError(
                f"file {str(folder / name)!r}.png is {pixels.shape[1]} x {pixels.shape[0]} pixels, "
                f"and scene.toml says {width} x {height}; make the result again."
            )
        return Image.fromarray(pixels)

    refined = [f"{RAW}/refined-{stem}" for stem in stems]
    return {
        "composite": picture("composite"),
        "background": picture("background"),
        "subjects": [picture(name, "RGBA") for name in layer_file_names(subjects)],
        "foregrounds": [picture(name) for name in layer_file_names(subjects, "foreground")],
        "masks": [s.mask for s in seedlings],
        "attention_maps": [s.attention for s in seedlings],
        "seedlings": seedlings,
        "scene": scene,
        "noise_seed": seed_of(scene.seed),
        "effects": [Image.fromarray(one) for one in _effects(folder, stems)],
        "cuts": [picture(f"foreground-{stem}{CUT}", "RGBA") for stem in stems] if first else [],
        "refined": [picture(name) for name in refined if (folder / f"{name}.png").is_file()],
        "raw_composite": picture(f"{RAW}/composite") if first else None,
        "healed": picture(f"{RAW}/healed") if first else None,
    }


def _effects(folder: Path, stems: Sequence[str]) -> list[Bytes]:
    """The effects layers of a result whose composite was made from its layers, in order; none of
    another, whose effects explain a composite and are found anew.

    Raises:
        TaueError: if one is missing, broken or too large.
    """
    if not (folder / RAW / "healed.png").is_file():
        return []
    count = 1 + 2 * len(stems)
    names = [layer_file(place, count, "effects", stem) for place, stem in enumerate(stems, 1)]
    return [read_png(folder / "layers" / f"{name}.png", "RGBA") for name in names]


def _require_one_grid(seedlings: Sequence[Seedling], size: tuple[int, int], folder: Path) -> None:
    """Make sure that all seedlings lie on one grid of the canvas, ``size`` (height, width)."""
    for one in seedlings:
        fits = one.denoised.shape == seedlings[0].denoised.shape
        fits &= all(side % cells == 0 for side, cells in zip(size, one.mask.shape, strict=True))
        if not fits or (one.layer is not None and one.layer.shape[1:] != size):
            raise TaueError(
                f"folder {str(folder)!r} has seedlings of another size than its scene says; "
                "make the result again."
            )
