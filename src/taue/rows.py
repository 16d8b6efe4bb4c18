"""A pass is a batch of rows: what one row is grown from, what an observer sees of it, its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from taue.backbones import Conditioning
from taue.effort import TO_THE_END, Guidance
from taue.shapes import Cells, Latents, One
from taue.space import Level
from taue.transplant import Live, Planting


@dataclass(frozen=True)
class Row:
    """One sample of a pass.

    Attributes:
        stage: "foreground", "composite", "background", "refine" or "heal".
        noise: unit noise to start from [1, C, h, w].
        conditioning: prompts by region, and their guidance.
        generator: what a stochastic scheduler draws from.
        subject: 1-based number of the subject that it is; None for scenes.
        crop_ratio: when it is harvested.
        estimate: a denoised estimate [1, C, h, w] to continue from at the step ``begin``, at that
            step's level under ``noise``, instead of starting from noise alone.
        released: the conditioning that takes the regions' place from the step on at which the last
            planting is released: one prompt everywhere, or where there are several subjects,
            each's own scene in its region; None to keep the regions.
        plantings: what grows where; the regions do not overlap.
        listen_to: positions of the tokens whose attention is collected until the harvest.
        until_harvest: whether it ends with its harvest; its latents are the estimate then.
        goes_on: whether another row goes on from there with the next step, so that its last one is
            seen, too, as that next one finds it; what an observer makes of that is harvested.
        begins: after how many predictions of the pass it begins; if None, as soon as every live
            source that is planted in it was harvested.
        steps: N of its own schedule; the settings' if None.
        begin: as a crop ratio, the step at which it continues from its ``estimate``; that of its
            harvest if None.
        guided: when predictions are guided, and how strongly at most.
    """

    stage: str
    noise: One
    conditioning: Conditioning
    generator: torch.Generator | None = None
    subject: int | None = None
    crop_ratio: float = field(kw_only=True)
    estimate: One | None = None
    released: Conditioning | None = None
    plantings: tuple[Planting, ...] = ()
    listen_to: tuple[int, ...] = ()
    until_harvest: bool = False
    goes_on: bool = False
    begins: int | None = None
    steps: int | None = None
    begin: float | None = None
    guided: Guidance = TO_THE_END

    @property
    def sources(self) -> tuple[int, ...]:
        """Numbers of the rows, from 0, that are planted in this one while they grow."""
        return tuple(p.source.row for p in self.plantings if isinstance(p.source, Live))


@dataclass(frozen=True)
class Harvest:
    """The end of one row and what was harvested on its way.

    ``latents`` [1, C, h, w] scaled, at noise level zero unless interrupted. ``denoised``,
    ``noise`` and ``level`` are the state at the harvest step (see :class:`taue.Seedling`);
    ``attention`` is [h, w] in [0, 1] on the CPU if the row listened, else None. ``evaluations``
    are samples sent through the network for it, ``seconds`` its share of the pass.
    ``interrupted`` if an observer ended the pass.
    """

    latents: One
    denoised: One
    noise: One
    level: Level
    attention: Cells | None
    evaluations: int
    seconds: float
    interrupted: bool = False

    @property
    def sigma(self) -> float:
        """Noise to signal at the harvest step."""
        return self.level.ratio

    def gone_on(self, end: Harvest) -> Harvest:
        """The harvest of a row that went on from it in another pass, to this end."""
        return replace(
            self,
            latents=end.latents,
            evaluations=self.evaluations + end.evaluations,
            seconds=self.seconds + end.seconds,
            interrupted=end.interrupted,
        )


@dataclass
class Step:
    """What an observer sees after a step of the rows that are at one index of one stage, and may
    change: the scheduler's latents [n, C, h, w]. ``denoised`` [n, C, h, w] is what the model takes
    them for, free of noise, and ``corners`` the row and column of the canvas's cells at which each
    begins: (0, 0), but for windows."""

    stage: str
    subjects: tuple[int, ...]
    index: int
    count: int
    timestep: Tensor
    latents: Latents
    denoised: Latents
    corners: tuple[tuple[int, int], ...]
    interrupted: bool = field(default=False)


Observer = Callable[[Step], None]
