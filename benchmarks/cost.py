"""What layers cost beside a plain picture of the same model: seconds and UNet evaluations.

    python -m benchmarks.cost --out docs

Every recipe draws the same pairs, one after the other in each round, so that a machine that slows
down slows all of them; seconds are of the process, on one thread, from prompts to decoded pictures
(of layers: to the cut-out, lit ones), without loading and without writing files. Those of
the model, UNet and autoencoder, stand apart: the rest is prompts, cutting out and lighting, which
do not grow with the model. Writes ``cost.json``. :mod:`benchmarks.counted` has the FLOPs.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import typer
from diffusers import StableDiffusionXLPipeline
from PIL import Image
from rich.progress import track

from benchmarks.crew import Out
from benchmarks.designer import pairs
from benchmarks.pair import OneSubject
from taue import Layers, Scene, TauePipeline, run
from taue.effort import EFFORTS
from taue.evaluation.methods.base import counting

PLAIN = "plain, 50 steps"
"""What the others are measured against."""

STEPS = 50
EMBEDDED = ("prompt_embeds", "add_text_embeds", "add_time_ids")
"""What holds the negative prompt's half, in the pipeline's own words."""
FEW = {"loras": [{"name": "few-steps"}], "scheduler": "lcm"}


@dataclass(frozen=True)
class Way:
    """One way to draw: of a scene with these fields, layers or a plain picture of the whole, which
    is guided up to a step of this number if there is one."""

    name: str
    layered: bool
    fields: dict[str, Any]
    guided: int | None = None

    def scene(self, pair: OneSubject) -> Scene:
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
    Way(PLAIN, False, {"steps": STEPS}),
    Way("plain, guided for 40 of 50 steps", False, {"steps": STEPS}, guided=40),
    Way("the paper's three stages", True, {"steps": STEPS, "method": {"base": "paper"}}),
    *(
        Way(f"taue, {quality}", True, {"steps": STEPS, "method": {"quality": quality}})
        for quality in EFFORTS
    ),
    Way("plain, few-steps, 8 steps", False, {"steps": 8, **FEW}),
    Way("taue, few-steps, 8 steps", True, {"steps": 8, **FEW}),
    Way("plain, few-steps, 4 steps", False, {"steps": 4, **FEW}),
    Way("taue, few-steps, 4 steps", True, {"steps": 4, **FEW}),
)


def until(step: int) -> Callable[..., dict[str, Any]]:
    """A callback that ends guidance before a step, as diffusers' documentation has it."""

    def ended(pipe: Any, index: int, _timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        if index + 1 != step:
            return {}
        pipe._guidance_scale = 0.0
        return {name: tensors[name].chunk(2)[-1] for name in EMBEDDED}

    return ended


def drawer(recipe: Way, pipe: TauePipeline) -> Callable[[Scene], Any]:
    """What draws a scene by a recipe: its layers, or the picture."""

    def layers(scene: Scene) -> Layers:
        return run.make(pipe, scene)

    def plain(scene: Scene) -> Image.Image:
        from taue.schedulers import exchanged

        own: Any = pipe.scheduler
        if scene.scheduler is not None:
            pipe.scheduler = exchanged(scene.scheduler, own, scene.steps)
        made: Any = StableDiffusionXLPipeline.__call__(
            pipe,
            prompt=f"{scene.subjects[0].prompt}, {scene.background}",
            num_inference_steps=scene.steps,
            guidance_scale=scene.guidance_scale,
            generator=torch.Generator().manual_seed(scene.seed),
            callback_on_step_end=None if recipe.guided is None else until(recipe.guided),
            callback_on_step_end_tensor_inputs=list(EMBEDDED),
        )
        pipe.scheduler = own
        return made.images[0]

    pipe.vae.to(memory_format=torch.channels_last)  # as ours is used on a CPU
    return layers if recipe.layered else plain


@contextmanager
def clocked(modules: Sequence[Any]) -> Iterator[list[float]]:
    """Seconds of the process inside modules' calls, the list's only value."""
    spent, began = [0.0], [0.0]

    def enter(*_: Any) -> None:
        began[0] = time.process_time()

    def leave(*_: Any) -> None:
        spent[0] += time.process_time() - began[0]

    handles = [m.register_forward_pre_hook(enter) for m in modules]
    handles += [m.register_forward_hook(leave) for m in modules]
    try:
        yield spent
    finally:
        for handle in handles:
            handle.remove()


def timed_drawing(
    draw: Callable[[Scene], Any], pipe: TauePipeline, scene: Scene
) -> tuple[dict[str, float], Any]:
    """Seconds of one drawing, those of the model, and UNet evaluations; and what was drawn."""
    vae: Any = pipe.vae
    with (
        counting(pipe.network) as count,
        clocked([pipe.network, vae.encoder, vae.decoder]) as model,
    ):
        began = time.process_time()
        drawn = draw(scene)
        seconds = time.process_time() - began
    return {"seconds": seconds, "model_seconds": model[0], "evaluations": count[0]}, drawn


def summed(
    lines: Sequence[dict[str, float]], plain: Sequence[dict[str, float]]
) -> dict[str, float]:
    """A recipe's medians, and the medians of its ratios to plain generation in the same round."""

    def median(what: str) -> float:
        return round(statistics.median(line[what] for line in lines), 3)

    def ratio(what: str) -> float:
        pairs = zip(lines, plain, strict=True)
        return round(statistics.median(a[what] / b[what] for a, b in pairs), 3)

    evaluations = statistics.mean(line["evaluations"] for line in lines)
    return {
        "seconds": median("seconds"),
        "of_plain": ratio("seconds"),
        "model_seconds": median("model_seconds"),
        "model_of_plain": ratio("model_seconds"),
        "evaluations": round(evaluations, 2),
    }


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
            cost, _ = timed_drawing(drawer(recipe, pipe), pipe, recipe.scene(pair))
            rows[recipe.name].append(cost)
    told: dict[str, Any] = {"rounds": rounds, "recipes": {}}
    for name, lines in rows.items():  # the first round warms up
        told["recipes"][name] = summed(lines[1:], rows[PLAIN][1:])
    (out / "cost.json").write_text(json.dumps(told, indent=1) + "\n")
    for name, line in told["recipes"].items():
        typer.echo(f"{name:28}" + "".join(f"{key} {value:<10}" for key, value in line.items()))


if __name__ == "__main__":
    typer.run(main)
