"""Uneven stretching, as models that draw from noise stretch what they have learnt."""

from __future__ import annotations

import numpy as np
from PIL import Image

CELLS = 3
"""The picture is cut into so many quadrangles each way."""


def warp(
    picture: Image.Image,
    rng: np.random.Generator,
    *,
    scale: tuple[float, float],
    turn: float,
    shift: float,
    wobble: float,
    centre: tuple[float, float] = (0.5, 0.5),
) -> Image.Image:
    """Turn, stretch, move and bend a picture; what comes from beyond its edge is clear or black.

    Args:
        picture: RGB, or RGBA with straight alpha.
        scale: least and most enlargement; the two axes differ by up to a tenth of it.
        turn: most degrees, either way.
        shift: most movement, as a fraction of the picture.
        wobble: standard deviation of the inner corners' own movement, likewise.
        centre: the point that is turned and stretched about, as fractions.
    """
    width, height = picture.size
    size = rng.uniform(*scale) * rng.uniform(0.93, 1.07, 2)
    angle = np.deg2rad(rng.uniform(-turn, turn))
    across, down = np.meshgrid(*[np.linspace(0, 1, CELLS + 1)] * 2)
    corners = np.stack([across, down], axis=-1)
    # Pillow asks where each goal's corner comes from, so everything is done backwards.
    moved = corners - centre - rng.uniform(-shift, shift, 2)
    turned = moved @ np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    source = turned / size + centre + wobble * rng.standard_normal(corners.shape)
    source *= (width, height)
    goal = (corners * (width, height)).round().astype(int)
    mesh = [
        (
            (*goal[i, j], *goal[i + 1, j + 1]),
            (*source[i, j], *source[i + 1, j], *source[i + 1, j + 1], *source[i, j + 1]),
        )
        for i in range(CELLS)
        for j in range(CELLS)
    ]
    plain = {"RGBA": "RGBa", "RGBa": "RGBA"}  # premultiplied, so that no hidden colour bleeds in
    mode = picture.mode
    worked = picture.convert(plain[mode]) if mode in plain else picture
    bent = worked.transform(picture.size, Image.Transform.MESH, mesh, Image.Resampling.BILINEAR)
    return bent.convert(mode)
