"""The simple way: draw everything, cut the subject out, paint the hole.

The subject is where the attention of its words is above Otsu's threshold (cross-attention as a
mask: DiffuMask, arXiv 2303.11681); the hole is inpainted by the same backbone (RePaint's idea of
holding what is known, arXiv 2201.09865). Outside it the background is the composite's own pixels.
"""

from __future__ import annotations

import numpy as np

from taue.evaluation.items import Item, two_layers
from taue.evaluation.methods.base import ComparedMethod, Drawing
from taue.evaluation.methods.regions import grown, largest_part, otsu


def make(drawing: Drawing) -> Item:
    composite, attention = drawing.attended_picture(drawing.pair.scene, "plain")
    region = largest_part(attention > otsu(attention))
    hole = grown(region)
    painted = drawing.inpainted(composite, hole, drawing.pair.background, "hole")
    background = np.where(hole[..., None], painted, composite)
    mask = region.astype(np.uint8) * 255
    return Item(composite, background, composite, mask, two_layers(background, composite, mask))


METHOD = ComparedMethod(
    "composite-then-cut", "arXiv 2303.11681, arXiv 2201.09865", copies=True, passes=2, make=make
)
