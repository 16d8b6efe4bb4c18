"""What a designer sees when a scene's layers are opened, measured when a training set asks for it.

The figures are those of :mod:`taue.evaluation.opened` that need no judge: where the object is, the
subjects' own alpha says.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from taue.batch.figures import OPENED
from taue.evaluation.opened import figures, weighted_psnr


def opened(composite: bytes, background: bytes, layers: Mapping[str, bytes]) -> dict[str, float]:
    """The figures of a scene, by the names of :data:`taue.batch.figures.OPENED`; of several
    subjects the worst.

    Args:
        composite, background: PNG files.
        layers: PNG files by their names in a result's folder, from the lowest.
    """
    shows, behind = _pixels(composite, "RGB"), _pixels(background, "RGB")
    parts = {name: _pixels(data, "RGBA") for name, data in layers.items()}
    effects = [one[..., 3] / 255 for one in _of(parts, "effects")]
    subjects = _of(parts, "subject")
    nothing = np.zeros(shows.shape[:2])
    # What later subjects cover of an earlier one, nobody sees.
    seen, in_front = list[NDArray[Any]](), nothing
    for one in reversed(subjects):
        alpha = one[..., 3] / 255
        seen.append(alpha * (1 - in_front))
        in_front = 1 - (1 - in_front) * (1 - alpha)
    everything = np.dstack([shows, 255 * in_front])
    whole = figures(
        shows, behind, everything, everything, np.max([nothing, *effects], axis=0), nothing > 0
    )
    worst = min(
        (
            weighted_psnr(one[..., :3], shows, weight)
            for one, weight in zip(reversed(subjects), seen, strict=True)
        ),
        default=whole["cutout_db"],
    )
    return {**{name: whole[name] for name in OPENED}, "cutout_db": worst}


def _of(parts: Mapping[str, NDArray[Any]], role: str) -> list[NDArray[Any]]:
    return [pixels for name, pixels in parts.items() if name.partition("-")[2].startswith(role)]


def _pixels(data: bytes, mode: str) -> NDArray[Any]:
    with Image.open(io.BytesIO(data)) as picture:
        return np.asarray(picture.convert(mode))
