"""What scenes cost in FLOPs of the UNet: counted, call by call, so that no machine has a say.

    python -m benchmarks.counted --out docs

Scenes of one, two, four and eight subjects, and of one before another background and moved, are
drawn by paddy; every call of its UNet is written down by its stage, the size of its latents and the
prompts that it attends to. torch counts what such a call is, on the meta device: of paddy's
architecture, and of SDXL's with latents that are larger by as much as its canvas is (a window is a
share of the canvas). Plain is the same model's picture of as many guided steps. What attention
costs that is read is not in it. Writes ``counted.json``.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
import typer
from diffusers import UNet2DConditionModel
from rich.progress import track
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.crew import Out, load_quiet
from benchmarks.full_size import UNET
from taue import Box, Scene, TauePipeline, run
from taue.backbones.cross_attention import RegionBlend, installed
from taue.effort import EFFORTS

STEPS = 50
COUNTS = (2, 4, 8)
QUALITIES = (*EFFORTS, "paper")
BACKGROUNDS = ("a meadow", "a beach at sunset", "a desert")
PROMPTS = (
    "a red apple", "a blue ball", "a green tree", "a yellow duck",
    "a white boat", "a purple house", "an orange car", "a brown chair",
)  # fmt: skip
SIDE, LEAST = 0.42, 0.32
"""Of the boxes, if a grid has room for it, and of those of a crowd: as small as paddy draws in."""

ROOM = 0.96
"""Of the canvas's width, what the boxes of a row take at most."""


@dataclass(frozen=True)
class Call:
    """A UNet's: samples, rows and columns of latent cells, and prompts that each attends to."""

    samples: int
    rows: int
    columns: int
    prompts: int


@dataclass(frozen=True)
class Architecture:
    """A UNet without weights, and the prompts that it reads."""

    unet: Any
    tokens: int

    @classmethod
    def of(cls, config: Mapping[str, Any], tokens: int) -> Architecture:
        with torch.device("meta"):
            return cls(UNet2DConditionModel.from_config(config), tokens)

    @torch.no_grad()
    def gflops(self, call: Call) -> float:
        """Of a call, in 10^9."""
        ready = prediction(self.unet, call, self.tokens, device="meta")
        with ready as predict, FlopCounterMode(display=False) as counter:
            predict()
        return counter.get_total_flops() / 1e9


@contextmanager
def prediction(unet: Any, call: Call, tokens: int, **kind: Any) -> Iterator[Callable[[], object]]:
    """A UNet ready for a call with prompts of so many tokens, and that call, with empty tensors of
    a kind, as ``torch.empty`` is told of it."""
    config, empty = unet.config, partial(torch.empty, **kind)
    pooled = config.projection_class_embeddings_input_dim - 6 * config.addition_time_embed_dim
    sample = empty(call.samples, config.in_channels, call.rows, call.columns)
    prompts = empty(call.samples, call.prompts * tokens, config.cross_attention_dim)
    added = {"text_embeds": empty(call.samples, pooled), "time_ids": empty(call.samples, 6)}
    single = {"dtype": torch.float32}
    timestep = empty((), **single)
    blend = RegionBlend(empty(call.samples, call.prompts, call.rows, call.columns, **single))
    with installed(unet, blend.wrap) if call.prompts > 1 else nullcontext():
        yield lambda: unet(sample, timestep, encoder_hidden_states=prompts, added_cond_kwargs=added)


class Ledger:
    """Calls by the stages that they were for."""

    def __init__(self, tokens: int) -> None:
        self.tokens = tokens
        self.calls: dict[str, Counter[Call]] = {}
        self._last: list[Call] = []
        self._stages: list[str] = []

    def called(self, _: Any, given: tuple[Any, ...], named: Mapping[str, Any]) -> None:
        """Before each call."""
        if self._stages:
            self.close()
        prompts = named["encoder_hidden_states"].shape[1] // self.tokens
        samples, _channels, rows, columns = given[0].shape
        self._last.append(Call(samples, rows, columns, prompts))

    def stepped(self, _: Any, _index: int, _time: Any, told: dict[str, Any]) -> dict[str, Any]:
        """After each step of each stage."""
        self._stages.append(told["stage"])
        return {}

    def close(self) -> None:
        """What was called was for the stages that made a step since."""
        name = " + ".join(dict.fromkeys(self._stages))
        self.calls.setdefault(name, Counter()).update(self._last)
        self._last, self._stages = [], []


@contextmanager
def calls_written(pipe: TauePipeline, tokens: int) -> Iterator[Ledger]:
    """What the network is called with while the block runs."""
    ledger = Ledger(tokens)
    handle = pipe.network.register_forward_pre_hook(ledger.called, with_kwargs=True)
    try:
        yield ledger
        ledger.close()
    finally:
        handle.remove()


