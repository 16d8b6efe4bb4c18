"""Whether composites that are laid from layers pay for it: judged beside the free ones.

    python -m benchmarks.composites --out docs

Grows the 200 pairs of :mod:`judged` with the defaults and judges of each both composites, the free
one that the stage ended with and the one that the layers show: the judge's rates, contact shadows
under its own alpha and both under the laid one's, how far the object follows the scene's light, and
the Fréchet distance to renders of the same words with its interval (2.5 to 97.5 %, the pairs drawn
again 100 times). Writes ``composites.json``.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import typer
from numpy.typing import NDArray

from benchmarks.crew import Out, share_out
from benchmarks.judged import DrawnPrompt, contact_shadow, judged_pair, pairs, rendered
from benchmarks.one_object import followed, fraction
from benchmarks.pair import OneSubject
from taue import Layers, TauePipeline
from taue.evaluation.frechet import frechet
from taue.layers import SubjectLayer
from taue.paddy.judge import Judge

COUNT, AGAIN, SEED = 200, 100, 5
FORMS = ("free", "laid")
RATES = (
    "composite_kind", "composite_colour", "composite_background", "composite_right", "twice",
    "missing", "shadow", "shadow_same",
)  # fmt: skip

FiguresByForm = dict[str, dict[str, Any]]
JudgedForms = tuple[FiguresByForm, dict[str, NDArray[Any]]]


def work(pipe: TauePipeline, judge: Judge, pair: OneSubject) -> JudgedForms:
    """One pair grown, and what is said of it."""
    laid = pipe([pair.subject], pair.background, generator=torch.Generator().manual_seed(pair.seed))
    return both_forms(judge, pair, laid)


def both_forms(judge: Judge, pair: OneSubject, laid: Layers) -> JudgedForms:
    """What is said of both composites of a pair's layers, with the judge's features of them and of
    two renders of the same words."""
    free = as_freed(laid)
    told: FiguresByForm = {}
    for form, layers in zip(FORMS, (free, laid), strict=True):
        line = judged_pair(judge, pair, layers)
        told[form] = {name: line[name] for name in (*RATES, "warnings") if name in line}
        # Under one alpha, the laid one: the free composite draws its object so large, and what is
        # dark of it beyond the foreground's alpha passes for a shadow otherwise.
        alike = replace(layers, subjects=laid.subjects)
        told[form]["shadow_same"] = contact_shadow(alike, pair.background)
        # Over the same pixels, where the foreground shows the object and no key.
        told[form]["followed"] = followed(replace(layers, subjects=free.subjects), pair.background)
    features = {
        form: judge.features([layers.composite])[0]
        for form, layers in zip(FORMS, (free, laid), strict=True)
    }
    asked = DrawnPrompt("scene", "", pair.colour, pair.kind, pair.background, pair.seed)
    for half in (0, 1):
        features[f"render {half}"] = judge.features([rendered(asked, half, 256)])[0]
    return told, features


def as_freed(layers: Layers) -> Layers:
    """The same run as ``layering="difference"`` would leave it."""
    subjects = [
        SubjectLayer(one.subject, cut)
        for one, cut in zip(layers.subjects, layers.cuts, strict=True)
    ]
    return replace(
        layers, composite=layers.raw_composite, subjects=subjects, effects=[], healed=None
    )


def frechet_distances(features: Sequence[dict[str, NDArray[Any]]]) -> dict[str, Any]:
    """Fréchet distances to one half of the renders, and their intervals."""
    stacked = {name: np.stack([one[name] for one in features]) for name in features[0]}
    rng = np.random.default_rng(SEED)
    draws = [rng.integers(len(features), size=len(features)) for _ in range(AGAIN)]
    told: dict[str, Any] = {}
    for name in (*FORMS, "render 1"):
        again = [frechet(stacked[name][d], stacked["render 0"][d]) for d in draws]
        told[name] = {
            "distance": round(frechet(stacked[name], stacked["render 0"]), 4),
            "drawn_again": [round(float(np.quantile(again, q)), 4) for q in (0.025, 0.5, 0.975)],
        }
    return told


def summary(lines: Sequence[FiguresByForm]) -> dict[str, dict[str, float]]:
    """The rates of both forms, over the pairs that have them."""
    told: dict[str, dict[str, float]] = {}
    for form in FORMS:
        rows = [line[form] for line in lines]
        told[form] = {
            name: round(float(np.mean([bool(r[name]) for r in rows if r[name] is not None])), 4)
            for name in RATES
        }
        told[form]["followed"] = fraction([row["followed"] for row in rows])
    return told


def main(out: Out, count: int = COUNT, model: str = "paddy", workers: int = 2) -> None:
    """Grow the pairs, judge both composites of each."""
    asked = pairs(COUNT)[:count]
    write_document(out, asked, share_out(work, asked, model, "composites", workers))


def write_document(out: Path, asked: Sequence[OneSubject], answers: Sequence[JudgedForms]) -> None:
    """``composites.json`` of what was said of these pairs."""
    lines = [line for line, _ in answers]
    told = {
        "pairs": len(lines),
        **summary(lines),
        "frechet_to_renders": frechet_distances([features for _, features in answers]),
        "warned": sum(bool(line["laid"]["warnings"]) for line in lines),
    }
    typer.echo(json.dumps(told, indent=1))
    each = [
        {"subject": pair.subject, "background": pair.background, "seed": pair.seed, **line}
        for pair, line in zip(asked, lines, strict=True)
    ]
    text = json.dumps({"summary": told, "each": each}, indent=1)
    (out / "composites.json").write_text(text + "\n")


if __name__ == "__main__":
    typer.run(main)
