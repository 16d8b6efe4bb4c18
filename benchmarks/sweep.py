"""Numbers that the paper leaves open, on paddy: alpha, the layout's sigma, tau_bg, tau_A, the
mask's blur, kappa and lambda.

    python -m benchmarks.sweep --out docs

Foregrounds of fixed pairs are grown by the paper's method for each alpha, and with a box for each
sigma. On what was harvested every blur and pair of thresholds is tried; the true region is what the
judge sees in the finished foreground, on the latent grid. With the best mask the composites of some
are grown for each lambda and each kappa. Writes ``sweep.json``.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
import typer
from rich.progress import track
from torch import Tensor

from benchmarks.crew import Out, load_quiet
from benchmarks.judged import pairs
from benchmarks.masks import scores
from benchmarks.pair import OneSubject
from taue import TauePipeline, matte, stages
from taue.arrays import Bytes
from taue.backbones.sdxl import SDXLBackbone
from taue.box import Box
from taue.evaluation import figures
from taue.evaluation.score import box_iou
from taue.layering import picture_of
from taue.masks import find_harvested
from taue.noise import NoiseSource
from taue.paddy.judge import Judge, Sighting
from taue.scene.subject import CENTRED
from taue.settings import Settings
from taue.stack.mixing import Floats

SEEDS = 10_000
"""Noise of these seeds is used by no other benchmark."""

ALPHAS = (0.2, 0.28, 0.35, 0.45)
SIGMAS = (0.35, 0.5, 0.7)
BLURS = (0.5, 1.0, 1.5, 2.0)
TAUS_BG = tuple(float(tau) for tau in np.arange(0, 4.01, 0.25))
TAUS_A = (0.1, 0.2, 0.35, 0.5)
LAMBDAS = (0.85, 0.87, 0.88, 0.894, 0.91, 0.95)
KAPPAS = (0.0, 0.05, 0.1, 0.2)
BOX = Box(0.5, 0.35, 0.42, 0.5)
"""Asked for where the layout's sigma is tried."""


@dataclass(frozen=True)
class Grown:
    """A foreground's end, its picture uint8 [H, W, 3], what the judge sees in it, and where on the
    latent grid."""

    result: stages.StageResult
    picture: Bytes
    seen: Sighting
    truth: Tensor | None


def in_eight_bits(picture: Floats) -> Bytes:
    return (picture * 255).round().clip(0, 255).astype(np.uint8)


def context_of(pipe: TauePipeline, pair: OneSubject, settings: Settings) -> stages.Context:
    source = NoiseSource(SEEDS + pair.seed)
    return stages.Context(SDXLBackbone(pipe), settings, source, lambda step: None)


def condition_of(context: stages.Context, pair: OneSubject, box: Box) -> stages.SubjectCondition:
    prompt = context.backbone.encode_prompt(pair.subject, None)
    key, ratio = context.backbone.keys["green"], context.settings.crop_ratio
    return stages.SubjectCondition(1, prompt, key, box, fits=False, crop_ratio=ratio)


def swept_foreground(
    pipe: TauePipeline, judge: Judge, pair: OneSubject, settings: Settings, box: Box = CENTRED
) -> Grown:
    context = context_of(pipe, pair, settings)
    result = stages.foregrounds(context, [condition_of(context, pair, box)])[0]
    picture = in_eight_bits(picture_of(context.backbone.decode(result.latents)))
    seen = judge.look([picture])[0]
    truth = None
    if seen.surest is not None:
        mask = torch.from_numpy(seen.surest.mask.astype(np.float32))[None, None]
        height, width = result.seedling.mask.shape
        truth = F.adaptive_avg_pool2d(mask, (height, width))[0, 0] > 0.5
    return Grown(result, picture, seen, truth)


def right(seen: Sighting, pair: OneSubject) -> bool:
    """One object of the kind and colour that was asked for."""
    one = seen.surest
    return len(seen.objects) == 1 and one is not None and (one.kind, one.colour) == (
        pair.kind, pair.colour,
    )  # fmt: skip


def masks(found: Sequence[Grown], settings: Settings) -> list[dict[str, Any]]:
    """Every blur and pair of thresholds on one harvest, the best first."""
    known = [one for one in found if one.truth is not None]
    rows: list[dict[str, Any]] = []
    for blur, tau_bg, tau_a in itertools.product(BLURS, TAUS_BG, TAUS_A):
        chosen = replace(
            settings, mask_blur=blur, greenness_threshold=tau_bg, attention_threshold=tau_a
        )
        each = [
            scores(
                find_harvested(
                    one.result.seedling.estimate, one.result.seedling.attention, chosen
                ).mask,
                one.truth,
            )
            for one in known
            if one.truth is not None
        ]
        precision, recall, iou = (round(float(v), 4) for v in np.mean(each, axis=0))
        told = {"mask_blur": blur, "tau_bg": tau_bg, "tau_A": tau_a}
        rows.append({**told, "precision": precision, "recall": recall, "iou": iou})
    return sorted(rows, key=lambda row: -row["iou"])


