"""Alfie (arXiv 2408.14826) with inpainting, as the TAUE paper compares: a subject alone on a plain
ground, cut out by GrabCut from its attention, its surroundings and then its background inpainted.

The trimap is the attention's: surely object, probably object, probably ground, surely ground.
"""

from __future__ import annotations

import numpy as np

from taue import models
from taue.arrays import Bytes, Region
from taue.errors import TaueError
from taue.evaluation.items import Item, two_layers
from taue.evaluation.methods.base import ComparedMethod, Drawing
from taue.evaluation.methods.regions import grown, otsu
from taue.stack.mixing import Floats

GROUND = "on a white background"
SURE = 0.8
"""Attention above this share of its largest is surely object."""

FAINT = 0.1
"""Below this it is surely ground."""

ROUNDS = 5


def require_grabcut() -> None:
    """Whether GrabCut is to be had.

    Raises:
        TaueError: if not.
    """
    try:
        import cv2  # noqa: F401
    except ImportError as error:
        raise TaueError(
            "method alfie needs OpenCV for GrabCut; install it by pip install 'taue[rivals]'."
        ) from error


def make(drawing: Drawing) -> Item:
    pair, scale = drawing.pair, drawing.scene.foreground_guidance_scale
    prompt = alone_prompt(drawing.scene.model, pair.foreground)
    alone, attention = drawing.attended_picture(prompt, "foreground", guidance_scale=scale)
    region = grabcut(alone, grabcut_classes(attention))
    composite = drawing.inpainted(alone, ~region, pair.scene, "surroundings")
    background = drawing.inpainted(composite, grown(region), pair.background, "hole")
    mask = region.astype(np.uint8) * 255
    return Item(composite, background, alone, mask, two_layers(background, alone, mask))


def alone_prompt(model: str, foreground: str) -> str:
    """The subject on a plain ground; the subject alone for a model that says that it does not know
    these words, of which it would draw something else."""
    strange = models.unknown_words(model, GROUND)
    return foreground if strange else f"{foreground} {GROUND}"


def grabcut_classes(attention: Floats) -> Bytes:
    """GrabCut's four classes [H, W] from attention in [0, 1]."""
    import cv2

    seeds = np.full(attention.shape, cv2.GC_PR_BGD, np.uint8)
    seeds[attention > otsu(attention)] = cv2.GC_PR_FGD
    seeds[attention >= SURE] = cv2.GC_FGD
    seeds[attention < FAINT] = cv2.GC_BGD
    return seeds


def grabcut(picture: Bytes, seeds: Bytes) -> Region:
    """Where the object is, from the seeds; as the seeds say where they are of one kind alone."""
    import cv2

    objects = (cv2.GC_FGD, cv2.GC_PR_FGD)
    found = seeds.copy()
    if 0 < np.isin(found, objects).sum() < found.size:
        cv2.setNumThreads(1)
        cv2.setRNGSeed(0)
        mixtures = np.zeros((1, 65)), np.zeros((1, 65))
        cv2.grabCut(
            np.ascontiguousarray(picture), found, (0, 0, 1, 1), *mixtures, ROUNDS,
            cv2.GC_INIT_WITH_MASK,
        )  # fmt: skip
    return np.isin(found, objects)


METHOD = ComparedMethod(
    "alfie", "Alfie, arXiv 2408.14826", copies=False, passes=3, make=make, check=require_grabcut
)
