"""Which thresholds, cross-attention layers and steps find the object best, on paddy.

python -m benchmarks.masks --out docs

Foregrounds of fixed pairs are grown, ours and the paper's; the true region is what the judge sees
in the finished foreground, on the latent grid. Writes ``masks.json``: precision, recall and
intersection over union of the object mask while tau_bg and tau_A move by 20 %, for both of our mask
rules and for the paper's own mask, and of the attention map alone, of either method, by layer and
by phase of the steps before the harvest; and ``figures/masks-paper.png``, the paper's masks of the
first pairs.
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
from PIL import Image
from rich.progress import track
from torch import Tensor

from benchmarks.crew import Out, figure_in, load_quiet
from benchmarks.judged import pairs
from benchmarks.pair import OneSubject
from taue import TauePipeline, stages
from taue.arrays import Bytes
from taue.backbones.cross_attention import (
    AttentionTap,
    cross_attention_sites,
    installed,
    layer_grid,
)
from taue.backbones.sdxl import SDXLBackbone
from taue.equations import harvest_step, scale_to_unit, token_attention
from taue.masks import find_harvested
from taue.noise import NoiseSource
from taue.paddy.judge import Judge
from taue.scene.subject import CENTRED
from taue.seedling import Seedling
from taue.settings import CHOICES, Settings

FACTORS = (0.8, 1.0, 1.2)
PHASES = 3
"""The steps before the harvest in so many equal parts."""

SHOWN, TILE = 8, 128
"""Pairs whose masks are shown, and pixels of each picture there."""


class ListeningTap(AttentionTap):
    """Keeps the maps of every layer and step apart; ``every`` in the order of execution."""

    def __init__(self, tokens: Sequence[int], height: int, width: int, length: int) -> None:
        super().__init__([tokens], height, width, length)
        self.every: list[Tensor] = []

    def add(self, probabilities: Tensor) -> None:
        grid = layer_grid(probabilities.shape[1], self.height, self.width)
        chosen = token_attention(probabilities[0], self.tokens[0]).view(1, 1, *grid)
        size = (self.height, self.width)
        self.every.append(
            F.interpolate(chosen, size=size, mode="bilinear", align_corners=False)[0, 0]
        )


@dataclass(frozen=True)
class Found:
    """One foreground: its picture, its seedling, the true region, and the maps [steps, layers, h,
    w]."""

    picture: Bytes
    seedling: Seedling
    truth: Tensor
    maps: Tensor


@torch.no_grad()
def finished_foreground(
    pipe: TauePipeline, judge: Judge, pair: OneSubject, settings: Settings
) -> Found | None:
    """None where the judge sees no object in the finished foreground."""
    backbone = SDXLBackbone(pipe)
    height, width = backbone.shape[-2:]
    prompt = backbone.encode_prompt(pair.subject, None)
    key = backbone.keys[settings.key_for(pair.subject)]
    condition = stages.SubjectCondition(
        1, prompt, key, CENTRED, fits=False, crop_ratio=settings.crop_ratio
    )
    context = stages.Context(backbone, settings, NoiseSource(pair.seed), lambda step: None)
    audit = ListeningTap(prompt.content, height, width, prompt.prompt.shape[1])
    with installed(pipe.unet, audit.wrap):
        one = stages.foregrounds(context, [condition])[0]
    shown = backbone.decode(one.latents)[0].permute(1, 2, 0).numpy()
    picture = (shown * 255).round().astype(np.uint8)
    seen = judge.look([picture])[0]
    if seen.surest is None:
        return None
    mask = torch.from_numpy(seen.surest.mask.astype(np.float32))[None, None]
    truth = F.adaptive_avg_pool2d(mask, (height, width))[0, 0] > 0.5
    layers = len(cross_attention_sites(pipe.unet))
    maps = torch.stack(audit.every).unflatten(0, (-1, layers))
    before = harvest_step(settings.num_inference_steps, settings.crop_ratio)
    return Found(picture, one.seedling, truth, maps[:before])


def scores(mask: Tensor, truth: Tensor) -> tuple[float, float, float]:
    """Precision, recall, intersection over union of two masks."""
    mask = mask > 0.5
    both = float((mask & truth).sum())
    return (
        both / max(1.0, float(mask.sum())),
        both / max(1.0, float(truth.sum())),
        both / max(1.0, float((mask | truth).sum())),
    )


def told(each: Sequence[tuple[float, float, float]]) -> dict[str, float]:
    means = np.mean(each, axis=0)
    names = ("precision", "recall", "iou")
    return {name: round(float(value), 4) for name, value in zip(names, means, strict=True)}


def every_combination(
    found: Sequence[Found], settings: Settings, rules: Sequence[str]
) -> list[dict[str, Any]]:
    """Every combination of rule and thresholds."""
    rows: list[dict[str, Any]] = []
    for rule, a, b in itertools.product(rules, FACTORS, FACTORS):
        masks = [mask_of(one, replace(settings, mask_rule=rule), a, b) for one in found]
        each = [scores(mask, one.truth) for mask, one in zip(masks, found, strict=True)]
        rows.append({"mask_rule": rule, "tau_bg": a, "tau_A": b, **told(each)})
    return rows


def mask_of(one: Found, settings: Settings, tau_bg: float = 1.0, tau_a: float = 1.0) -> Tensor:
    """A foreground's object mask [h, w] with so many times each threshold."""
    chosen = replace(
        settings,
        background_threshold=settings.background_threshold * tau_bg,
        greenness_threshold=settings.greenness_threshold * tau_bg,
        attention_threshold=settings.attention_threshold * tau_a,
    )
    return find_harvested(one.seedling.estimate, one.seedling.attention, chosen).mask


