"""From attention to regions, as rivals take them."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from taue.arrays import Region
from taue.metrics import LATENT_CELL
from taue.stack.mixing import Floats

BINS = 256


def otsu(values: Floats) -> float:
    """Otsu's threshold of values in [0, 1]: it parts them into two classes of the largest variance
    between them (IEEE Trans. SMC 9, 1979)."""
    counts, edges = np.histogram(values, BINS, (0, 1))
    centres = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)
    above = below[-1] - below
    sums = np.cumsum(counts * centres)
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = sums / below - (sums[-1] - sums) / above
    between = np.nan_to_num(below * above * apart**2)
    best = np.flatnonzero(between >= between.max() * (1 - 1e-9))
    return float(edges[1:][best].mean())  # between two classes lies a plateau


def largest_part(region: Region) -> Region:
    """The largest connected part, its holes filled; nothing of nothing."""
    labels = np.empty(region.shape, np.int32)
    count = ndimage.label(region, output=labels)
    if not count:
        return region
    sizes = np.bincount(labels.ravel())[1:]
    return np.asarray(ndimage.binary_fill_holes(labels == 1 + int(np.argmax(sizes))), bool)


def grown(region: Region, cells: int = 1) -> Region:
    """A region with so many latent cells around it."""
    size = 2 * cells * LATENT_CELL + 1
    return np.asarray(ndimage.maximum_filter(region, size, mode="constant", cval=0), bool)
