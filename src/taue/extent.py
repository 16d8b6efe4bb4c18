"""Where anything of a region is: the rectangle outside of which nothing needs to be worked out."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from taue.arrays import Region

TRUNCATE = 4.0
"""Standard deviations from which on a Gaussian takes no notice: a margin for what is smoothed."""


def extent(region: Region, margin: int = 0) -> tuple[slice, slice]:
    """Rows and columns of a region, bool [H, W], of which some is True, with so many pixels around
    it as far as the canvas goes."""
    found = ndimage.find_objects(region.astype(np.uint8))[0]
    rows, columns = (
        slice(max(0, side.start - margin), min(side.stop + margin, length))
        for side, length in zip(found, region.shape, strict=True)
    )
    return rows, columns
