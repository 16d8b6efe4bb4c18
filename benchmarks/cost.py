"""What layers cost beside a plain picture of the same model: seconds, UNet evaluations, FLOPs.

    python -m benchmarks.cost --out docs

Every recipe draws the same pairs, one after the other in each round, so that a machine that slows
down slows all of them; seconds are wall-clock, on one thread, from prompts to decoded pictures (of
layers: to the cut-out, lit ones), without loading and without writing files. Writes ``cost.json``.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import typer
from diffusers import StableDiffusionXLPipeline
from rich.progress import track
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.crew import Out
from benchmarks.designer import pairs
from benchmarks.pair import Pair
from taue import Scene, TauePipeline, run
from taue.evaluation.methods.base import counted

PLAIN = "plain, 50 steps"
"""What the others are measured against."""

STEPS = 50
FEW = {"loras": [{"name": "few-steps"}], "scheduler": "lcm"}


@dataclass(frozen=True)
class Recipe:
    """One way to draw: of a scene with these fields, layers or a plain picture of the whole."""

    name: str
    layered: bool
    fields: dict[str, Any]

    def scene(self, pair: Pair) -> Scene:
        scales = ("guidance_scale", "foreground_guidance_scale") if "loras" in self.fields else ()
        guidance: dict[str, Any] = dict.fromkeys(scales, 1.0)
        return Scene.from_data(
            {
                "seed": pair.seed,
                "background": pair.background,
                "subjects": [{"prompt": pair.subject}],
                **guidance,
                **self.fields,
            }
        )


RECIPES = (
    Recipe(PLAIN, False, {"steps": STEPS}),
    Recipe("the paper's three stages", True, {"steps": STEPS, "method": {"base": "paper"}}),
    Recipe("taue", True, {"steps": STEPS}),
    Recipe("plain, few-steps, 8 steps", False, {"steps": 8, **FEW}),
    Recipe("taue, few-steps, 8 steps", True, {"steps": 8, **FEW}),
    Recipe("plain, few-steps, 4 steps", False, {"steps": 4, **FEW}),
    Recipe("taue, few-steps, 4 steps", True, {"steps": 4, **FEW}),
)


def drawer(recipe: Recipe, pipe: TauePipeline) -> Callable[[Scene], None]:
    """What draws a scene by a recipe."""

    def layers(scene: Scene) -> None:
        run.make(pipe, scene)

    def plain(scene: Scene) -> None:
        from taue.schedulers import exchanged

        own: Any = pipe.scheduler
        if scene.scheduler is not None:
            pipe.scheduler = exchanged(scene.scheduler, own, scene.steps)
        StableDiffusionXLPipeline.__call__(
            pipe,
            prompt=f"{scene.subjects[0].prompt}, {scene.background}",
            num_inference_steps=scene.steps,
            guidance_scale=scene.guidance_scale,
            generator=torch.Generator().manual_seed(scene.seed),
        )
        pipe.scheduler = own

    return layers if recipe.layered else plain


def measured(draw: Callable[[Scene], None], pipe: TauePipeline, scene: Scene) -> dict[str, float]:
    """Seconds and UNet evaluations of one drawing."""
    with counted(pipe.network) as count:
        began = time.perf_counter()
        draw(scene)
        seconds = time.perf_counter() - began
    return {"seconds": seconds, "evaluations": count[0]}


def flops(pipe: TauePipeline) -> float:
    """Of one sample through the UNet, in 10^9."""
    unet: Any = pipe.network
    config, side = unet.config, unet.config.sample_size
    added = {"text_embeds": torch.zeros(1, 64), "time_ids": torch.zeros(1, 6)}
    sample = torch.zeros(1, config.in_channels, side, side)
    prompt = torch.zeros(1, 32, config.cross_attention_dim)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        unet(sample, 1, encoder_hidden_states=prompt, added_cond_kwargs=added)
    return counter.get_total_flops() / 1e9


def main(out: Out, rounds: int = 12) -> None:
    """Draw ``rounds`` pairs by every recipe and say what each costs beside plain generation."""
    torch.set_num_threads(1)
    pipes = {}
    for name in ("few", "full"):
        recipe = next(r for r in RECIPES if ("loras" in r.fields) == (name == "few"))
        pipe = run.load(recipe.scene(pairs(1)[0]), torch.device("cpu"), torch.float32)
        pipe.set_progress_bar_config(disable=True)
        pipes[name] = pipe
    rows: dict[str, list[dict[str, float]]] = {recipe.name: [] for recipe in RECIPES}
    for pair in track(pairs(rounds + 1), "rounds"):
        for recipe in RECIPES:
            pipe = pipes["few" if "loras" in recipe.fields else "full"]
            rows[recipe.name].append(measured(drawer(recipe, pipe), pipe, recipe.scene(pair)))
    each = flops(pipes["full"])
    told: dict[str, Any] = {"rounds": rounds, "gflops_of_a_sample": round(each, 3), "recipes": {}}
    for name, all_lines in rows.items():
        lines, plain = all_lines[1:], rows[PLAIN][1:]  # the first round warms up
        ratios = [a["seconds"] / b["seconds"] for a, b in zip(lines, plain, strict=True)]
        evaluations = statistics.mean(line["evaluations"] for line in lines)
        told["recipes"][name] = {
            "seconds": round(statistics.median(line["seconds"] for line in lines), 3),
            "of_plain": round(statistics.median(ratios), 3),
            "evaluations": round(evaluations, 2),
            "gflops": round(each * evaluations, 1),
        }
    (out / "cost.json").write_text(json.dumps(told, indent=1) + "\n")
    for name, line in told["recipes"].items():
        typer.echo(f"{name:28}" + "".join(f"{key} {value:<10}" for key, value in line.items()))


if __name__ == "__main__":
    typer.run(main)
