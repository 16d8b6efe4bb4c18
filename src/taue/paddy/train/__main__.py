"""``python -m taue.paddy.train``: paddy from nothing, in stages that resume where they stopped."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum
from pathlib import Path
from typing import Annotated

import torch
import typer

from taue.paddy.train.autoencoder import encode_pictures, train_autoencoder
from taue.paddy.train.config import TrainConfig
from taue.paddy.train.curves import draw_curves
from taue.paddy.train.data import render_pictures
from taue.paddy.train.denoiser import train_denoiser
from taue.paddy.train.export import export_model


class Stage(str, Enum):
    """The stages, in order."""

    pictures = "pictures"
    autoencoder = "autoencoder"
    latents = "latents"
    denoiser = "denoiser"
    export = "export"
    curves = "curves"


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
    batch: Annotated[int | None, typer.Option(min=1, help="Samples a step, UNet.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes, one a core.")] = 2,
    seed: int = 0,
    curve: Annotated[Path, typer.Option(help="Where the loss curves are drawn.")] = Path(
        "docs/paddy-training.png"
    ),
) -> None:
    """Render, train the autoencoder, train the denoiser, export, draw the curves.

    Run it again after a kill: each stage resumes from its last checkpoint.
    """
    cuda = torch.cuda.is_available()
    config = TrainConfig(
        folder=folder,
        resolution=resolution,
        grow=grow,
        scenes=scenes,
        seed=seed,
        workers=1 if cuda else workers,
        device="cuda" if cuda else "cpu",
    )
    if autoencoder_steps:
        config = replace(config, autoencoder=replace(config.autoencoder, steps=autoencoder_steps))
    if denoiser_steps:
        config = replace(config, denoiser=replace(config.denoiser, steps=denoiser_steps))
    if batch:
        config = replace(config, denoiser=replace(config.denoiser, batch=batch))
    folder.mkdir(parents=True, exist_ok=True)
    stages = {
        Stage.pictures: lambda: render_pictures(replace(config, workers=workers)),
        Stage.autoencoder: lambda: train_autoencoder(config),
        Stage.latents: lambda: encode_pictures(config),
        Stage.denoiser: lambda: train_denoiser(config),
        Stage.export: lambda: export_model(config, folder / "paddy"),
        Stage.curves: lambda: draw_curves(folder, curve),
    }
    for name, run in stages.items():
        if stage in (None, name):
            run()


if __name__ == "__main__":
    typer.run(main)
