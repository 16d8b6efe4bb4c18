"""The transplant of one row: what holds which cells, and until which step."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from taue import equations
from taue.errors import TaueError
from taue.harvest import harvest_index
from taue.masks import grow
from taue.seedling import Seedling
from taue.settings import Settings
from taue.shapes import Cells, Float, One
from taue.space import Estimate, NoiseLevels


@dataclass(frozen=True)
class Live:
    """A source that still grows: row ``row`` (from 0) of the same pass, as it is at the moment."""

    row: int


@dataclass(frozen=True)
class Planting:
    """A source and the region that it is planted into (region [h, w], 1 = inside).

    ``crop_ratio`` says until when it is held. ``harmony`` in [0, 1]
    is how soon after that its inner cells may leave the look that the seedling ended with: 1 at
    once (the paper), 0 never. With ``to_end`` all of the region follows the line to its end, and
    ends as the source's estimate.
    """

    source: Seedling | Live
    region: Cells
    crop_ratio: float = field(kw_only=True)
    harmony: float = 1.0
    to_end: bool = False


@dataclass(frozen=True)
class Line:
    """The straight line that planted cells follow: at level (a, s) they are a ``end`` +
    (s + ``surplus``) ``noise``."""

    end: One
    noise: One
    surplus: float = 0.0


@dataclass(frozen=True)
class Hold:
    """Cells [1, 1, h, w] on a line before an iteration; with ``blended`` the model's output is the
    line's there, too, and with it the next step."""

    cells: Float[Tensor, "1 1 h w"]
    line: Line
    blended: bool


@dataclass(frozen=True)
class Held:
    """Everything that is held of one row at one iteration; later holds go before earlier ones."""

    holds: tuple[Hold, ...]
    levels: NoiseLevels
    index: int

    def impose(self, latents: One) -> One:
        """The scheduler's latents before the iteration with the held cells on their lines.

        Deterministic schedulers stay on the line by themselves once the noise is blended in;
        stochastic ones do not, so the cells are imposed again at every step.
        """
        level = self.levels[self.index]
        for hold in self.holds:
            line, amount = hold.line, level.noise + hold.line.surplus
            planted = equations.planted(line.end, line.noise, level.signal, amount)
            latents = equations.transplant(hold.cells, planted, latents)
        return latents

    def blend(self, output: One) -> One:
        """The model's output at the iteration, the line's own where it is held."""
        for hold in self.holds:
            if hold.blended:
                planted = self.levels.output(hold.line.end, hold.line.noise, self.index)
                output = equations.blend_noise(hold.cells, planted, output)
        return output


class Transplant:
    """All plantings of one row, side by side: their regions are disjoint.

    Args:
        plantings: what is planted where.
        settings: the method's.
        levels: those of the row's scheduler.
        order: iterations that the scheduler takes for a step.
        device: where the row grows.
        scale: what the scheduler multiplies unit noise by to start from.
        steps: N of the row's schedule; the settings' if None.

    Attributes:
        releases: the iterations from which on each planting leaves its line.

    Raises:
        TaueError: if a planting wants to keep the look of a source that has not ended, its noise
            multiplied where a scheduler starts from nothing else, or to begin there as the paper's
            letter has it.
    """

    def __init__(
        self,
        plantings: Sequence[Planting],
        settings: Settings,
        levels: NoiseLevels,
        order: int,
        device: torch.device,
        scale: float = 1.0,
        steps: int | None = None,
    ) -> None:
        self.levels = levels
        steps = settings.num_inference_steps if steps is None else steps
        self._planted = [
            _Planted(one, settings, levels, order, device, scale, steps) for one in plantings
        ]
        self.releases = tuple(one.crop for one in self._planted)

    def at(self, index: int, live: Sequence[Estimate]) -> Held:
        """What is held before iteration ``index``, with what each row of the pass makes of its
        picture at the moment."""
        holds = (hold for one in self._planted for hold in one.holds(index, live))
        return Held(tuple(holds), self.levels, index)


