"""The files of one run, by name."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from taue.disk.png import write_png
from taue.disk.writing import complete_folder, whole_file
from taue.files.layered import save, write_pictures
from taue.files.made import BROUGHT, CUT, RAW, RESULT, SEEDLINGS
from taue.files.saved_report import REPORT
from taue.layers import Layers
from taue.own_pictures import covering
from taue.results.report import distances, recomposition, write_report
from taue.results.sheet import contact_sheet
from taue.scene import Scene
from taue.scene.picture import OwnPicture
from taue.scene.read import FILE, KEYWORD
from taue.scene.subject import layer_file_names

LAYERED = ("layers.psd", "layers.ora")

KEPT = {"all": LAYERED, "psd": LAYERED[:1], "layers": ()}
"""Layered files of a result, by how much of it is kept."""


def write_result(
    layers: Layers,
    report: dict[str, Any],
    out: str | os.PathLike[str],
    *,
    overwrite: bool = False,
) -> list[Path]:
    """Write every layer, the exact stack, sheet, report and scene into a new folder, or nothing.

    Args:
        layers: the result of a scene, with PIL images; the scene becomes a file, and a text in
            every PNG.
        report: see :func:`taue.results.report.make_report`.
        out: the folder.
        overwrite: whether an older result there gives way, whole and at once.

    Returns:
        The paths of what was made, the most looked-at first.

    Raises:
        TaueError: if ``out`` exists or cannot be written, or the layers are of no scene.
    """
    with complete_folder(out, RESULT if overwrite else None) as folder:
        fill_result(layers, report, folder)
    pictures = _pictures(layers)
    shown = [name for name in pictures if not name.startswith(f"{RAW}/")]
    folders = [RAW, SEEDLINGS] if len(shown) < len(pictures) else [SEEDLINGS]
    folders += [BROUGHT] if layers.made_scene.own_pictures else []
    return [
        Path(out).expanduser() / name
        for name in (*shown, *LAYERED, "layers", *folders, FILE, REPORT)
    ]


def fill_result(
    layers: Layers, report: dict[str, Any], folder: Path, keep: str = "all"
) -> dict[str, Any]:
    """Write a result's files into a folder that exists; the report with what was added to it.

    Args:
        layers, report: as of :func:`write_result`.
        folder: filled.
        keep: "all" of it; "psd" for the layered PSD file, "layers" for neither it nor anything but
            composite, background, the stack as PNG files, own pictures, scene and report.
    """
    made = layers.made_scene
    brought = _brought(made)
    scene = _relative(made, brought, "").dumps()
    texts = {KEYWORD: scene}
    below = {KEYWORD: _relative(made, brought, "../").dumps()} if brought else texts
    stack, subjects = layers.stack(), [layer.subject for layer in layers.subjects]
    for name, picture in (_pictures(layers) if keep == "all" else _two(layers)).items():
        (folder / name).parent.mkdir(exist_ok=True)
        write_png(picture, folder / name, below if "/" in name else texts)
    (folder / "layers").mkdir()
    write_pictures(stack, folder / "layers", "png", below)
    if brought:
        (folder / BROUGHT).mkdir()
    for name, picture in brought.items():
        write_png(picture, folder / BROUGHT / f"{name}.png")
    for name in KEPT[keep]:
        save(stack, folder / name)
    if keep == "all":
        (folder / SEEDLINGS).mkdir()
        for name, seedling in zip(layer_file_names(subjects), layers.seedlings, strict=True):
            seedling.save(folder / SEEDLINGS / f"{name}.safetensors")
    with whole_file(folder / FILE) as stream:
        stream.write(scene.encode())
    told = {
        **report,
        "recomposition": recomposition(stack, layers.scene.settings.layering),
        **distances(layers),
    }
    write_report(told, folder / REPORT)
    return told


def _two(layers: Layers) -> dict[str, Any]:
    return {"composite.png": layers.composite, "background.png": layers.background}


def _brought(scene: Scene) -> dict[str, Any]:
    """Users' own pictures by their names: backgrounds as far as they are seen, cut-outs whole."""
    return {
        name: one.cut_out() if name.startswith("subject-") else covering(one.whole(), scene.size)
        for name, one in scene.own_pictures.items()
    }


def _relative(scene: Scene, brought: Iterable[str], up: str) -> Scene:
    """The scene with its pictures where the folder has them; ``up`` leads there from a file."""
    return scene.with_pictures({name: OwnPicture(f"{up}{BROUGHT}/{name}.png") for name in brought})


def _pictures(layers: Layers) -> dict[str, Any]:
    """Every picture by its file's name, the most looked-at first."""
    subjects = [layer.subject for layer in layers.subjects]

    def named(kind: str, images: Sequence[Any], more: str = "") -> dict[str, Any]:
        names = layer_file_names(subjects, kind) if images else []
        return {f"{name}{more}.png": image for name, image in zip(names, images, strict=True)}

    pictures = {"composite.png": layers.composite, "background.png": layers.background}
    pictures |= named("subject", [layer.image for layer in layers.subjects])
    pictures |= named("foreground", layers.foregrounds)
    pictures |= named("foreground", layers.cuts, CUT)
    pictures |= {"sheet.png": contact_sheet(layers)}
    if layers.healed is not None:
        pictures |= {f"{RAW}/composite.png": layers.raw_composite}
        pictures |= {f"{RAW}/healed.png": layers.healed}
        refined = named("refined", layers.refined)
        pictures |= {f"{RAW}/{name}": image for name, image in refined.items()}
    return pictures
