"""How much of its schedule each stage takes: what a quality costs.

The composite is the picture, so it has all the steps that were asked for. Of a foreground and of
what is refined and healed only a rough state is kept, which the composite or the cut-out finish;
the background repeats the composite but for what is behind the objects. None of them needs as
fine a schedule, and the background none of its first steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

STABLE = 2.0
"""The most that guidance times a step's way may be: beyond it what was lacking is overshot by more
than it lacked."""


@dataclass(frozen=True)
class Guidance:
    """When predictions are guided, and how strongly at most.

    Attributes:
        until: as a crop ratio, the step from which on predictions follow the prompt alone, at half
            the cost: guidance decides what is shown, late in the schedule it changes little
            (arXiv 2404.07724). None if guidance lasts to the end.
        limit: the most that guidance times a step's way may be, over 1, so that every step until
            then is guided (:func:`taue.equations.stable_guidance`); None for any.
    """

    until: float | None = None
    limit: float | None = None


TO_THE_END = Guidance()
"""Guidance as it was asked for, in every step."""


@dataclass(frozen=True)
class Effort:
    """What each stage takes of the steps that were asked for.

    Attributes:
        composite, foreground, background, refine, heal: the steps of a stage's own schedule, from
            noise to picture, as shares of those.
        alone: in place of ``composite``, where one subject is drawn for its layer's sake.
        again: in place of ``composite``, where all subjects have their layers from another scene:
            before another background, or moved.
        background_begin: as a crop ratio, the step of its schedule at which the background begins,
            from the composite's surroundings smoothly filled in; None from noise alone.
        composite_begin: that at which the composite begins, from a user's picture.
        refine_begin: that at which an object is refined; None at the harvest step.
        placed: that at which what grew is brought into its box, where it grows on in a window; if
            it is later than its own, or None, at its own.
        guided: when predictions are guided, and how strongly at most.
        window: around an object on a key, as a share of the canvas's shorter side, what of the key
            is drawn with it once its place is known; None for all.
        fewest: the steps of a stage's schedule at least, if so many were asked for: where there are
            few, as of distilled models, none is left out.
    """

    composite: float = 1.0
    alone: float = 1.0
    again: float = 1.0
    foreground: float = 1.0
    background: float = 1.0
    refine: float = 1.0
    heal: float = 1.0
    background_begin: float | None = None
    composite_begin: float = 0.0
    refine_begin: float | None = None
    placed: float | None = None
    guided: Guidance = TO_THE_END
    window: float | None = None
    fewest: int = 2

    def steps(self, stage: str, steps: int) -> int:
        """A stage's own, of so many that were asked for."""
        return max(min(self.fewest, steps), round(getattr(self, stage) * steps))

    def begin(self, stage: str, crop_ratio: float) -> float:
        """As a crop ratio, where a stage of a scene begins on its own schedule; 0 at noise alone.
        From the harvest step on the composite would draw the ground anew when it is healed."""
        if stage == "refine":
            return crop_ratio if self.refine_begin is None else self.refine_begin
        if stage == "heal":
            return (1 + crop_ratio) / 2
        if stage == "composite":
            return self.composite_begin
        return (self.background_begin or 0.0) if stage == "background" else 0.0

    @property
    def together(self) -> bool:
        """Whether composite and background go on in one pass, if the scheduler lets the composite
        go on from its harvest: a background that begins late leaves the composite time."""
        return self.background_begin is not None

    def placing(self, crop_ratio: float) -> float:
        """As a crop ratio, where a subject that is harvested at this one comes into its box."""
        return crop_ratio if self.placed is None else min(self.placed, crop_ratio)

    def predicts_once(self, steps: int) -> bool:
        """Whether what is brought into its box goes on there from the step after the one that
        showed where it was, of so many of its schedule: not where each of them counts."""
        return self.placed is not None and steps >= self.fewest

    def evaluations(self, stage: str, steps: int, crop_ratio: float) -> int:
        """Samples that a stage sends through the network, of so many steps that were asked for:
        two a step with guidance, one without. Second tries are not in it."""
        own = self.steps(stage, steps)
        begin = ceil(round(self.begin(stage, crop_ratio) * own, 6))
        until = self.guided.until
        guided = own if until is None else ceil(until * own)
        return own - begin + max(0, guided - begin)


EFFORTS: Mapping[str, Effort] = {
    "best": Effort(),
    "balanced": Effort(
        alone=0.24,
        again=0.65,
        foreground=0.24,
        background=0.24,
        refine=0.24,
        heal=0.3,
        background_begin=0.2,
        placed=0.47,
        guided=Guidance(until=0.8, limit=STABLE),
        window=0.06,
        fewest=12,
    ),
    "fast": Effort(
        composite=0.22,
        alone=0.16,
        again=0.22,
        foreground=0.16,
        background=0.16,
        refine=0.16,
        heal=0.2,
        background_begin=0.2,
        guided=Guidance(until=0.8, limit=STABLE),
        window=0.06,
        fewest=8,
    ),
}
"""Qualities by name."""
