"""``python -m taue.paddy.train``: paddy from nothing, in stages that resume where they stopped.

The two last stages make paddy's relatives from its pictures and latents, when they are asked for.
"""

from __future__ import annotations

from dataclasses import replace
from enum import Enum
from pathlib import Path
from typing import Annotated

import torch
import typer

from taue import models
from taue.paddy.train.autoencoder import encode_pictures, train_autoencoder
from taue.paddy.train.config import Schedule, TrainConfig
from taue.paddy.train.curves import draw_curves
from taue.paddy.train.data import render_pictures
from taue.paddy.train.denoiser import train_denoiser
from taue.paddy.train.dit import train_dit
from taue.paddy.train.export import export_model
from taue.paddy.train.export_dit import export_dit
from taue.paddy.train.export_few_steps import export_few_steps
from taue.paddy.train.few_steps import train_few_steps


class Stage(str, Enum):
    """The stages, in order. Without one that is named, all but the last two run."""

    pictures = "pictures"
    autoencoder = "autoencoder"
    latents = "latents"
    denoiser = "denoiser"
    export = "export"
    curves = "curves"
    dit = "dit"
    few_steps = "few-steps"


RELATIVES = (Stage.dit, Stage.few_steps)


def main(
    folder: Annotated[Path, typer.Option(help="Everything that the run makes.")] = Path(
        "paddy-training"
    ),
    stage: Annotated[Stage | None, typer.Option(help="Only this stage; all without it.")] = None,
    resolution: Annotated[int, typer.Option(min=64, max=1024)] = 256,
    grow: Annotated[
        Path | None, typer.Option(help="Start from this finished run at half the resolution.")
    ] = None,
    scenes: Annotated[int, typer.Option(min=1, help="Pictures to render.")] = 40_000,
    autoencoder_steps: Annotated[int | None, typer.Option(min=1)] = None,
    denoiser_steps: Annotated[int | None, typer.Option(min=1)] = None,
    batch: Annotated[
        int | None, typer.Option(min=1, help="Samples a step, not of stage 1.")
    ] = None,
    dit_steps: Annotated[int | None, typer.Option(min=1)] = None,
    lora_steps: Annotated[int | None, typer.Option(min=1, help="Of few-steps.")] = None,
    minutes: Annotated[
        float | None, typer.Option(min=0.01, help="End dit or few-steps after this time.")
    ] = None,
    teacher: Annotated[Path, typer.Option(help="Model that few-steps hastens.")] = models.PADDY,
    compiled: Annotated[
        bool, typer.Option(help="Compile dit and few-steps; pays on GPUs.")
    ] = False,
    workers: Annotated[int, typer.Option(min=1, help="Processes, one a core.")] = 2,
    seed: int = 0,
    curve: Annotated[Path, typer.Option(help="Where the loss curves are drawn.")] = Path(
        "docs/figures/paddy-training.png"
    ),
) -> None:
    """Render, train the autoencoder, train the denoiser, export, draw the curves.

    ``--stage dit`` trains the transformer and exports FOLDER/paddy-dit; ``--stage few-steps`` a
    LoRA for FOLDER/few-steps. Both need the stages pictures and latents, and FOLDER/vae.

    Run it again after a kill: each stage resumes from its last checkpoint.
    """
    cuda = torch.cuda.is_available()
    config = TrainConfig(
        folder=folder,
        resolution=resolution,
        grow=grow,
        scenes=scenes,
        seed=seed,
        workers=1 if cuda or minutes else workers,
        device="cuda" if cuda else "cpu",
        teacher=teacher,
        compiled=compiled,
    )
    config = replace(
        config,
        autoencoder=with_given(config.autoencoder, steps=autoencoder_steps),
        denoiser=with_given(config.denoiser, steps=denoiser_steps, batch=batch),
        dit=with_given(config.dit, steps=dit_steps, batch=batch, minutes=minutes),
        few_steps=with_given(config.few_steps, steps=lora_steps, batch=batch, minutes=minutes),
    )
    folder.mkdir(parents=True, exist_ok=True)
    stages = {
        Stage.pictures: lambda: render_pictures(replace(config, workers=workers)),
        Stage.autoencoder: lambda: train_autoencoder(config),
        Stage.latents: lambda: encode_pictures(config),
        Stage.denoiser: lambda: train_denoiser(config),
        Stage.export: lambda: export_model(config, folder / "paddy"),
        Stage.curves: lambda: draw_curves(folder, curve),
        Stage.dit: lambda: (train_dit(config), export_dit(config, folder / "paddy-dit")),
        Stage.few_steps: lambda: (
            train_few_steps(config),
            export_few_steps(config, folder / "few-steps"),
        ),
    }
    for name, run in stages.items():
        if name == stage or (stage is None and name not in RELATIVES):
            run()


def with_given(schedule: Schedule, **given: float | None) -> Schedule:
    """A schedule with the numbers that were given."""
    return replace(schedule, **{name: value for name, value in given.items() if value})


if __name__ == "__main__":
    typer.run(main)
