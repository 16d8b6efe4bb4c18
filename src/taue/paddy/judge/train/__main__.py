"""``python -m taue.paddy.judge.train``: the judge from nothing; run again, it resumes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from torch import Tensor, nn

from taue.paddy.judge.judge import views_to_tensor
from taue.paddy.judge.network import JudgeNetwork, save_network
from taue.paddy.judge.train.album import Album, draw_album
from taue.paddy.judge.train.loss import judge_loss
from taue.paddy.judge.train.vary import mirror, vary
from taue.paddy.train.config import Schedule
from taue.paddy.train.loop import fit


def train_judge(folder: Path, schedule: Schedule, seed: int) -> JudgeNetwork:
    """Train on the album in ``folder``, from the last checkpoint there if there is one."""
    torch.manual_seed(seed)
    network = JudgeNetwork().to(memory_format=torch.channels_last)
    album = Album.open(folder)

    def loss(count: int, generator: torch.Generator) -> dict[str, Tensor]:
        return batch_loss(network, album, count, generator)

    modules = nn.ModuleDict({"judge": network})
    fit("judge", modules, loss, schedule, folder=folder, rank=0, workers=1, seed=seed)
    return network.eval()


def batch_loss(
    network: JudgeNetwork, album: Album, count: int, generator: torch.Generator
) -> dict[str, Tensor]:
    """The loss of ``count`` pictures drawn with replacement, varied and mirrored."""
    drawn = torch.randint(len(album), (count,), generator=generator).sort().values
    rows = drawn.numpy()
    pictures = vary(views_to_tensor(album.pictures[rows]), generator)
    masks = torch.from_numpy(album.masks[rows].astype(np.float32) / 255)
    pictures, masks, boxes = mirror(pictures, masks, album.boxes[drawn], generator)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        seen = network(pictures.contiguous(memory_format=torch.channels_last))
    return judge_loss(seen, masks, album.names[drawn], boxes, album.backgrounds[drawn])


def main(
    vae: Annotated[Path, typer.Option(help="paddy's autoencoder, a diffusers folder.")],
    folder: Annotated[Path, typer.Option(help="Everything that the run makes.")] = Path(
        "judge-training"
    ),
    pictures: Annotated[int, typer.Option(min=1, help="Pictures to draw.")] = 16_000,
    steps: Annotated[int, typer.Option(min=1)] = 2_200,
    batch: Annotated[int, typer.Option(min=1)] = 32,
    rate: Annotated[float, typer.Option(help="Learning rate.")] = 2e-3,
    seed: int = 0,
) -> None:
    """Draw the pictures, train, write FOLDER/weights.safetensors.

    Run it again after a kill: pictures are drawn again, training resumes from its checkpoint.
    """
    folder.mkdir(parents=True, exist_ok=True)
    draw_album(folder, vae, pictures, seed)
    schedule = Schedule(steps=steps, batch=batch, learning_rate=rate, warmup=50, decay=0.6)
    save_network(train_judge(folder, schedule, seed), folder / "weights.safetensors")


if __name__ == "__main__":
    typer.run(main)
