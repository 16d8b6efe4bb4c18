"""Twenty scenes as an old commit draws them, and as this one does with equal settings.

Equal means every step in every stage, and the harvest at the same step: the old package counted
steps, where this one looks for the level (see :mod:`taue.harvest`).

    python -m benchmarks.recorded compare OUT.json --commit 49f921a

takes the old package out of git, lets it and this one draw each scene from one seed, and says how
far they are apart: the stages (the raw pictures, and the latents they were decoded from), the
masks on the latent grid, and the layers that are made of them. With ``--drawn FOLDER`` the results
stay there, and the same command goes on after a stop. ``draw`` is a process of one package; it
uses only what both have.
"""

from __future__ import annotations

import dataclasses
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Annotated, Any

import diffusers
import numpy as np
import torch
import typer

from taue import Box, Subject, TauePipeline
from taue.equations import harvest_step
from taue.settings import Settings

ROOT = Path(__file__).parent.parent
STEPS = 6

APPLE, CAR, HOUSE, CUBE, MUG = (
    "a red apple", "a blue car", "a yellow house", "a purple cube", "a green mug",
)  # fmt: skip
TWO = (
    Subject(APPLE, box=Box(0.05, 0.35, 0.4, 0.45)),
    Subject(CAR, box=Box(0.5, 0.4, 0.45, 0.4)),
)
THREE = (
    Subject(APPLE, box=Box(0.02, 0.4, 0.3, 0.4)),
    Subject(HOUSE, box=Box(0.35, 0.35, 0.3, 0.45)),
    Subject(CAR, box=Box(0.67, 0.45, 0.3, 0.35)),
)
LATE = (TWO[0], dataclasses.replace(TWO[1], crop_ratio=0.4))
APART = (
    Subject(APPLE, box=Box(0.1, 0.3, 0.35, 0.4)),
    Subject(CUBE, box=Box(0.5, 0.4, 0.4, 0.35)),
)


@dataclasses.dataclass(frozen=True)
class Take:
    """A scene, the scheduler that draws it (the model's own if None), the canvas [height, width],
    settings, and what is done to the result."""

    subjects: tuple[Subject | str, ...]
    background: str
    scheduler: str | None = None
    canvas: tuple[int, int] | None = None
    settings: dict[str, Any] = dataclasses.field(default_factory=dict)
    move: tuple[int, Box] | None = None
    other: str | None = None


CASES = (
    Take((APPLE,), "a beach at sunset", settings={"num_inference_steps": 20}),
    Take((APPLE, CAR), "a meadow"),
    Take(TWO, "a desert", "DDIMScheduler", settings={"harmony": 0.5}),
    Take(TWO, "a desert", "DPMSolverMultistepScheduler", settings={"harmony": 0.0}),
    Take(THREE, "a beach", "EulerAncestralDiscreteScheduler"),
    Take(THREE, "outer space", "HeunDiscreteScheduler", settings={"harmony": 0.5}),
    Take((APPLE, CAR, HOUSE, CUBE), "a meadow"),
    Take(TWO, "a kitchen", settings={"planting": "harvested", "released_prompt": "regions"}),
    Take(TWO, "a kitchen", "DDIMScheduler",
         settings={"planting": "harvested", "filter_noisy": True, "tries": 1}),
    Take((APPLE,), "a snowy field", "UniPCMultistepScheduler", settings={"placement": "suggest"}),
    Take((MUG,), "a living room", "LCMScheduler"),
    Take(LATE, "a beach", "DPMSolverMultistepScheduler"),
    Take(TWO, "a meadow", move=(2, Box(0.55, 0.1, 0.35, 0.35))),
    Take(TWO, "a meadow", "EulerDiscreteScheduler", other="a dark forest"),
    Take((APPLE, CAR), "a desert",
         settings={"layering": "difference", "noise_strength": 0.9, "hold_crop_step": True}),
    Take((APPLE,), "a beach at sunset", canvas=(128, 128),
         settings={"guidance_scale": 1.0, "foreground_guidance_scale": 1.0}),
    Take(TWO, "a desert",
         settings={"key": "blue", "sharpening": 0.0, "mask_rule": "intersection"}),
    Take(TWO, "a desert", "DDIMScheduler", settings={"harmony": 0.5},
         move=(1, Box(0.1, 0.1, 0.3, 0.35)), other="the ocean"),
    Take(APART, "a road", "DPMSolverSinglestepScheduler", canvas=(192, 320)),
    Take(TWO, "a desert", "EulerAncestralDiscreteScheduler",
         settings={"planting": "harvested", "tries": 2, "crop_ratio": 0.5}),
)  # fmt: skip

STAGES, LATENTS, MASKS, LAYERS = "stages", "latents", "masks", "layers"
Arrays = dict[str, Any]

app = typer.Typer(add_completion=False)


@app.command("draw")
def draw_scenes(out: Path) -> None:
    """Draw all scenes that are not in ``out`` with the package on the path, an ``.npz`` each."""
    out.mkdir(parents=True, exist_ok=True)
    pipe: Any = TauePipeline.from_pretrained("paddy")
    pipe.set_progress_bar_config(disable=True)
    own = pipe.scheduler
    for number, case in enumerate(CASES, 1):
        last = f"{number:02}-again" if case.move or case.other else f"{number:02}"
        if (out / f"{last}.npz").exists():
            continue
        kind = case.scheduler and getattr(diffusers, case.scheduler)
        pipe.scheduler = kind.from_config(own.config) if kind else own
        height, width = case.canvas or (None, None)
        settings = _settings(case.settings)
        steps = settings.num_inference_steps
        subjects = [
            dataclasses.replace(one, crop_ratio=_alike(pipe, steps, one.crop_ratio))
            if isinstance(one, Subject) and one.crop_ratio else one
            for one in case.subjects
        ]  # fmt: skip
        ratio = _alike(pipe, steps, settings.crop_ratio)
        layers = pipe(
            subjects, case.background, height=height, width=width, output_type="np",
            settings=dataclasses.replace(settings, crop_ratio=ratio),
            generator=torch.Generator().manual_seed(number),
        )  # fmt: skip
        _keep(out / f"{number:02}.npz", layers)
        if case.move or case.other:
            boxes = dict([case.move]) if case.move else None
            again = pipe.regrow(layers, background=case.other, boxes=boxes, output_type="np")
            _keep(out / f"{number:02}-again.npz", again)