def swept_composite(
    pipe: TauePipeline, judge: Judge, pair: OneSubject, one: Grown, settings: Settings
) -> dict[str, float]:
    """The composite of a foreground: agreement inside the matte's alpha, and what is seen."""
    context = context_of(pipe, pair, settings)
    condition = condition_of(context, pair, CENTRED)
    encode = context.backbone.encode_prompt
    behind = encode(pair.background, None)
    whole = encode(f"{pair.subject}, {pair.background}", None)
    seedling = one.result.seedling
    found = find_harvested(seedling.estimate, seedling.attention, settings)
    result = replace(one.result, seedling=replace(seedling, mask=found.mask))
    ended = stages.composite(context, [condition], behind, whole, [result])
    picture = in_eight_bits(picture_of(context.backbone.decode(ended.latents)))
    tensor = torch.from_numpy(one.picture.astype(np.float32) / 255).permute(2, 0, 1)
    alpha = matte.extract(tensor, found.mask)[3].numpy()
    psnr = figures.region_psnr(one.picture, picture, figures.foreground_region(alpha))
    seen = judge.look([picture])[0]
    return {
        "psnr_fg": float("nan") if psnr is None else psnr,
        "right": float(right(seen, pair) and seen.background == pair.background),
    }


def told(each: Sequence[dict[str, float]]) -> dict[str, float]:
    """The mean and the half-width of its interval of 95 %."""
    psnr = [one["psnr_fg"] for one in each if not np.isnan(one["psnr_fg"])]
    spread = 1.96 * float(np.std(psnr, ddof=1)) / len(psnr) ** 0.5 if len(psnr) > 1 else 0.0
    return {
        "pairs": len(each),
        "psnr_fg": round(float(np.mean(psnr)), 2),
        "plus_minus": round(spread, 2),
        "right": round(float(np.mean([one["right"] for one in each])), 3),
    }


def main(out: Out, model: str = "paddy", count: int = 12, composites: int = 8) -> None:
    """Everything once, on one thread."""
    torch.set_num_threads(1)
    pipe, judge, asked = load_quiet(model), Judge.load(), pairs(count)
    paper = Settings.paper()
    document: dict[str, Any] = {"model": model, "pairs": count, "alpha": [], "sigma": []}
    by_alpha: dict[float, list[Grown]] = {}
    for alpha in ALPHAS:
        settings = replace(paper, key_strength=alpha)
        by_alpha[alpha] = [
            swept_foreground(pipe, judge, pair, settings) for pair in track(asked, f"alpha {alpha}")
        ]
        named = [right(g.seen, p) for g, p in zip(by_alpha[alpha], asked, strict=True)]
        best = masks(by_alpha[alpha], settings)[0]
        line = {"alpha": alpha, "right": round(float(np.mean(named)), 3), "best_mask": best}
        document["alpha"].append(line)
        print(line, flush=True)
    rows = masks(by_alpha[paper.key_strength], paper)
    document["masks"] = rows[:40]
    best = rows[0]
    chosen = replace(
        paper,
        mask_blur=best["mask_blur"],
        greenness_threshold=best["tau_bg"],
        attention_threshold=best["tau_A"],
    )
    for sigma in SIGMAS:
        settings = replace(chosen, placement="suggest", layout_sigma=sigma)
        found = [
            swept_foreground(pipe, judge, pair, settings, BOX)
            for pair in track(asked, f"sigma {sigma}")
        ]
        named = [right(g.seen, p) for g, p in zip(found, asked, strict=True)]
        regions = [g.truth.numpy().astype(np.uint8) * 255 for g in found if g.truth is not None]
        line = {
            "sigma": sigma,
            "right": round(float(np.mean(named)), 3),
            "box_iou": round(float(np.mean([box_iou(region, BOX) for region in regions])), 3),
        }
        document["sigma"].append(line)
        print(line, flush=True)
    some = list(zip(asked, by_alpha[paper.key_strength], strict=True))[:composites]
    for name, field, values in (
        ("lambda", "unit_noise_strength", LAMBDAS),
        ("kappa", "sharpening", KAPPAS),
    ):
        document[name] = []
        for value in values:
            settings = replace(chosen, **{field: value})
            each = [
                swept_composite(pipe, judge, pair, one, settings)
                for pair, one in track(some, f"{name} {value}")
            ]
            document[name].append({name: value, **told(each)})
            print(document[name][-1], flush=True)
    (out / "sweep.json").write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    typer.run(main)