def scene(seed: int, quality: str, boxes: Sequence[Sequence[float]]) -> Scene:
    """Subjects in boxes; one alone has none."""
    count = len(boxes)
    prompts = [PROMPTS[(seed + n) % len(PROMPTS)] for n in range(count)]
    method = {"base": "paper"} if quality == "paper" else {"quality": quality}
    where = [{}] if count == 1 else [{"box": box} for box in boxes]
    return Scene.from_data(
        {
            "seed": seed,
            "steps": STEPS,
            "background": BACKGROUNDS[seed % len(BACKGROUNDS)],
            "subjects": [{"prompt": p, **b} for p, b in zip(prompts, where, strict=True)],
            "method": method,
        }
    )


def grid(count: int) -> list[list[float]]:
    """Boxes in rows from below, side by side, evenly apart."""
    columns = math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    side = round(min(SIDE, ROOM / columns), 4)
    gap, rise = ((1 - many * side) / (many + 1) for many in (columns, rows))
    made = []
    for n in range(count):
        row, column = divmod(n, columns)
        left, bottom = gap + column * (side + gap), 1 - rise - row * (side + rise)
        made.append([round(left, 4), round(bottom - side, 4), side, side])
    return made


def crowded() -> list[list[float]]:
    """Four in a row from border to border, each over a third of its neighbour's box."""
    return [[round(n * (1 - LEAST) / 3, 4), 0.6, LEAST, LEAST] for n in range(4)]


Work = dict[str, dict[Call, int]]
"""Calls and how often, by stages."""


def work(pipe: TauePipeline, tokens: int, one: Scene) -> dict[str, Work]:
    """A scene's; of one subject in the default quality also what changing it takes."""
    with calls_written(pipe, tokens) as ledger:
        made = run.make(pipe, one, ledger.stepped)
    told: dict[str, Work] = {"": dict(ledger.calls)}
    if len(one.subjects) > 1 or one.method.quality != "balanced":
        return told
    moved = {1: Box(0.1, 0.45, 0.45, 0.45)}
    for name, boxes in (("rebackground", {}), ("move", moved)):
        background = one.background if boxes else "a city at night"
        with calls_written(pipe, tokens) as ledger:
            run.regrow(pipe, made, background, None, boxes, None, ledger.stepped)
        told[name] = dict(ledger.calls)
    return told


def summed(many: Sequence[Work], sizes: Mapping[Call, float], plain: float) -> dict[str, float]:
    """Mean work by stages and in all, of a plain picture's."""
    stages = dict.fromkeys(name for one in many for name in one)
    spent = {
        stage: sum(
            sizes[call] * times for one in many for call, times in one.get(stage, {}).items()
        )
        for stage in stages
    }
    means = {stage: value / len(many) / plain for stage, value in spent.items()}
    return {name: round(value, 3) for name, value in ({"all": sum(means.values())} | means).items()}


def main(out: Out, seeds: int = 4, model: str = "paddy") -> None:
    """Draw ``seeds`` scenes of each kind and count them on both architectures."""
    pipe = load_quiet(model)
    torch.set_num_threads(1)
    own: Any = pipe.network.config
    tokens = pipe.encode_prompt("a")[0].shape[1]
    kinds = [(f"{quality}, 1", quality, grid(1)) for quality in QUALITIES]
    kinds += [(f"balanced, {count}", "balanced", grid(count)) for count in COUNTS]
    kinds.append(("balanced, 4 crowded", "balanced", crowded()))
    found: dict[str, list[Work]] = {}
    for kind, quality, boxes in track(kinds, "scenes"):
        for seed in range(seeds):
            one = scene(seed, quality, boxes)
            for change, calls in work(pipe, tokens, one).items():
                found.setdefault(change or kind, []).append(calls)
    seen = {
        call for many in found.values() for one in many for calls in one.values() for call in calls
    }
    plain = Call(2, own.sample_size, own.sample_size, 1)
    told: dict[str, Any] = {"steps": STEPS, "seeds": seeds, "of_plain": {}}
    for name, config, read in (("paddy", own, tokens), ("SDXL", UNET, 77)):
        made, larger = Architecture.of(config, read), config["sample_size"] // own.sample_size
        sizes = {
            one: made.gflops(replace(one, rows=one.rows * larger, columns=one.columns * larger))
            for one in track(seen | {plain}, name)
        }
        picture = STEPS * sizes[plain]
        told["of_plain"][name] = {
            kind: summed(many, sizes, picture) for kind, many in found.items()
        }
        told.setdefault("gflops_of_plain", {})[name] = round(picture, 1)
    (out / "counted.json").write_text(json.dumps(told, indent=1) + "\n")
    for name, kinds_of in told["of_plain"].items():
        for kind, line in kinds_of.items():
            typer.echo(f"{name:6}{kind:20}{line}")


if __name__ == "__main__":
    typer.run(main)