@app.command()
def compare(
    out: Path,
    commit: Annotated[str, typer.Option(help="Of the old package.")] = "49f921a",
    drawn: Annotated[
        Path | None, typer.Option(help="Keeps what is drawn: to go on after a stop.")
    ] = None,
) -> None:
    """Draw all scenes with an old package and with this one; write how far they are apart."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        git = ["git", "archive", commit, "src"]
        packed = subprocess.run(git, cwd=ROOT, check=True, capture_output=True).stdout  # noqa: S603
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            archive.extractall(folder, filter="data")
        kept = (folder if drawn is None else drawn).resolve()
        before, now = kept / commit, kept / "now"
        for source, into in ((folder / "src", before), (ROOT / "src", now)):
            command = [sys.executable, __file__, "draw", str(into)]
            environment = {**os.environ, "PYTHONPATH": str(source)}
            subprocess.run(command, env=environment, check=True)  # noqa: S603 - ours
        old, new = (sorted(into.glob("*.npz")) for into in (before, now))
        told = {
            one.stem: apart(np.load(one), np.load(two)) for one, two in zip(old, new, strict=True)
        }
    largest = {kind: max(row[kind] for row in told.values()) for kind in (STAGES, LATENTS, LAYERS)}
    equal = sum(row[MASKS] == 0 for row in told.values())
    found = {"commit": commit, "largest": largest, "equal masks": equal, "results": told}
    out.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    typer.echo(f"{len(told)} results, {equal} with equal masks; largest differences {largest}")


def _keep(path: Path, layers: Any) -> None:
    """Write what a result holds, all of it or nothing."""
    unfinished = path.with_suffix(".part")
    with unfinished.open("wb") as file:
        np.savez(file, **_arrays(layers))
    unfinished.replace(path)


def apart(old: Any, new: Any) -> dict[str, float]:
    """How far two results are apart: pictures in 255ths, latents as they are, cells of masks.

    Raises:
        ValueError: if they do not hold the same arrays.
    """
    if set(old.files) != set(new.files):
        raise ValueError(f"only one has {sorted(set(old.files) ^ set(new.files))}")
    found = {STAGES: 0.0, LATENTS: 0.0, MASKS: 0.0, LAYERS: 0.0}
    for name in old.files:
        kind, one, two = name.partition("/")[0], old[name], new[name]
        if one.shape != two.shape:
            raise ValueError(f"{name} was {one.shape} and is {two.shape}")
        away = np.abs(one.astype(np.float64) - two.astype(np.float64))
        if kind == MASKS:
            found[kind] += float((away > 0).sum())
        else:
            found[kind] = max(
                found[kind], float(away.max(initial=0)) * (1 if kind == LATENTS else 255)
            )
    return {kind: round(value, 4) for kind, value in found.items()}


def _alike(pipe: Any, steps: int, ratio: float) -> float:
    """The crop ratio that harvests at the step that this one meant in the old package."""
    try:
        from taue.harvest import harvest_index
        from taue.space import noise_levels
    except ImportError:  # this is the old package
        return ratio
    fresh = type(pipe.scheduler).from_config(pipe.scheduler.config)
    fresh.set_timesteps(steps)
    levels, order = noise_levels(fresh), int(getattr(fresh, "order", 1))
    wanted = harvest_step(steps, ratio)
    ratios = sorted((ratio, *np.linspace(0.01, 0.99, 99).tolist()), key=lambda r: abs(r - ratio))
    return next(r for r in ratios if harvest_index(levels, order, steps, r) == wanted)


def _settings(changed: dict[str, Any]) -> Settings:
    """The old defaults: all of the steps in every stage, where that can be chosen."""
    known = {field.name for field in dataclasses.fields(Settings)}
    best = {"quality": "best"} if "quality" in known else {}
    return Settings(**{"num_inference_steps": STEPS, **best, **changed})


def _arrays(layers: Any) -> Arrays:
    """What a result holds, by the names of :func:`apart`."""
    raw = {"background": layers.background, "composite": layers.raw_composite}
    if layers.raw_composite is None:  # the composite is its stage as it ended
        raw["composite"] = layers.composite
    several = {"foreground": layers.foregrounds}
    found = {f"{STAGES}/{name}": picture for name, picture in raw.items()}
    found |= _numbered(STAGES, several)
    found |= _numbered(MASKS, {"mask": layers.masks})
    parts = ("denoised", "noise", "final")
    seeds = {part: [getattr(one, part) for one in layers.seedlings] for part in parts}
    found |= _numbered(LATENTS, {**seeds, "attention": layers.attention_maps})
    found[f"{LAYERS}/composite"] = layers.composite
    subjects = [layer.image for layer in layers.subjects]
    again = {"subject": subjects, "effect": layers.effects, "refined": layers.refined}
    found |= _numbered(LAYERS, again)
    return {name: np.asarray(value) for name, value in found.items() if value is not None}


def _numbered(kind: str, several: dict[str, Any]) -> Arrays:
    return {
        f"{kind}/{name}{place}": value
        for name, values in several.items()
        for place, value in enumerate(values)
    }


if __name__ == "__main__":
    app()
