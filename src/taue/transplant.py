"""The bed of one pass: which seedling holds which cells, and until which step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from taue import equations
from taue.errors import TaueError
from taue.masks import grow
from taue.seedling import Seedling
from taue.settings import Settings
from taue.space import NoiseLevels


@dataclass(frozen=True)
class Planting:
    """A seedling and the region that it is planted into (region [h, w], 1 = inside).

    ``crop_ratio`` says until when it is held, the settings' own if None. ``harmony`` in [0, 1]
    is how soon after that its inner cells may leave the look that the seedling ended with: 1 at
    once (the paper), 0 never. With ``to_end`` all of the region follows the line to its end, and
    ends as the seedling's estimate. ``row`` is the sample of the batch that it is planted into.
    """

    seedling: Seedling
    region: Tensor
    crop_ratio: float | None = None
    harmony: float = 1.0
    to_end: bool = False
    row: int = 0


class Transplant:
    """All plantings of one pass, laid side by side: in each row their regions are disjoint.

    Cells of a region follow the seedling's straight line until its harvest step; with a harmony
    below 1, cells whose neighbours all belong to the region follow the line to the seedling's
    final latents for some steps more. The rim stays free, for there the key colour shines
    through.

    Args:
        order: iterations that the scheduler takes for a step.
        rows: samples of the batch.

    Attributes:
        released: the iteration from which on no seedling follows its line; 0 without any.
    """

    def __init__(
        self,
        plantings: Sequence[Planting],
        settings: Settings,
        levels: NoiseLevels,
        order: int,
        device: torch.device,
        rows: int = 1,
    ) -> None:
        self.levels, self.last, self.released = levels, -1, 0
        if not plantings:
            return
        first = plantings[0].seedling.denoised
        cells = torch.zeros(rows, 1, *first.shape[-2:], device=device)
        self.region = cells.clone()
        self.crop, self.held, self.kept = cells.clone(), cells.clone(), cells.clone()
        self.end = torch.zeros(rows, *first.shape[1:], dtype=first.dtype, device=device)
        self.noise, self.final = torch.zeros_like(self.end), torch.zeros_like(self.end)
        steps = settings.num_inference_steps
        for planting in plantings:
            region = planting.region.to(device, torch.float32)[None, None]
            row, inside = slice(planting.row, planting.row + 1), region > 0
            self._line(planting, row, inside, settings)
            self.region[row] += region
            if planting.to_end:
                self.crop[row][inside] = self.held[row][inside] = len(levels.sigmas)
                continue
            crop = equations.harvest_step(steps, planting.crop_ratio or settings.crop_ratio)
            self.crop[row][inside] = order * crop
            held = order * (crop + 1 if settings.hold_crop_step else crop)
            self.held[row][inside] = held
            kept = equations.release_step(steps, crop, planting.harmony)
            if kept > crop:
                # Iterations end before steps do: Heun's last step is one iteration.
                self._look(planting, row, inside, min(order * kept, len(levels.sigmas)))
        self.released = int(self.crop.max())
        self.last = int(torch.stack([self.crop, self.held, self.kept]).max())

    def _line(self, planting: Planting, row: slice, inside: Tensor, settings: Settings) -> None:
        # The same line as from sigma_0, kept at its end: with all levels lowered by sigma_0,
        # float32 resolves it even where sigma_0 is thousands (zero terminal SNR).
        sigma, start = planting.seedling.sigma, self.levels.sigmas[0]
        denoised, noise = planting.seedling.denoised, planting.seedling.noise
        end = denoised
        if not planting.to_end:
            denoised, noise = filtered(planting.seedling, planting.region, settings)
            strength = settings.noise_strength
            end = equations.planted_start(denoised, noise, sigma - start, 0.0, strength)
        self.end[row] = torch.where(inside, end.to(self.end), self.end[row])
        self.noise[row] = torch.where(inside, noise.to(self.noise), self.noise[row])

    def _look(self, planting: Planting, row: slice, inside: Tensor, kept: int) -> None:
        final = planting.seedling.final
        if final is None:
            raise TaueError("harmony below 1 needs seedlings that know how their stage ended.")
        rim = grow(1 - planting.region.to(self.end.device, torch.float32))[None, None]
        core = inside & (rim == 0)
        self.kept[row][core] = kept
        self.final[row] = torch.where(core, final.to(self.end), self.final[row])

    def plant(self, latents: Tensor, index: int) -> Tensor:
        """Impose the seedlings on the scheduler's latents before iteration ``index``.

        Deterministic schedulers stay on the line by themselves once the seedling's noise is
        blended in; stochastic ones do not, so the region is imposed again at every step.
        """
        if index > self.last:
            return latents
        ended = index == len(self.levels.sigmas)  # at noise level zero all spaces are one
        sigma = 0.0 if ended else self.levels.sigmas[index]
        exploding = latents if ended else self.levels.to_exploding(latents, index)
        growing = self.region * (index <= self.crop)
        exploding = equations.transplant(growing, self.end + sigma * self.noise, exploding)
        keeping = ((self.crop < index) & (index <= self.kept)).to(exploding)
        exploding = equations.transplant(keeping, self.final + sigma * self.noise, exploding)
        return exploding if ended else self.levels.from_exploding(exploding, index)

    def blend(self, output: Tensor, latents: Tensor, index: int) -> Tensor:
        """The model's output at iteration ``index``, the seedling's own where it is held."""
        if index >= self.last:
            return output
        exploding = self.levels.to_exploding(latents, index)
        predicted = self.levels.to_noise(output, exploding, index)
        holding = self.region * (index < torch.maximum(self.held, self.kept))
        blended = equations.blend_noise(holding, self.noise, predicted)
        return self.levels.from_noise(blended, exploding, index)


def filtered(seedling: Seedling, region: Tensor, settings: Settings) -> tuple[Tensor, Tensor]:
    """The seedling's denoised estimate and noise after the high-pass filter f.

    By default only the estimate is sharpened, its edges extended beyond the region first, because
    sharpening noisy latents raises their noise and drags the key colour across the edge. With
    ``filter_noisy`` it is the paper's letter, f(L): then the whole difference counts as estimate.
    """
    if settings.sharpening == 0:
        return seedling.denoised, seedling.noise
    if settings.filter_noisy:
        latents = equations.high_pass(seedling.at(seedling.sigma), settings.sharpening)
        return latents - seedling.sigma * seedling.noise, seedling.noise
    mask = (region > 0.5).to(seedling.denoised)[None, None]
    extended = equations.extend_edges(seedling.denoised, mask)
    return equations.high_pass(extended, settings.sharpening), seedling.noise
