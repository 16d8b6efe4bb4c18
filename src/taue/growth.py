"""One row as it grows: its solver, its latents, and what it makes of them at the moment."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from taue import equations
from taue.backbones import Backbone, Conditioning
from taue.harvest import harvest_index
from taue.rows import Harvest, Row
from taue.seedling import Seedling
from taue.settings import Settings
from taue.shapes import Cells, One
from taue.solver import Solver
from taue.space import Estimate
from taue.transplant import Held, Transplant


class Growth:
    """The state of one row; complete from the start.

    Attributes:
        index: the next iteration of its scheduler.
        end: the iteration before which it is over.
        latents: the scheduler's, [1, C, h, w] float32.
        estimate: what the last prediction made of them; before the first one, how it begins.
        evaluations: samples that one prediction sends through the network for it.
        seconds: its share of the pass so far.
        maps: what was captured of its attention, [h, w] each.
    """

    def __init__(self, row: Row, backbone: Backbone, settings: Settings) -> None:
        self.row = row
        self.solver = Solver(backbone.new_scheduler(settings.num_inference_steps), row.generator)
        levels, order, device = self.solver.levels, self.solver.order, backbone.device
        self.crop = order * harvest_index(
            levels, order, settings.num_inference_steps, row.crop_ratio
        )
        for planting in row.plantings:
            if isinstance(planting.source, Seedling):
                planting.source.require_family(backbone.family, "a seedling")
        scale = self.solver.scale
        self.transplant = Transplant(row.plantings, settings, levels, order, device, scale)
        freed = zip(row.plantings, self.transplant.releases, strict=True)
        self.release = max((at for one, at in freed if not one.to_end), default=self.crop)
        noise = row.noise.to(device, torch.float32)
        if row.estimate is None:
            self.index, self.latents = 0, self.solver.start(noise)
            level = levels[0]
            unit = self.latents / level.noise
            self.estimate = Estimate(torch.zeros_like(unit), unit, level)
        else:
            # What it continues from, not what the model makes of it, is its harvest: guidance on
            # fresh noise overshoots, and the noise in the object would be twice as strong as it
            # should be.
            self.index, level = self.crop, levels[self.crop]
            self.solver.begin(self.crop)
            self.estimate = Estimate(row.estimate.to(device, torch.float32), noise, level)
            self.latents = level.mix(self.estimate.denoised, noise)
        self.end = self.crop + 1 if row.until_harvest else levels.count
        self.evaluations = backbone.evaluations(row.conditioning.guidance_scale)
        self.seconds = 0.0
        self.maps: list[Cells] = []
        self._harvest = self.estimate
        self._spent = 0

    @property
    def turns(self) -> list[int]:
        """Iterations before which it begins to attend otherwise, and before which it is over."""
        return [i for i in (self.index, self.crop, self.release, self.end) if i >= self.index]

    @property
    def to_harvest(self) -> int:
        """Predictions until it is harvested; none for a row that continues from an estimate."""
        return self.crop + 1 - self.index if self.row.estimate is None else 0

    @property
    def stepped(self) -> bool:
        """Whether the last prediction was followed by a step, and did not end in the harvest."""
        return not (self.row.until_harvest and self.index == self.end)

    @property
    def conditioning(self) -> Conditioning:
        """What the next prediction is conditioned on."""
        released = self.row.released
        return self.row.conditioning if released is None or self.index < self.release else released

    @property
    def listen_to(self) -> tuple[int, ...]:
        """Positions of the tokens that the next prediction is listened to for."""
        return self.row.listen_to if self.index < self.crop else ()

    @property
    def timestep(self) -> Tensor:
        """What the model is told of the next iteration's level, a scalar."""
        return self.solver.timestep(self.index)

    def model_input(self) -> One:
        """The latents as the model takes them."""
        return self.solver.model_input(self.latents, self.index)

    def step(self, output: One, held: Held) -> None:
        """One iteration, from what the model answered."""
        index = self.index
        self.index += 1
        self._spent += self.evaluations
        self.estimate = self.solver.levels.estimate(output, self.latents, index)
        if index <= self.crop and self.row.estimate is None:
            self._harvest = self.estimate
        if not self.stepped:
            self.latents = self.estimate.denoised
        else:
            self.latents = self.solver.step(held.blend(output), self.latents, index)

    def harvest(self, *, interrupted: bool) -> Harvest:
        """What it came to."""
        own = self._harvest
        attention = equations.attention_map(self.maps).cpu() if self.maps else None
        return Harvest(
            self.latents, own.denoised, own.noise, own.level, attention, self._spent, self.seconds,
            interrupted,
        )  # fmt: skip


def begins(growths: Sequence[Growth]) -> list[int]:
    """After how many predictions of the pass each row begins.

    Raises:
        ValueError: if a row waits for itself, if need be by way of others, or for one that there
            is not.
    """

    def of(number: int, waiting: tuple[int, ...]) -> int:
        if number in waiting or not 0 <= number < len(growths):
            raise ValueError(f"row {(*waiting, number)[0]} waits for row {number} in vain")
        row = growths[number].row
        if row.begins is not None:
            return row.begins
        waits = (*waiting, number)
        return max((of(s, waits) + growths[s].to_harvest for s in row.sources), default=0)

    return [of(number, ()) for number in range(len(growths))]
