"""What each single difference between our method and the paper's is worth, on paddy.

    python -m benchmarks.differences --out docs --count 12

Every pair is grown by the paper's method, then with one field after another as ours has it; with
``--both`` also by ours as three stages, with one field after another as the paper has it. The
composite is what is shown: the stage, and of layers first what those show. Where the foreground
stays, it is not grown again. Regions are those of the evaluation (docs/evaluation.md), the mask is
the foreground's alpha. Writes ``differences.json``: each figure with its 95 % interval over pairs.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any

import numpy as np
import torch
import typer

from benchmarks.crew import Out, share_out
from benchmarks.judged import pairs, verdict
from benchmarks.pair import OneSubject
from taue import Layers, Subject, TauePipeline
from taue.box import Box
from taue.evaluation import figures
from taue.evaluation.bootstrap import mean_figure
from taue.evaluation.score import box_iou
from taue.masks import find_harvested
from taue.paddy.judge import Judge
from taue.paddy.judge.verdict import Asked as Wish
from taue.paper import PAPER
from taue.settings import Settings

BOX = Box(0.3, 0.35, 0.42, 0.5)
"""Asked for by every pair; the paper without layout does not hear of it."""

SINGLE: Mapping[str, tuple[str, ...]] = {
    "crop ratio": ("crop_ratio",),
    "key colour, and the mask's value": ("key", "mask_value", "mask_blur"),
    "key strength": ("key_strength",),
    "placement": ("placement",),
    "planted: how it ended, or as harvested": ("planting",),
    "transplant": ("transplant",),
    "filter on": ("filter_noisy",),
    "kappa": ("sharpening",),
    "noise held at t_crop": ("hold_crop_step",),
    "planted though not told apart": ("planted_subjects",),
    "mask value, and its blur": ("mask_value", "mask_blur"),
    "mask rule": ("mask_rule",),
    "tau_A": ("attention_threshold",),
    "prompts after the release": ("released_prompt",),
    "tries": ("tries",),
    "steps of each stage": ("quality",),
    "layers": ("layering",),
    "everything, as three stages": tuple(f for f in PAPER if f != "layering"),
    "everything": tuple(PAPER),
}
"""Differences by name, each with the fields that it is."""

FURTHER: Mapping[str, Mapping[str, Any]] = {
    "layout": {"placement": "suggest"},
    "renormalised": {"transplant": "renormalised", "unit_noise_strength": 0.162},
}
"""Other forms of the paper's method: TAUE + layout, and the other reading of unit space with the
lambda that leaves the right noise (docs/decisions/0012)."""

FOREGROUND = {
    "crop_ratio", "key", "key_strength", "placement", "planting", "tries", "quality", "layering",
}  # fmt: skip
"""Fields that the foreground's stage depends on, or all stages."""

MASK = {"mask_value", "mask_blur", "mask_rule", "attention_threshold"}


def one_by_one(base: Settings, other: Settings) -> Iterator[tuple[str, Settings]]:
    """The one as it is, then with each difference as the other has it."""
    yield "as it is", base
    for name, own in SINGLE.items():
        change = {field: getattr(other, field) for field in own}
        changed = replace(base, **change)
        if changed != base:
            yield name, changed
    if base.base == "paper":
        for name, change in FURTHER.items():
            yield name, replace(base, **change)


def layers_under(pipe: TauePipeline, pair: OneSubject, settings: Settings) -> Layers:
    return pipe(
        [Subject(pair.subject, box=BOX)],
        pair.background,
        generator=torch.Generator().manual_seed(pair.seed),
        settings=settings,
    )


def again(pipe: TauePipeline, layers: Layers, settings: Settings, changed: set[str]) -> Layers:
    """The later stages alone, by other settings."""
    seedlings = layers.seedlings
    if changed & MASK:
        seedlings = [
            replace(s, mask=find_harvested(s.estimate, s.attention, settings, solid=True).mask)
            for s in seedlings
        ]
    now = replace(layers.scene.settings, **{name: getattr(settings, name) for name in changed})
    return pipe.regrow(replace(layers, seedlings=seedlings, scene=layers.scene.by(now)))


