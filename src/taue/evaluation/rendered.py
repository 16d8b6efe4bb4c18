"""An evaluation set of paddy's own world: rendered scenes of one object, whose truth is known."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from taue.disk.png import write_png
from taue.disk.writing import complete_folder
from taue.errors import TaueError
from taue.evaluation.dataset import IMAGES, About, Count, Pair, write_data
from taue.paddy import scenes

SOLID = 127
"""Alpha above this is the object, as an annotator would draw it."""


def write_rendered(out: Path, count: int, seed: int, side: int = 256) -> int:
    """Write ``count`` scenes of ``side`` pixels; the same numbers give the same files.

    Returns:
        How many were written.

    Raises:
        TaueError: for a count, seed or side out of range, or if ``out`` cannot be written.
    """
    if count < 1:
        raise TaueError(f"n is {count}; give 1 at least.")
    if seed < 0:
        raise TaueError(f"seed is {seed}; give 0 at least.")
    if not 64 <= side <= 1024 or side % 8:
        raise TaueError(f"size is {side}; give a multiple of 8 from 64 to 1024.")
    rng = np.random.default_rng([seed, 2_511_02580])
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    pairs: list[Pair] = []
    with complete_folder(out) as folder:
        (folder / IMAGES).mkdir()
        for number in range(1, count + 1):
            spec = scenes.sample_spec(rng, objects=1)
            scene, (thing,) = scenes.render(spec, side), spec.objects
            name = f"{number:06d}.png"
            write_png(Image.fromarray(scene.composite), folder / IMAGES / name)
            images.append({"id": number, "file_name": name, "width": side, "height": side})
            mask = scene.objects[0].rgba[..., 3] > SOLID
            annotations.append(_annotation(number, thing, mask))
            pairs.append(_pair(number, spec, mask))
        categories = [{"id": i, "name": kind} for i, kind in enumerate(scenes.KINDS, 1)]
        about = About(
            name="paddy",
            made_with={"n": count, "seed": seed, "size": side},
            counts=[Count(after="all", pictures=count)],
        )
        told = {"images": images, "annotations": annotations, "categories": categories}
        write_data(folder, about, told, pairs)
    return count


def _annotation(number: int, thing: scenes.ObjectSpec, mask: NDArray[np.bool_]) -> dict[str, Any]:
    """The scene's object as COCO tells it."""
    return {
        "id": number,
        "image_id": number,
        "category_id": scenes.KINDS.index(thing.kind) + 1,
        "iscrowd": 0,
        "area": int(mask.sum()),
        "bbox": [float(v) for v in pixel_box(mask)],
        "segmentation": run_lengths(mask),
    }


def _pair(number: int, spec: scenes.SceneSpec, mask: NDArray[np.bool_]) -> Pair:
    """What the scene asks of a method."""
    left, top, width, height = (v / max(mask.shape) for v in pixel_box(mask))
    return Pair(
        id=f"{number:06d}",
        image=f"{IMAGES}/{number:06d}.png",
        annotation=number,
        foreground=spec.objects[0].caption,
        background=spec.background or "",
        scene=spec.captions[1],
        box=(left, top, width, height),
        seed=spec.seed % 2**31,
    )


def pixel_box(mask: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    """Left, top, width and height of what is True; all 0 if nothing is."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return 0, 0, 0, 0
    left, top = int(columns[0]), int(rows[0])
    return left, top, int(columns[-1]) + 1 - left, int(rows[-1]) + 1 - top


def run_lengths(mask: NDArray[np.bool_]) -> dict[str, Any]:
    """COCO's uncompressed run-length code: column by column, zeros first."""
    runs = [(value, sum(1 for _ in run)) for value, run in groupby(mask.flatten(order="F"))]
    counts = [length for _, length in runs]
    if runs[0][0]:
        counts.insert(0, 0)
    return {"counts": counts, "size": list(mask.shape)}
