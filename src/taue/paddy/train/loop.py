"""The optimisation loop that all networks share: average, clip, step, remember, resume."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor, nn

from taue.disk.writing import whole_file
from taue.paddy.train.config import Schedule
from taue.paddy.train.workers import average_gradients

Loss = Callable[[int, torch.Generator], dict[str, Tensor]]
"""``loss(samples, generator) -> {"loss": ..., other figures to write down}``."""

SAVE_EVERY = 250
LOG_EVERY = 25
COLUMNS = (
    TextColumn("{task.description}"),
    BarColumn(),
    MofNCompleteColumn(),
    TimeRemainingColumn(),
    TextColumn("{task.fields[figures]}"),
)


def fit(
    name: str,
    modules: nn.ModuleDict,
    loss: Loss,
    schedule: Schedule,
    *,
    folder: Path,
    rank: int,
    workers: int,
    seed: int,
    ema: float | None = None,
    save_every: int = SAVE_EVERY,
) -> None:
    """Optimise ``modules`` in place, from the last checkpoint in ``folder`` if there is one.

    Worker 0 writes ``NAME.pt`` (weights, moving average, optimiser, step) every ``save_every``
    steps and ``NAME.jsonl`` (a line of figures every 25 steps). With ``ema`` the modules end up
    holding the moving average. Each step draws from a generator seeded by (seed, step, rank), so a
    run that was killed continues as it would have gone on (one whose schedule counts minutes does
    not: its learning rate follows the clock, which goes on from the seconds already spent).

    Raises:
        ValueError: if several workers are to end by the clock.
    """
    if workers > 1 and schedule.minutes is not None:
        raise ValueError("minutes: workers have a clock each and would end apart; take one worker")
    parameters = [p for p in modules.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(
        parameters,
        lr=schedule.learning_rate,
        betas=(0.9, 0.99),
        fused=parameters[0].is_cuda or None,
    )
    average = [p.detach().clone() for p in parameters]
    checkpoint, log = folder / f"{name}.pt", folder / f"{name}.jsonl"
    start, spent = 0, 0.0
    if checkpoint.exists():
        start, spent = _restore(checkpoint, modules, optimiser, average)

    began = time.monotonic()
    with Progress(*COLUMNS, disable=rank != 0) as progress:
        bar = progress.add_task(name, total=schedule.steps, completed=start, figures="")
        seconds = spent
        for step in range(start, schedule.steps):
            if schedule.over(step, seconds):
                break
            for group in optimiser.param_groups:
                group["lr"] = schedule.rate(step, seconds)
            generator = torch.Generator(parameters[0].device)
            generator.manual_seed((seed * 1_000_003 + step) * 64 + rank)
            figures = loss(schedule.batch // workers, generator)
            optimiser.zero_grad(set_to_none=True)
            figures["loss"].backward()
            average_gradients(parameters, workers)
            nn.utils.clip_grad_norm_(parameters, 1.0)
            optimiser.step()
            with torch.no_grad():
                keep = min(ema or 0.0, (step + 1) / (step + 10))
                torch._foreach_lerp_(average, [p.detach() for p in parameters], 1 - keep)
            seconds = spent + time.monotonic() - began
            if rank == 0:
                done = step + 1
                if done % LOG_EVERY == 0:
                    line = {k: round(v.item(), 5) for k, v in figures.items()}
                    timed = {"step": done, "seconds": round(seconds, 1), **line}
                    with log.open("a") as file:
                        file.write(json.dumps(timed) + "\n")
                    shown = " ".join(f"{k} {v:.4f}" for k, v in line.items())
                    progress.update(bar, figures=shown)
                if done % save_every == 0 or schedule.over(done, seconds):
                    state = {
                        "modules": modules.state_dict(),
                        "optimiser": optimiser.state_dict(),
                        "average": average,
                        "step": done,
                        "seconds": seconds,
                    }
                    with whole_file(checkpoint) as stream:
                        torch.save(state, stream)
                progress.update(bar, completed=done)
    with torch.no_grad():
        for parameter, mean in zip(parameters, average, strict=True):
            parameter.copy_(mean)


def _restore(
    checkpoint: Path,
    modules: nn.ModuleDict,
    optimiser: torch.optim.Optimizer,
    average: list[Tensor],
) -> tuple[int, float]:
    """Put back what was saved, and say after how many steps and seconds it was."""
    saved = torch.load(checkpoint, map_location="cpu", weights_only=True)
    modules.load_state_dict(saved["modules"])
    optimiser.load_state_dict(saved["optimiser"])
    for mean, value in zip(average, saved["average"], strict=True):
        mean.copy_(value)
    return saved["step"], saved["seconds"]
