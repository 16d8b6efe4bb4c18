"""What the judge's training pictures have behind their objects."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from taue.paddy.judge.train.warp import warp
from taue.paddy.scenes import COLOURS, SceneSpec, render

KEY_AXES = ((-1, 1, -1), (1, -1, 1), (-1, -1, 1))
"""Green, magenta and blue, away from grey (``taue.backbones.sdxl.KEYS``)."""

KEY_REACH = (45, 150)
"""How far from grey a model paints its key, 0..255: guidance makes it much fuller than asked."""

CLOSEST = 50
"""Distance in 0..255 between a plain ground and an object's colour."""


def plate(spec: SceneSpec, side: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """The background alone, bent in half of the cases."""
    plate = render(replace(spec, objects=()), side).plate
    if rng.random() < 0.5:
        bent = warp(
            Image.fromarray(plate), rng, scale=(1.15, 1.35), turn=3, shift=0.03, wobble=0.01
        )
        plate = np.asarray(bent)
    return plate.astype(np.float32)


def flat_ground(
    side: int, keyed: bool, spec: SceneSpec, rng: np.random.Generator
) -> NDArray[np.float32]:
    """A flat ground, any colour or near a key colour, uneven as a model would paint it.

    None of the objects has its colour: that one could not be seen.
    """
    while True:
        colour = rng.uniform(0, 255, 3)
        if keyed:
            axis = np.array(KEY_AXES[int(rng.choice(3, p=(0.5, 0.4, 0.1)))])
            colour = 127.5 + rng.uniform(*KEY_REACH) * axis + rng.normal(0, 14, 3)
        apart = [np.linalg.norm(colour - COLOURS[thing.colour]) for thing in spec.objects]
        if min(apart) > CLOSEST:
            break
    coarse = rng.normal(0, rng.uniform(0, 12), (4, 4, 3)) + colour
    ground = Image.fromarray(np.clip(coarse, 0, 255).astype(np.uint8))
    return np.asarray(ground.resize((side, side), Image.Resampling.BICUBIC), np.float32)


def smeared(ground: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Traces that are no object: blurred strokes of any colour, or a shadow that nothing casts."""
    side = ground.shape[0]
    if rng.random() < 0.5:
        return ground
    stain = Image.new("L", (side, side))
    pen = ImageDraw.Draw(stain)
    for _ in range(int(rng.integers(1, 4))):
        x, y = rng.uniform(0.1, 0.9, 2) * side
        length, thick = rng.uniform(0.05, 0.2, 2) * side
        pen.ellipse((x - length, y - thick / 3, x + length, y + thick / 3), fill=255)
    soft = stain.filter(ImageFilter.GaussianBlur(rng.uniform(0.02, 0.05) * side))
    share = np.asarray(soft, np.float32)[..., None] / 255 * rng.uniform(0.2, 0.5)
    black = np.zeros(3)
    colour = black if rng.random() < 0.5 else rng.uniform(0, 255, 3)
    return (ground * (1 - share) + colour * share).astype(np.float32)
