"""Where anything of a region is."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from taue.extent import extent

REGIONS = arrays.arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 9))).filter(np.any)


@given(region=REGIONS, margin=st.integers(0, 4))
def test_all_of_a_region_and_its_margin_is_in_the_extent_and_no_row_or_column_more(
    region: np.ndarray, margin: int
) -> None:
    rows, columns = extent(region, margin)
    wide = np.pad(region, margin)
    for axis, part in ((1, rows), (0, columns)):
        seen = np.flatnonzero(wide.any(axis=axis))
        expected = np.arange(seen[0] - 2 * margin, seen[-1] + 1)
        inside = expected[(expected >= 0) & (expected < region.shape[1 - axis])]
        np.testing.assert_array_equal(np.arange(region.shape[1 - axis])[part], inside)