def pair_figures(judge: Judge, pair: OneSubject, layers: Layers) -> dict[str, float | None]:
    """The figures of one pair; None where a region is empty."""
    composite, background = np.asarray(layers.composite), np.asarray(layers.background)
    rgba, raw = np.asarray(layers.subjects[0].image), np.asarray(layers.foregrounds[0])
    alpha = rgba[..., 3].astype(np.float32) / np.float32(255)
    told = verdict(judge, [Wish(pair.subject)], pair.background, layers)
    one = told.subjects[0]
    right = one.composite.kind and one.composite.colour and bool(told.composite_background)
    return {
        "psnr_fg": figures.region_psnr(raw, composite, figures.foreground_region(alpha)),
        "psnr_bg": figures.region_psnr(background, composite, figures.background_region(alpha)),
        "iou": one.mask_iou,
        "box_iou": box_iou(rgba[..., 3], BOX),
        "foreground_right": float(one.foreground.kind and one.foreground.colour),
        "composite_right": float(right),
        "background_right": float(bool(told.background) and not one.left_behind),
    }


def work(
    pipe: TauePipeline, judge: Judge, job: tuple[OneSubject, bool, int]
) -> dict[str, dict[str, Any]]:
    """One pair by every variant of the paper's method and, if asked for, of ours."""
    pair, both, steps = job
    paper = Settings.paper(num_inference_steps=steps)
    ours = Settings(num_inference_steps=steps)
    stages = replace(ours, layering="difference")
    told: dict[str, dict[str, Any]] = {}
    for base, other in ((paper, ours), (stages, paper)) if both else ((paper, ours),):
        told[base.base] = lines = {}
        first: Layers | None = None
        for name, settings in one_by_one(base, other):
            changed = {n for n in vars(base) if getattr(base, n) != getattr(settings, n)}
            if first is None:
                layers = first = layers_under(pipe, pair, settings)
            elif changed & FOREGROUND or (base.planting == "finished" and changed & MASK):
                layers = layers_under(pipe, pair, settings)
            else:
                layers = again(pipe, first, settings, changed)
            lines[name] = pair_figures(judge, pair, layers)
    return told


def summary(lines: Sequence[Mapping[str, float | None]]) -> dict[str, Any]:
    """The mean of each figure with its interval, and of how many pairs it is."""
    told: dict[str, Any] = {}
    for name in lines[0]:
        values = [float(v) for one in lines if (v := one[name]) is not None and np.isfinite(v)]
        if values:
            figure = mean_figure(values)
            told[name] = {
                "mean": round(figure.value, 3),
                "low": None if figure.low is None else round(figure.low, 3),
                "high": None if figure.high is None else round(figure.high, 3),
                "pairs": len(values),
            }
    return told


def paired(
    lines: Sequence[Mapping[str, float | None]], base: Sequence[Mapping[str, float | None]]
) -> dict[str, Any]:
    """The change of each figure against the method as it is, pair by pair."""
    changes: list[dict[str, float | None]] = []
    for one, other in zip(lines, base, strict=True):
        change: dict[str, float | None] = {}
        for name in one:
            a, b = one[name], other[name]
            change[name] = None if a is None or b is None else a - b
        changes.append(change)
    return summary(changes)


def main(
    out: Out,
    model: str = "paddy",
    count: int = 8,
    both: Annotated[bool, typer.Option(help="From ours towards the paper's, too.")] = False,
    workers: int = 1,
    steps: int = 50,
) -> None:
    """Every pair by every variant."""
    jobs = [(pair, both, steps) for pair in pairs(count)]
    each = share_out(work, jobs, model, "differences", workers)
    document: dict[str, Any] = {"model": model, "pairs": count, "box": list(vars(BOX).values())}
    for method in each[0]:
        base = [one[method]["as it is"] for one in each]
        document[method] = {
            name: {"figures": summary(lines), "change": paired(lines, base)}
            for name in each[0][method]
            for lines in [[one[method][name] for one in each]]
        }
    document["each"] = each
    (out / "differences.json").write_text(json.dumps(document, indent=1) + "\n")
    for method in each[0]:
        for name, line in document[method].items():
            shown = {k: (v["mean"], v["low"], v["high"]) for k, v in line["change"].items()}
            print(method, name, shown)


if __name__ == "__main__":
    typer.run(main)
