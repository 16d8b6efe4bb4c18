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
    state = _State(modules, schedule.learning_rate, folder / f"{name}.pt")
    log, began = folder / f"{name}.jsonl", time.monotonic() - state.seconds
    with Progress(*COLUMNS, disable=rank != 0) as progress:
        bar = progress.add_task(name, total=schedule.steps, completed=state.step, figures="")
        while state.step < schedule.steps and not schedule.over(state.step, state.seconds):
            generator = torch.Generator(state.parameters[0].device)
            generator.manual_seed((seed * 1_000_003 + state.step) * 64 + rank)
            figures = loss(schedule.batch // workers, generator)
            rate = schedule.rate(state.step, state.seconds)
            state.advance(figures["loss"], rate, workers, ema or 0.0)
            state.seconds = time.monotonic() - began
            if rank == 0:
                if state.step % LOG_EVERY == 0:
                    progress.update(bar, figures=_logged(log, state, figures))
                if state.step % save_every == 0 or schedule.over(state.step, state.seconds):
                    state.save()
                progress.update(bar, completed=state.step)
    state.take_average()


class _State:
    """What is optimised and how far it is; from its checkpoint on, if there is one.

    Attributes:
        parameters: what is optimised.
        step, seconds: how many steps were made, and how long they took.
    """

    def __init__(self, modules: nn.ModuleDict, learning_rate: float, checkpoint: Path) -> None:
        self.modules, self.checkpoint = modules, checkpoint
        self.parameters = [p for p in modules.parameters() if p.requires_grad]
        self.optimiser = torch.optim.AdamW(
            self.parameters,
            lr=learning_rate,
            betas=(0.9, 0.99),
            fused=self.parameters[0].is_cuda or None,
        )
        self.average = [p.detach().clone() for p in self.parameters]
        self.step, self.seconds = 0, 0.0
        if checkpoint.exists():
            saved = torch.load(checkpoint, map_location="cpu", weights_only=True)
            modules.load_state_dict(saved["modules"])
            self.optimiser.load_state_dict(saved["optimiser"])
            for mean, value in zip(self.average, saved["average"], strict=True):
                mean.copy_(value)
            self.step, self.seconds = saved["step"], saved["seconds"]

    def advance(self, loss: Tensor, rate: float, workers: int, ema: float) -> None:
        """One step down the loss's slope, of all workers together."""
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        average_gradients(self.parameters, workers)
        nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.optimiser.step()
        with torch.no_grad():
            keep = min(ema, (self.step + 1) / (self.step + 10))
            torch._foreach_lerp_(self.average, [p.detach() for p in self.parameters], 1 - keep)
        self.step += 1

    def save(self) -> None:
        """Write the checkpoint, whole or not at all."""
        state = {
            "modules": self.modules.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "average": self.average,
            "step": self.step,
            "seconds": self.seconds,
        }
        with whole_file(self.checkpoint) as stream:
            torch.save(state, stream)

    @torch.no_grad()
    def take_average(self) -> None:
        """Put the moving average in the parameters' place."""
        for parameter, mean in zip(self.parameters, self.average, strict=True):
            parameter.copy_(mean)


def _logged(log: Path, state: _State, figures: dict[str, Tensor]) -> str:
    """Add a line of figures to a file; what to show of it."""
    line = {k: round(v.item(), 5) for k, v in figures.items()}
    timed = {"step": state.step, "seconds": round(state.seconds, 1), **line}
    with log.open("a") as file:
        file.write(json.dumps(timed) + "\n")
    return " ".join(f"{k} {v:.4f}" for k, v in line.items())