class _Planted:
    """One planting on the iterations of its row's scheduler.

    Cells of the region follow the source's line until its harvest step; with a harmony below 1,
    cells whose neighbours all belong to the region follow the line to the seedling's final latents
    for some steps more. The rim stays free, for there the key colour shines through.
    """

    def __init__(
        self,
        planting: Planting,
        settings: Settings,
        levels: NoiseLevels,
        order: int,
        device: torch.device,
        scale: float,
        steps: int,
    ) -> None:
        self.planting, self.settings, self.levels, self.device = planting, settings, levels, device
        self.scale = scale
        region = planting.region.to(device, torch.float32)
        self.region = region[None, None]
        self.core = self.region * (grow(1 - region) == 0)
        crop = harvest_index(levels, order, steps, planting.crop_ratio)
        # Schedules may have a step more than they were asked for, as PNDM's.
        kept = equations.release_step(-(-levels.count // order), crop, planting.harmony)
        held = crop + 1 if settings.hold_crop_step else crop
        # Iterations end before steps do: Heun's last step is one iteration.
        self.crop, self.held, self.kept = (
            levels.count if planting.to_end else min(order * step, levels.count)
            for step in (crop, held, kept)
        )
        source = planting.source
        final = None if isinstance(source, Live) else source.final
        if self.kept > self.crop and final is None:
            raise TaueError("harmony below 1 needs seedlings that know how their stage ended.")
        self._final = final if self.kept > self.crop else None
        self._fixed = None if isinstance(source, Live) else self._line_of(source.estimate)

    def holds(self, index: int, live: Sequence[Estimate]) -> Iterator[Hold]:
        """Holds before iteration ``index``, the inner cells' last."""
        blending = self.planting.to_end or self.settings.noise_blending == "two-phase"
        if not blending:
            if index == 0:
                yield Hold(self.region, self._line(live), blended=False)
        elif index <= self.crop or index < self.held:
            yield Hold(self.region, self._line(live), blended=index < self.held)
        if self.crop <= index <= self.kept and self._final is not None:
            line = self._line(live)
            if index > self.crop:
                line = Line(self._final.to(line.end), line.noise)
            yield Hold(self.core, line, blended=index < self.kept)

    def _line(self, live: Sequence[Estimate]) -> Line:
        source = self.planting.source
        if isinstance(source, Live):
            return self._line_of(live[source.row])
        return self._fixed or self._line_of(source.estimate)

    def _line_of(self, source: Estimate) -> Line:
        if self.planting.to_end:
            end, noise, surplus = source.denoised, source.noise, 0.0
        elif self.settings.transplant != "line":
            end, noise, surplus = *self._as_printed(source), 0.0
        else:
            end, noise = filtered(source, self.planting.region, self.settings)
            surplus = self._surplus(source)
        if not self.levels.flows:  # there a solver walks straight in x / a, so what is over stays
            end, surplus = end + surplus * noise, 0.0
        return Line(
            end.to(self.device, torch.float32), noise.to(self.device, torch.float32), surplus
        )

    def _as_printed(self, source: Estimate) -> tuple[One, One]:
        """The line that begins at f(L) + lambda n_crop in place of unit noise: with the noise
        prediction held, blending leads along it."""
        chosen, start = self.settings.transplant, self.levels[0]
        if start.signal == 0:
            raise TaueError(
                f'transplant is "{chosen}"; choose "line" for a scheduler that starts from zero '
                "terminal signal, where noise alone leads nowhere."
            )
        level = source.level
        denoised, noise = filtered(source, self.planting.region, self.settings)
        noisy = level.mix(denoised, noise)
        if chosen == "unit":
            unit = equations.unit_space(noisy, level.signal, start.signal, self.scale)
        else:
            unit = equations.unit_variance(noisy, level.signal, level.noise)
        begun = equations.transplanted_noise(unit, noise, self.settings.unit_noise_strength)
        return equations.line_end(self.scale * begun, noise, start.signal, start.noise), noise

    def _surplus(self, source: Estimate) -> float:
        """Noise over the line to the source, for a strength other than 1."""
        strength = self.settings.noise_strength
        if strength == 1:
            return 0.0
        start = self.levels.along(self.levels[0])
        if start == math.inf:
            raise TaueError(
                f"noise_strength is {strength:g}; give 1 to a scheduler that starts from zero "
                "terminal signal, where there is no more noise than all."
            )
        return equations.noise_surplus(self.levels.along(source.level), start, strength)


def filtered(source: Estimate, region: Cells, settings: Settings) -> tuple[One, One]:
    """The denoised estimate and noise after the high-pass filter f.

    By default only the estimate is sharpened, its edges extended beyond the region first, because
    sharpening noisy latents raises their noise and drags the key colour across the edge. With
    ``filter_noisy`` it is the paper's letter, f(L): then the whole difference counts as estimate.
    """
    denoised, noise, level = source.denoised, source.noise, source.level
    if settings.sharpening == 0 or level.signal == 0:  # there nothing is shown yet
        return denoised, noise
    if settings.filter_noisy:
        latents = equations.high_pass(level.mix(denoised, noise), settings.sharpening)
        return (latents - level.noise * noise) / level.signal, noise
    mask = (region > 0.5).to(denoised)[None, None]
    extended = equations.extend_edges(denoised, mask)
    return equations.high_pass(extended, settings.sharpening), noise
