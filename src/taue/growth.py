"""One row as it grows: its solver, its latents, and what it makes of them at the moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

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
        continues: whether it begins at its harvest step or after it, so that what it begins from
            is its harvest.
        index: the next iteration of its scheduler.
        end: the iteration before which it is over.
        latents: the scheduler's, [1, C, h, w] float32.
        estimate: what the last prediction made of them; before the first one, how it begins.
        heard: the iteration from which on its attention counts.
        seconds: its share of the pass so far.
        maps: what was captured of its attention, [h, w] each.
    """

    def __init__(self, row: Row, backbone: Backbone, settings: Settings) -> None:
        self.row, self.backbone = row, backbone
        steps = settings.num_inference_steps if row.steps is None else row.steps
        self.solver = Solver(backbone.new_scheduler(steps), row.generator)
        levels, order, device = self.solver.levels, self.solver.order, backbone.device

        def iteration(ratio: float) -> int:
            return order * harvest_index(levels, order, steps, ratio)

        self.crop = iteration(row.crop_ratio)
        self.heard = int(settings.attention_from * self.crop)
        until = row.guided.until
        self.guided = levels.count if until is None else iteration(until)
        for planting in row.plantings:
            if isinstance(planting.source, Seedling):
                planting.source.require_family(backbone.family, "a seedling")
        scale = self.solver.scale
        self.transplant = Transplant(row.plantings, settings, levels, order, device, scale, steps)
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
            self.index = self.crop if row.begin is None else iteration(row.begin)
            level = levels[self.index]
            self.solver.begin(self.index)
            self.estimate = Estimate(row.estimate.to(device, torch.float32), noise, level)
            self.latents = level.mix(self.estimate.denoised, noise)
        self.continues = row.estimate is not None and self.index >= self.crop
        self.end = self.crop + 1 if row.until_harvest else levels.count
        self.next = levels[min(self.crop + order, levels.count)]
        self.seconds = 0.0
        self.maps: list[Cells] = []
        self._harvest = self.estimate
        self._spent = 0

    @property
    def turns(self) -> list[int]:
        """Iterations before which it begins to attend otherwise, and before which it is over."""
        turns = (self.index, self.heard, self.crop, self.release, self.guided, self.end)
        return [i for i in turns if i >= self.index]

    @property
    def to_harvest(self) -> int:
        """Predictions until it is harvested; none for a row that continues from its harvest."""
        return 0 if self.continues else self.crop + 1 - self.index

    @property
    def ended(self) -> bool:
        """Whether the last prediction was its harvest's, and no step follows."""
        return self.row.until_harvest and self.index == self.end

    @property
    def seen(self) -> bool:
        """Whether an observer sees what the last prediction came to."""
        return not self.ended or self.row.goes_on

    @property
    def conditioning(self) -> Conditioning:
        """What the next prediction is conditioned on."""
        released, own = self.row.released, self.row.conditioning
        if released is not None and self.index >= self.release:
            own = released
        if self.backbone.evaluations(own.guidance_scale) == 1:
            return own
        if self.index >= self.guided:
            return replace(own, guidance_scale=1.0)
        limit = self.row.guided.limit
        if limit is None:
            return own
        before, after = (self.solver.levels[self.index + i].ratio for i in (0, 1))
        cells = self.latents[0, 0].numel()
        scale = equations.stable_guidance(own.guidance_scale, before, after, cells, limit)
        return replace(own, guidance_scale=scale)

    @property
    def evaluations(self) -> int:
        """Samples that the next prediction sends through the network for it."""
        return self.backbone.evaluations(self.conditioning.guidance_scale)

    @property
    def listen_to(self) -> tuple[int, ...]:
        """Positions of the tokens that the next prediction is listened to for."""
        return self.row.listen_to if self.heard <= self.index < self.crop else ()

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
        self._spent += self.evaluations
        self.index += 1
        self.estimate = self.solver.levels.estimate(output, self.latents, index)
        if index <= self.crop and not self.continues:
            self._harvest = self.estimate
        if not self.ended:
            self.latents = self.solver.step(held.blend(output), self.latents, index)
        elif self.row.goes_on:
            self.latents = self.next.mix(self.estimate.denoised, self.estimate.noise)
        else:
            self.latents = self.estimate.denoised

    def harvest(self, *, interrupted: bool) -> Harvest:
        """What it came to."""
        own, latents = self._harvest, self.latents
        if self.ended and self.row.goes_on:
            changed = latents - self.next.mix(own.denoised, own.noise)
            latents = own.denoised + changed / self.next.signal
            own = replace(own, denoised=latents)
        attention = equations.attention_map(self.maps).cpu() if self.maps else None
        return Harvest(
            latents, own.denoised, own.noise, own.level, attention, self._spent, self.seconds,
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
