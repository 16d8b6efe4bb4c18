"""The scene's light on a subject that was cut out: broad changes of colour, never its shape."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from taue.arrays import Region
from taue.coarse import coarse, fine
from taue.shown import certainly, clear_of_front, clear_of_shade
from taue.stack.mixing import Floats, shares
from taue.stack.shade import VISIBLE
from taue.straight import from_nearest

BREADTH = 0.004
"""Standard deviation of the smoothing, in shorter sides: finer changes are no light."""

CLEARLY = 0.9
"""A subject's light is read where it makes up so much of the pixel, and not next to where it does
not: a decoder mixes what is behind into its rim."""


def relit(
    subjects: Sequence[Floats], picture: Floats, background: Floats, harmony: float
) -> list[Floats]:
    """Subjects with the light that they have in a picture, as far as ``harmony`` in [0, 1] says.

    Args:
        subjects: RGBA [H, W, 4] in [0, 1], later ones in front.
        picture: what shows them all, background: without them, [H, W, 3] in [0, 1] each.
    """
    small, pictures = [coarse(one) for one in subjects], (coarse(picture), coarse(background))
    seen, _ = shares(np.stack([subject[..., 3] for subject in small]))
    solids = [subject[..., 3] > VISIBLE for subject in small]
    sure = [
        clear_of_shade(clear_of_front(_clearly(share), solids, i), *pictures, subject[..., :3])
        for i, (share, subject) in enumerate(zip(seen, small, strict=True))
    ]
    return [
        np.concatenate([_light(subject, one, pictures[0], harmony), subject[..., 3:]], axis=-1)
        for subject, one in zip(subjects, sure, strict=True)
    ]


def _clearly(share: Floats) -> Region:
    """Where a subject makes up nearly all of a pixel, bool [H, W], without the rim of that."""
    clearly = share >= CLEARLY
    inside = certainly(clearly)
    return inside if inside.any() else clearly


def _light(subject: Floats, clearly: Region, picture: Floats, harmony: float) -> Floats:
    """The subject's colours [H, W, 3] in a picture's light, which is told coarsely, as where the
    subject is clearly seen is."""
    colours = subject[..., :3]
    if harmony == 0 or not clearly.any():
        return colours
    sigma = BREADTH * min(clearly.shape)
    weight = ndimage.gaussian_filter(clearly.astype(np.float32), sigma)
    change = np.where(clearly[..., None], picture - coarse(colours), 0)
    change = (
        ndimage.gaussian_filter(change, (sigma, sigma, 0)) / np.maximum(weight, 1e-3)[..., None]
    )
    change = fine(from_nearest(change.astype(np.float32), clearly), colours.shape)
    return (colours + np.float32(harmony) * change).clip(0, 1).astype(np.float32)
