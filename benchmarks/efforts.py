"""Whether ``balanced`` is as good as ``best``, what both cost, and whether their composites pay.

    python -m benchmarks.efforts --out docs

The 200 pairs of :mod:`judged`, each drawn plain and by both qualities, one after the other in one
process. Of each quality the figures of :mod:`designer`, the judge's rates of both composites as in
:mod:`composites`, seconds and UNet samples as in :mod:`cost`; of the pairs the differences.

How far two sets of pictures by ``best`` are from each other by chance: the pairs are halved
``SPLITS`` times, and ``best`` on one half is held against ``best`` on the other. ``balanced`` on
the first half has to lie within that. Writes ``efforts.json``, and of ``balanced``
``composites.json``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import typer
from numpy.typing import NDArray

from benchmarks import composites
from benchmarks.cost import PLAIN, RECIPES, drawer, timed_drawing
from benchmarks.crew import Out, share_out
from benchmarks.designer import designer_figures, summed
from benchmarks.judged import pairs
from benchmarks.pair import OneSubject
from taue import TauePipeline
from taue.evaluation.bootstrap import mean_figure
from taue.evaluation.frechet import frechet
from taue.paddy.judge import Judge

BEST, BALANCED = "best", "balanced"
SPLITS, SEED = 100, 11
WAYS = {
    name: next(way for way in RECIPES if way.name == told)
    for name, told in (("plain", PLAIN), (BEST, f"taue, {BEST}"), (BALANCED, f"taue, {BALANCED}"))
}


@dataclass(frozen=True)
class DrawnPair:
    """One pair by one way: what it cost, and of layers what is seen in them.

    Attributes:
        cost: seconds, those of the model, and UNet samples.
        figures: of :func:`benchmarks.designer.designer_figures`.
        judged: of both forms of the composite.
        features: the judge's, of both forms and of two renders of the same words.
    """

    cost: dict[str, float]
    figures: dict[str, float | None]
    judged: composites.FiguresByForm
    features: dict[str, NDArray[Any]]


def work(pipe: TauePipeline, judge: Judge, pair: OneSubject) -> dict[str, DrawnPair]:
    """One pair by every way."""
    drawn: dict[str, DrawnPair] = {}
    for name, way in WAYS.items():
        cost, layers = timed_drawing(drawer(way, pipe), pipe, way.scene(pair))
        if way.layered:
            figures = designer_figures(judge, pair, layers)
            drawn[name] = DrawnPair(cost, figures, *composites.both_forms(judge, pair, layers))
        else:
            drawn[name] = DrawnPair(cost, {}, {}, {})
    return drawn


def halves(count: int) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Pairs of disjoint halves of so many items."""
    rng = np.random.default_rng(SEED)
    for _ in range(SPLITS):
        order = rng.permutation(count)
        yield order[: count // 2], order[count // 2 :]


def by_chance(
    count: int, apart: Callable[[str, NDArray[np.intp], NDArray[np.intp]], float]
) -> dict[str, Any]:
    """How far ``best`` on one half is from ``best`` on the other, and ``balanced`` from it there.

    Args:
        count: of the pairs.
        apart: how far a quality on the first half is from ``best`` on the second.
    """
    both = {
        name: [apart(name, first, second) for first, second in halves(count)]
        for name in (BEST, BALANCED)
    }
    low, high = np.quantile(both[BEST], (0.025, 0.975))
    return {
        "best_by_chance": [round(float(low), 4), round(float(high), 4)],
        "balanced": round(float(np.mean(both[BALANCED])), 4),
    }


def frechet_by_chance(drawn: Sequence[dict[str, DrawnPair]]) -> dict[str, Any]:
    """The Fréchet distances of halves of the laid composites."""
    stacked = {
        name: np.stack([one[name].features["laid"] for one in drawn]) for name in (BEST, BALANCED)
    }
    return by_chance(len(drawn), lambda name, a, b: frechet(stacked[name][a], stacked[BEST][b]))


def rate_by_chance(drawn: Sequence[dict[str, DrawnPair]], rate: str) -> dict[str, Any]:
    """The differences of one of the judge's rates between halves, of the laid composites."""
    told = {
        name: np.array([_number(one[name].judged["laid"][rate]) for one in drawn])
        for name in (BEST, BALANCED)
    }
    return by_chance(
        len(drawn),
        lambda name, a, b: float(np.nanmean(told[name][a]) - np.nanmean(told[BEST][b])),
    )


def _number(answer: bool | int | None) -> float:
    return np.nan if answer is None else float(bool(answer))


def paired_change(drawn: Sequence[dict[str, DrawnPair]], figure: str) -> list[float | None]:
    """By how much a figure of ``balanced`` is above that of ``best``, with its 95 % interval."""
    both = [(one[BALANCED].figures[figure], one[BEST].figures[figure]) for one in drawn]
    known = mean_figure([a - b for a, b in both if a is not None and b is not None])
    return [
        None if value is None else round(value, 4) for value in (known.value, known.low, known.high)
    ]


def cost_of(drawn: Sequence[dict[str, DrawnPair]], name: str) -> dict[str, Any]:
    """Means over all pairs, and how many means of plain generation they are."""
    told: dict[str, Any] = {}
    for what in ("seconds", "model_seconds", "evaluations"):
        own, plain = ([one[way].cost[what] for one in drawn] for way in (name, "plain"))
        told[what] = round(float(np.mean(own)), 3)
        told[f"{what}_of_plain"] = round(float(np.mean(own) / np.mean(plain)), 3)
    return told


def main(out: Out, count: int = composites.COUNT, model: str = "paddy", workers: int = 2) -> None:
    """Draw the pairs, and say how the qualities differ."""
    asked = pairs(composites.COUNT)[:count]
    drawn = share_out(work, asked, model, "efforts", workers)
    figures = {name: [one[name].figures for one in drawn] for name in (BEST, BALANCED)}
    told: dict[str, Any] = {
        "pairs": len(drawn),
        "cost": {name: cost_of(drawn, name) for name in WAYS},
        "frechet": frechet_by_chance(drawn),
        "rates": {rate: rate_by_chance(drawn, rate) for rate in composites.RATES},
        "change": {figure: paired_change(drawn, figure) for figure in figures[BEST][0]},
        "figures": {name: summed(lines) for name, lines in figures.items()},
    }
    (out / "efforts.json").write_text(json.dumps(told, indent=1) + "\n")
    typer.echo(json.dumps(told, indent=1))
    composites.write_document(
        out, asked, [(one[BALANCED].judged, one[BALANCED].features) for one in drawn]
    )


if __name__ == "__main__":
    typer.run(main)
