"""Means and their 95 % intervals by the bootstrap."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 1000
SEED = 0
TAILS = (0.025, 0.975)
NORMAL = 1.96


@dataclass(frozen=True)
class Figure:
    """A value over ``count`` items and its interval, None where there is none to be had."""

    value: float
    low: float | None
    high: float | None
    count: int


def mean_figure(values: Sequence[float]) -> Figure:
    """The mean with its percentile interval, of 1000 resamples; no interval of a single value, and
    none where one is infinite."""
    numbers = np.asarray(values, np.float64)
    mean = float(numbers.mean())
    if len(numbers) < 2 or not math.isfinite(mean):
        return Figure(mean, None, None, len(numbers))
    rng = np.random.default_rng(SEED)
    means = numbers[_drawn(rng, len(numbers), RESAMPLES)].mean(axis=1)
    low, high = np.quantile(means, TAILS)
    return Figure(mean, float(low), float(high), len(numbers))


def set_figure(
    value: float,
    features: NDArray[np.floating],
    statistic: Callable[[NDArray[np.floating]], float | None],
    resamples: int,
) -> Figure:
    """A statistic of a whole set with its normal interval, 1.96 standard deviations of resamples.

    A distance of sets grows when items are drawn twice, so percentiles would lie above the value;
    the spread is what resamples can tell. No interval with fewer than two of them.
    """
    rng = np.random.default_rng(SEED)
    drawn = [statistic(features[one]) for one in _drawn(rng, len(features), resamples)]
    values = [v for v in drawn if v is not None]
    if len(values) < 2:
        return Figure(value, None, None, len(features))
    half = NORMAL * float(np.std(values, ddof=1))
    return Figure(value, max(0.0, value - half), value + half, len(features))


def _drawn(rng: np.random.Generator, count: int, times: int) -> NDArray[np.int64]:
    """Which of so many items, as many of them each time [times, count]."""
    return rng.integers(count, size=(times, count))