def sheet(found: Sequence[Found], settings: Settings) -> Image.Image:
    """A row for each: the finished foreground, where the judge sees the object, the mask as it is,
    with 20 % less and more of tau_bg, and of tau_A."""
    low, own, high = FACTORS
    tried = ((own, own), (low, own), (high, own), (own, low), (own, high))

    def tile(pixels: Bytes) -> Bytes:
        return np.asarray(Image.fromarray(pixels).resize((TILE, TILE), Image.Resampling.NEAREST))

    def grey(mask: Tensor) -> Bytes:
        return tile(np.repeat((mask.float().numpy() * 255).astype(np.uint8)[..., None], 3, -1))

    rows = [
        [tile(one.picture), grey(one.truth), *(grey(mask_of(one, settings, *t)) for t in tried)]
        for one in found
    ]
    return Image.fromarray(np.concatenate([np.concatenate(row, axis=1) for row in rows]))


def attention(maps: Sequence[Tensor], found: Sequence[Found], tau: float) -> dict[str, float]:
    """How well maps of attention alone, scaled and cut at ``tau``, find the objects; and how
    often the map is higher inside than outside (area under the ROC curve)."""
    scaled = [scale_to_unit(one) for one in maps]
    each = [scores(one > tau, f.truth) for one, f in zip(scaled, found, strict=True)]
    areas = [roc_area(one[f.truth], one[~f.truth]) for one, f in zip(scaled, found, strict=True)]
    return {**told(each), "roc_area": round(float(np.mean(areas)), 4)}


def roc_area(inside: Tensor, outside: Tensor) -> float:
    """The chance that a cell inside has more than one outside, ties counting half."""
    more = (inside[:, None] > outside[None, :]).float().mean()
    equal = (inside[:, None] == outside[None, :]).float().mean()
    return float(more + equal / 2)


def by_layer_and_phase(found: Sequence[Found], names: Sequence[str], tau: float) -> dict[str, Any]:
    """By layer over all steps, by phase over all layers, and everything."""
    everything = [f.maps.mean(dim=(0, 1)) for f in found]
    layers = {
        name.removesuffix(".processor"): attention(
            [f.maps[:, i].mean(0) for f in found], found, tau
        )
        for i, name in enumerate(names)
    }
    phases = {
        f"part {i + 1} of {PHASES}": attention(
            [f.maps.tensor_split(PHASES)[i].mean(dim=(0, 1)) for f in found], found, tau
        )
        for i in range(PHASES)
    }
    return {"all": attention(everything, found, tau), "layers": layers, "phases": phases}


def main(
    out: Out,
    model: str = "paddy",
    count: int = 60,
) -> None:
    """Grow the foregrounds once, then try everything on what was harvested."""
    pipe, judge = load_quiet(model), Judge.load()
    # The estimate of the harvest step, and one pass of all steps, each of which the audit hears.
    settings = Settings(planting="harvested", crop_ratio=0.5, tries=1, quality="best")
    paper = Settings.paper()
    found, papers = (
        [
            one
            for pair in track(pairs(count), title)
            if (one := finished_foreground(pipe, judge, pair, chosen)) is not None
        ]
        for title, chosen in (("foregrounds", settings), ("the paper's", paper))
    )
    order = execution_order(pipe.unet)
    document = {
        "model": model,
        "foregrounds": len(found),
        "not_seen": count - len(found),
        "sweep": every_combination(found, settings, CHOICES["mask_rule"]),
        "paper_foregrounds": len(papers),
        "paper_sweep": every_combination(papers, paper, [paper.mask_rule]),
        "attention": by_layer_and_phase(found, order, settings.attention_threshold),
        "paper_attention": by_layer_and_phase(papers, order, paper.attention_threshold),
    }
    print(json.dumps(document, indent=1))
    (out / "masks.json").write_text(json.dumps(document, indent=1) + "\n")
    sheet(papers[:SHOWN], paper).save(figure_in(out, "masks-paper.png"))


def execution_order(unet: Any) -> list[str]:
    """The cross-attention sites from input to output."""
    sites = cross_attention_sites(unet)
    order = {"down_blocks": 0, "mid_block": 1, "up_blocks": 2}
    return sorted(sites, key=lambda name: order[name.split(".")[0]])


if __name__ == "__main__":
    typer.run(main)
